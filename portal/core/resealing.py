"""The seals of the master keys: how many each key still opens, and making old ones anew with the current key.

How far it got stands in the seals themselves: each begins with its key's id. So it can be killed and begun again.
"""
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import crypto

FIRST = UUID(int=0)


class Column(NamedTuple):
    """Sealed with a master key, in a table whose key is `id`; `name`: what the place of its seals calls it."""

    table: str
    column: str
    name: str


class Passing(NamedTuple):
    """Sealed with a master key, and gone by itself after a while: waited for, not made anew."""

    table: str
    column: str
    kept_for: timedelta


MADE_ANEW = (
    Column("traders", "data_key", "data_key"), Column("stores", "data_key", "data_key"),
    Column("users", "totp_sealed", "totp_sealed"), Column("holders", "name_sealed", "name_sealed"),
    Column("api_keys", "signing_sealed", "signing"), Column("api_keys", "signing_previous_sealed", "signing_previous"),
    Column("token_keys", "private_sealed", "private"), Column("webhook_endpoints", "secret_sealed", "secret"),
    Column("webhook_endpoints", "previous_secret_sealed", "previous_secret"),
    Column("orders", "recipient_sealed", "recipient_sealed"), Column("imports", "content_sealed", "content_sealed"),
    Column("mails", "to_sealed", "to_sealed"), Column("mails", "text_sealed", "text_sealed"),
    Column("risk_entries", "value_sealed", "value_sealed"),
    Column("recovery_asks", "email_sealed", "email_sealed"), Column("recovery_asks", "text_sealed", "text_sealed"),
)
PASSING = (Passing("idempotency_keys", "answer_sealed", timedelta(hours=75)),
           Passing("form_keys", "answer_sealed", timedelta(days=1)))
REMEMBERED = frozenset({"stores", "api_keys", "token_keys"})
"""Tables whose seals processes remember for a while: they are told of new ones."""
WITH_DATA_KEYS = frozenset({
    ("requisites", "number_sealed"), ("orders", "destination_sealed"), ("withdrawal_addresses", "address_sealed"),
    ("payout_recipients", "name_sealed"), ("payout_recipients", "holder_sealed"),
    ("payout_recipients", "number_sealed"), ("payout_import_rows", "cells_sealed")})
"""Sealed with a key of their owner, which is sealed itself: nothing of them changes with a master key."""
_KEY_OF = "convert_from(substring({column} FROM 1 FOR position('\\x2e'::bytea IN {column}) - 1), 'UTF8')"


class Opens(NamedTuple):
    """How many seals of a column one key opens."""

    key: str
    table: str
    column: str
    seals: int


class Batch(NamedTuple):
    """`last`: up to which row it looked; None at the end."""

    last: UUID | None
    made: int


def opens(session: Session) -> list[Opens]:
    """Of every key that any seal names, whether we have it or not. Reads whole tables."""
    found = []
    for table, column in [(one.table, one.column) for one in (*MADE_ANEW, *PASSING)]:
        rows = session.execute(text(f"SELECT {_KEY_OF.format(column=column)} AS key, count(*) FROM {table}"
                                    f" WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"))
        found += [Opens(key, table, column, seals) for key, seals in rows]
    return found


def waiting(session: Session, of: Column) -> int:
    """Seals of a column that are not the current key's."""
    return session.scalar(text(f"SELECT count(*) FROM {of.table} WHERE NOT {_is_current(of)}"),
                          {"current": _prefix()}) or 0


def make_anew(session: Session, of: Column, *, after: UUID = FIRST, limit: int) -> Batch:
    """The next rows whose seals are of an older key, locked in the order of their ids.

    Raises CannotOpen, with the place, where a key is not there.
    """
    rows = session.execute(text(f"""
        SELECT id, {of.column} FROM {of.table} WHERE id > :after AND NOT {_is_current(of)}
        ORDER BY id LIMIT :limit FOR NO KEY UPDATE"""),
        {"after": after, "current": _prefix(), "limit": limit}).all()
    sealed = [crypto.sealed_anew(bytes(old), place=f"{of.table}|{of.name}|{id}") for id, old in rows]
    if rows:
        session.execute(text(f"""
            UPDATE {of.table} AS t SET {of.column} = new.sealed
            FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS new (id, sealed) WHERE t.id = new.id"""),
            {"ids": [id for id, _ in rows], "sealed": sealed})
    return Batch(rows[-1].id if len(rows) == limit else None, len(rows))


def shut(session: Session, of: Column, *, after: UUID = FIRST, limit: int) -> tuple[UUID | None, list[UUID]]:
    """Which of the next seals do not open, whatever the reason; and up to which row it looked, None at the end."""
    rows = session.execute(text(f"SELECT id, {of.column} FROM {of.table} WHERE id > :after AND {of.column} IS NOT NULL"
                                f" ORDER BY id LIMIT :limit"), {"after": after, "limit": limit}).all()
    return (rows[-1].id if len(rows) == limit else None), [id for id, sealed in rows if not _opens(of, id, sealed)]


def _opens(of: Column, id: UUID, sealed: bytes) -> bool:
    try:
        crypto.sealed_anew(bytes(sealed), place=f"{of.table}|{of.name}|{id}")
    except crypto.CannotOpen:
        return False
    return True


def _is_current(of: Column) -> str:
    return f"({of.column} IS NULL OR substring({of.column} FROM 1 FOR octet_length(:current)) = :current)"


def _prefix() -> bytes:
    return crypto.current_key().encode() + b"."
