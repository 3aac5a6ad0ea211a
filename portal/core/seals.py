"""Seals over the audit: each second, over what is surely complete, a Merkle root that names the seal before it.

A row carries the number of its transaction and no hash of its own, so that business never waits for the chain. A seal
covers every row of the audit and of the orders' steps whose transaction lies in its range; ranges follow one another.
It keeps each row's hash too, so that `seal_check` can name what was changed, removed or put in later. Who owns the
database can make the whole chain anew: kept elsewhere, one seal (`exported`) shows that.

The canonical form of a row is its table's name and the line that PostgreSQL's COPY writes of it in text format: the
columns in the order of `SEALED`, moments as ISO in UTC. docs/decisions/0122-audit-seals.md has the whole of it.
"""
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg import sql
from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, select, text
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.core.row_sketch import RowSketch

ROWS_MAX = 20_000  # of one seal, unless one transaction has more
SEALS_MAX = 5  # of one turn of the sealer
ENTRY = 1 + 16 + 32  # which table, which row, the row's hash
BEGINNING = bytes(32)  # what the first seal has before it
LATE_S = 60


class Sealed(NamedTuple):
    """A table whose rows are sealed; `columns` never change their order, and a new one wants a new table."""

    tag: int
    table: str
    columns: tuple[str, ...]


SEALED = (
    Sealed(1, "audit_rows", (
        "id", "created_at", "transaction_id", "actor_kind", "actor_id", "actor_name", "role", "address", "request_id",
        "action", "target_kind", "target_id", "before", "after", "reason")),
    Sealed(2, "order_events", (
        "id", "created_at", "transaction_id", "order_id", "version", "type", "action", "from_status", "to_status",
        "actor_kind", "actor_id", "actor_name", "role", "address", "request_id", "reason", "details", "payload")),
)


class AuditSeal(Base):
    """Transactions from `from_transaction` to below `until_transaction`. Rows are only ever added."""

    __tablename__ = "audit_seals"
    __table_args__ = (
        CheckConstraint("from_transaction < until_transaction", name="range"),
        CheckConstraint(f"octet_length(entries) = rows * {ENTRY}", name="entries"),
        CheckConstraint("octet_length(root) = 32 AND octet_length(previous) = 32 AND octet_length(hash) = 32",
                        name="hashes"),
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime] = mapped_column(default=clock.now)
    from_transaction: Mapped[int] = mapped_column(BigInteger)
    until_transaction: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    entries: Mapped[bytes] = mapped_column(LargeBinary)

    def own_hash(self) -> bytes:
        """Of all that a seal says, and so, by the one before it, of everything before."""
        sealed_at = f"{self.sealed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        said = [self.number, sealed_at, self.from_transaction, self.until_transaction, self.rows,
                self.root.hex(), self.previous.hex()]
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()


class State(NamedTuple):
    """How far the audit is sealed. `waiting_since`: of the oldest row in no seal yet."""

    last: AuditSeal | None
    waiting_since: datetime | None

    @property
    def late(self) -> bool:
        return self.waiting_since is not None and (clock.now() - self.waiting_since).total_seconds() > LATE_S


def seal(session: Session) -> int:
    """Seal what is surely complete, some at a time; how many rows. Two at once: the second finds its number taken."""
    return sum(made.rows for _ in range(SEALS_MAX) if (made := _seal_next(session)) is not None)


def state(session: Session) -> State:
    newest = last(session)
    since = session.execute(text(" UNION ALL ".join(
        f"SELECT min(created_at) FROM {each.table} WHERE transaction_id >= :until" for each in SEALED)),
        {"until": newest.until_transaction if newest else 0}).scalars()
    return State(newest, min((at for at in since if at is not None), default=None))


def last(session: Session) -> AuditSeal | None:
    return session.scalar(select(AuditSeal).options(defer(AuditSeal.entries))
                          .order_by(AuditSeal.number.desc()).limit(1))


