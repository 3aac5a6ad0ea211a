"""Keyed fingerprints after a change of their key: how many each key made, and making old ones anew with the current.

How far it got stands in the prints themselves: each begins with its key's tag. So it can be killed and begun again.
While two keys are known every look-up asks for both (`crypto.fingerprints`).
"""
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import crypto

FIRST = UUID(int=0)
Row = tuple[UUID, bytes]


class Printed(NamedTuple):
    """A column of prints whose text lies sealed beside it. `remake`: the new prints of rows, in their order."""

    table: str
    column: str
    remake: Callable[[Session, Sequence[Row]], Sequence[bytes]]
    id: str = "id"


class Passing(NamedTuple):
    """Prints of texts that the desk does not keep. `where`: those that are still asked for; `gone`: when none is."""

    table: str
    column: str
    where: str
    gone: str


class Made(NamedTuple):
    """How many prints of a column one key made."""

    tag: str
    table: str
    column: str
    prints: int


class Batch(NamedTuple):
    """`last`: from which row on to look again; None at the end."""

    last: UUID | None
    made: int


PASSING = (Passing("form_keys", "content_print", "true", "a day after they were sent"),)
HINTS = frozenset({("payout_imports", "content_print")})
"""Asked for only to say that the same file was sent before: one of an old key is not recognised any more."""
_kinds: list[Printed] = []


def register(*kinds: Printed) -> None:
    """What a noun keeps; called once, where it is made."""
    _kinds.extend(kinds)


def kinds() -> Sequence[Printed]:
    return tuple(_kinds)


def made_by_each(session: Session) -> list[Made]:
    """Of every key that any print names, whether we have it or not. Reads whole tables."""
    found = []
    for table, column, where in [*((one.table, one.column, "true") for one in _kinds),
                                 *((one.table, one.column, one.where) for one in PASSING)]:
        rows = session.execute(text(f"SELECT encode(substring({column} FROM 1 FOR {crypto.TAG_BYTES}), 'hex') AS tag,"
                                    f" count(*) FROM {table} WHERE {column} IS NOT NULL AND {where}"
                                    f" GROUP BY 1 ORDER BY 1"))
        found += [Made(tag, table, column, prints) for tag, prints in rows]
    return found


def waiting(session: Session, of: Printed) -> int:
    """Prints of a column that are not the current key's."""
    return session.scalar(text(f"SELECT count(*) FROM {of.table} WHERE {_is_old(of)}"), {"current": _tag()}) or 0


def make_anew(session: Session, of: Printed, *, after: UUID = FIRST, limit: int) -> Batch:
    """The next rows whose prints are of an older key, locked in the order of their ids.

    Raises CannotOpen, with the place, where a seal's key is not there.
    """
    rows: list[Row] = [(id, bytes(old)) for id, old in session.execute(text(f"""
        SELECT {of.id}, {of.column} FROM {of.table} WHERE {of.id} >= :after AND {_is_old(of)}
        ORDER BY {of.id} LIMIT :limit FOR UPDATE"""), {"after": after, "current": _tag(), "limit": limit})]
    if rows:
        prints = of.remake(session, rows)
        assert all(print.startswith(_tag()) for print in prints), "else it would never end"
        session.execute(text(f"""
            UPDATE {of.table} AS t SET {of.column} = new.print
            FROM unnest(CAST(:ids AS uuid[]), CAST(:olds AS bytea[]), CAST(:prints AS bytea[])) AS new (id, old, print)
            WHERE t.{of.id} = new.id AND t.{of.column} = new.old"""),
            {"ids": [id for id, _ in rows], "olds": [old for _, old in rows], "prints": list(prints)})
    return Batch(rows[-1][0] if len(rows) == limit else None, len(rows))


def strange(session: Session, of: Printed, *, after: UUID = FIRST, limit: int) -> tuple[UUID | None, list[UUID]]:
    """Which of the next prints are not of the text beside them by a key we have, or whose text does not open."""
    found: list[Row] = [(id, bytes(print)) for id, print in session.execute(text(f"""
        SELECT {of.id}, {of.column} FROM {of.table} WHERE {of.id} > :after AND {of.column} IS NOT NULL
        ORDER BY {of.id} LIMIT :limit"""), {"after": after, "limit": limit})]
    wrong = [] if _are_right(session, of, found) else [row[0] for row in found if not _are_right(session, of, [row])]
    return (found[-1][0] if len(found) == limit else None), wrong


def _are_right(session: Session, of: Printed, rows: Sequence[Row]) -> bool:
    """A print of an older key cannot be compared: that its text opens has to do."""
    try:
        made = of.remake(session, rows) if rows else ()
    except (crypto.CannotOpen, KeyError):
        return False
    older = crypto.print_tags()[1:]
    return all(new == old or old[:crypto.TAG_BYTES] in older for new, (_, old) in zip(made, rows, strict=True))


def _is_old(of: Printed) -> str:
    return f"{of.column} IS NOT NULL AND substring({of.column} FROM 1 FOR {crypto.TAG_BYTES}) <> :current"


def _tag() -> bytes:
    return crypto.print_tags()[0]
