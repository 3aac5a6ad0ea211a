"""Whether the audit is as it was sealed: the chain from its first seal on, every row against the hash kept of it."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import archived_months, seals
from portal.core.archived_months import ArchivedMonth, Sum
from portal.core.row_sketch import RowSketch
from portal.core.seals import BEGINNING, SEALED, AuditSeal, entries_of
from portal.core.snapshot import snapshot

TOGETHER = 200_000  # rows looked at together: as many as memory holds with ease
KEY = 1 + 16


class Checked(NamedTuple):
    """`wrong`: a sentence for each seal or row, beginning with what it is about. `archived`: of `rows` those that lie
    in archived months, and are known by these months' sums alone."""

    rows: int
    seals: int
    last: AuditSeal | None
    wrong: Sequence[str]
    archived: int = 0


class Kept(NamedTuple):
    """A seal as it was kept elsewhere (`seals.exported`)."""

    number: int
    hash: bytes
    until_transaction: int
    rows: RowSketch | None = None  # none: kept before seals had one

    @classmethod
    def of(cls, exported: Mapping[str, Any]) -> "Kept":
        """Raises ValueError, KeyError, TypeError for what is none."""
        sketch = RowSketch.of(exported["sketch"]) if "sketch" in exported else None
        return cls(int(exported["number"]), bytes.fromhex(exported["hash"]), int(exported["until_transaction"]), sketch)


def check(session: Session, *, against: Kept | None = None) -> Checked:
    """Every seal and every sealed row, on one snapshot. Takes no locks, writes nothing, holds TOGETHER rows at once.

    The session must not have begun a transaction; it has none afterwards.
    """
    connection = snapshot(session)
    try:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        return _checked(session, against)
    finally:
        session.rollback()


def _checked(session: Session, against: Kept | None) -> Checked:
    wrong, together, waiting, rows, count = list[str](), list[AuditSeal](), 0, 0, 0
    before: AuditSeal | None = None
    away, anew = _Away(archived_months.detached(session), against), False
    for one in _all(session):
        wrong += _of_chain(one, before)
        if against is not None and one.number == against.number and one.own_hash() != against.hash:
            anew = True
            wrong.append(f"seal {one.number}: is not the one that was kept elsewhere: the chain up to it was made anew")
        together.append(one)
        waiting, before, count, rows = waiting + one.rows, one, count + 1, rows + one.rows
        if waiting >= TOGETHER:
            wrong += _of_rows(session, together, away)
            together, waiting = [], 0
    wrong += _of_rows(session, together, away)
    if against is not None and (before is None or before.number < against.number):
        anew = True
        wrong.append(f"seal {against.number}: was kept elsewhere and is not there")
    if anew and against is not None and against.rows is not None:
        wrong += _against_kept(session, against.rows, against.until_transaction, away)
    return Checked(rows, count, before, [*wrong, *away.wrong()], away.found.rows)


def _all(session: Session) -> Iterator[AuditSeal]:
    found = session.scalars(select(AuditSeal).order_by(AuditSeal.number).execution_options(yield_per=200))
    for one in found:
        session.expunge(one)
        yield one


def _of_chain(one: AuditSeal, before: AuditSeal | None) -> Iterator[str]:
    number, until, hash = (before.number, before.until_transaction, before.hash) if before else (0, 0, BEGINNING)
    if one.number != number + 1:
        yield f"seal {number + 1}: is not there, the next one is {one.number}"
    elif (one.from_transaction, one.previous) != (until, hash):
        yield f"seal {one.number}: does not follow from the one before it"
    if one.root != seals.merkle_root(_entries(one)):
        yield f"seal {one.number}: its root is not that of the rows it names"
    if one.hash != one.own_hash():
        yield f"seal {one.number}: says something else than what was sealed"


def _against_kept(session: Session, kept: RowSketch, until_transaction: int, away: "_Away") -> Iterator[str]:
    """The chain says nothing any more: the rows as they are against those that the kept seal saw."""
    now = RowSketch(key + hash for key, hash in seals.rows_between(session, 0, until_transaction))
    differs = now.less(kept.less(away.seen))
    changes: dict[bytes, int] = {}
    for entry, sign in differs.taken_apart():
        changes[entry[:KEY]] = 0 if entry[:KEY] in changes else sign  # of a changed row both entries come out
    said = {1: "was put in", -1: "is not there any more", 0: "was changed"}
    for key in sorted(changes):
        yield f"{_named(key)}: {said[changes[key]]} after the seal that was kept elsewhere"
    if differs.rest:
        yield f"rows: more differ than the kept seal can name; {len(changes)} are named"


class _Away:
    """Sealed rows that are not there, where months of their time are archived: together they are these months' rows.

    Which of them is wrong cannot be told without the archives; that one is, can.
    """

    def __init__(self, months: Sequence[ArchivedMonth], against: Kept | None) -> None:
        tags = {each.table: each.tag for each in SEALED}
        self.months = [(tags[month.table_name], month) for month in months if month.table_name in tags and month.rows]
        self.found = Sum()
        self.seen = RowSketch()  # those that a seal kept elsewhere knows: there may be millions
        self._until = against.until_transaction if against and against.rows else 0

    def took(self, one: AuditSeal, key: bytes, hash: bytes) -> bool:
        """A row of this seal may lie in an archived month."""
        may = any(tag == key[0] and (month.first_transaction or 0) < one.until_transaction
                  and (month.last_transaction or 0) >= one.from_transaction for tag, month in self.months)
        if may:
            self.found.add(key + hash)
            if one.from_transaction < self._until:
                self.seen.add_all([key + hash])
        return may

    def wrong(self) -> Iterator[str]:
        archived = Sum()
        for _, month in self.months:
            archived.add_all(month.rows, month.sum or b"")
        if (self.found.rows, self.found.value) != (archived.rows, archived.value):
            yield (f"archived months: {self.found.rows} sealed rows of their time are not there and {archived.rows}"
                   " were archived: they are not the same ones")


def _of_rows(session: Session, together: Sequence[AuditSeal], away: _Away) -> Iterator[str]:
    """Rows of seals that follow one another, against what these have of them."""
    if not together:
        return
    sealed = {entry[:KEY]: entry[KEY:] for one in together for entry in _entries(one)}
    for key, hash in seals.rows_between(session, together[0].from_transaction, together[-1].until_transaction):
        kept = sealed.pop(key, None)
        if kept is None:
            yield f"{_named(key)}: was put in after its time was sealed"
        elif kept != hash:
            yield f"{_named(key)}: was changed after it was sealed"
    if not sealed:
        return
    for one in together:
        for entry in _entries(one):
            key = entry[:KEY]
            if key in sealed and not away.took(one, key, entry[KEY:]):
                yield f"{_named(key)}: was sealed and is not there any more"


def _entries(one: AuditSeal) -> Sequence[bytes]:
    return entries_of(one.entries)


def _named(key: bytes) -> str:
    table = next((each.table for each in SEALED if each.tag == key[0]), "row")
    return f"{table} {UUID(bytes=key[1:]) if table == 'order_events' else int.from_bytes(key[1:])}"