def exported(session: Session, one: AuditSeal) -> dict[str, Any]:
    """What is to be kept elsewhere: enough to know later that the chain still leads to this seal, and by the sketch of
    all rows up to it which of them are not what they were. Reads every entry there is."""
    return {"number": one.number, "sealed_at": clock.rfc3339(one.sealed_at), "until_transaction":
            one.until_transaction, "rows": one.rows, "root": one.root.hex(), "hash": one.hash.hex(),
            "sketch": _sketch(session, one).text()}


def _sketch(session: Session, until: AuditSeal) -> RowSketch:
    found = RowSketch()
    for entries in session.scalars(select(AuditSeal.entries).where(AuditSeal.number <= until.number)
                                   .execution_options(yield_per=200)):
        found.add_all(entries_of(entries))
    return found


def entries_of(entries: bytes) -> list[bytes]:
    return [entries[at:at + ENTRY] for at in range(0, len(entries), ENTRY)]


def rows_between(session: Session, from_transaction: int, until_transaction: int) -> Iterator[tuple[bytes, bytes]]:
    """Rows of these transactions, table by table: the key of each among all of them, and the hash of its canonical
    form. Hashes are made here, not by the database. Hot: a million of them in a proof."""
    cursor = session.connection().connection.cursor()
    cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'")
    for each in SEALED:
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE transaction_id >= {} AND transaction_id < {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, each.columns)), sql.Identifier(each.table),
            sql.Literal(from_transaction), sql.Literal(until_transaction))
        with cursor.copy(query) as lines:
            for line in lines:  # each is one row, its line end included
                yield entry_of(each, bytes(line))
    cursor.close()


def entry_of(each: Sealed, line: bytes) -> tuple[bytes, bytes]:
    """Of a row as COPY writes it, line end included: its key among all, and the hash of its canonical form."""
    return (bytes([each.tag]) + _key(line[:line.index(b"\t")]),
            hashlib.sha256(each.table.encode() + b"\t" + line).digest())


def _key(id: bytes) -> bytes:
    """A UUID's own bytes, or a number in as many."""
    return bytes.fromhex(id.replace(b"-", b"").decode()) if len(id) == 36 else int(id).to_bytes(16, "big")


def merkle_root(entries: Sequence[bytes]) -> bytes:
    """Of entries in their order. A leaf is hashed after a zero byte, a pair after a one; who has no pair moves up."""
    level = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    while len(level) > 1:
        above = [hashlib.sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2:]
    return level[0] if level else BEGINNING


def _seal_next(session: Session) -> AuditSeal | None:
    before = last(session)
    begin = before.until_transaction if before else 0
    # below the oldest transaction still under way nothing can be added any more
    end = session.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0
    end = min(end, _enough(session, begin, end))
    if end <= begin:
        return None
    entries = sorted(key + hash for key, hash in rows_between(session, begin, end))
    if not entries:
        return None
    made = AuditSeal(number=before.number + 1 if before else 1, sealed_at=clock.now(), from_transaction=begin,
                     until_transaction=end, rows=len(entries), root=merkle_root(entries),
                     previous=before.hash if before else BEGINNING, entries=b"".join(entries))
    made.hash = made.own_hash()
    session.add(made)
    session.flush()
    session.expunge(made)  # its entries are not kept in memory
    return made


def _enough(session: Session, begin: int, end: int) -> int:
    """The transaction before which there are about ROWS_MAX rows: at least one whole transaction."""
    found = session.scalar(text(" UNION ALL ".join(
        f"SELECT transaction_id AS at FROM {each.table} WHERE transaction_id >= :begin AND transaction_id < :end"
        for each in SEALED) + " ORDER BY at OFFSET :most LIMIT 1"), {"begin": begin, "end": end, "most": ROWS_MAX})
    if found is None:
        return end
    first = session.scalar(text(" UNION ALL ".join(
        f"SELECT min(transaction_id) AS at FROM {each.table} WHERE transaction_id >= :begin" for each in SEALED)
        + " ORDER BY at LIMIT 1"), {"begin": begin})
    return int(found) if found != first else int(found) + 1
