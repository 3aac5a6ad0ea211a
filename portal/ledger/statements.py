"""Statements of one account: opening balance, lines, closing balance, for any period.

A period is a run of the account's postings without a gap, and each posting keeps the balance after it: so the lines
add up from opening to closing, and neighbouring periods neither share a line nor lose one.
"""
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.errors import FieldError, Invalid
from portal.core.money import MINOR_MAX, Money
from portal.ledger.accounts import Account, ids_of
from portal.ledger.queries import account_id

PAGE_MAX = 500
BOUNDS = text("""
    SELECT CASE WHEN CAST(:since AS timestamptz) IS NULL THEN 0 ELSE first_posting(:account, :since) END AS first,
           CASE WHEN CAST(:until AS timestamptz) IS NULL THEN NULL ELSE first_posting(:account, :until) END AS beyond,
           greatest((SELECT max(id) FROM postings WHERE debit_id = :account),
                    (SELECT max(id) FROM postings WHERE credit_id = :account)) AS last""")
BEFORE = text("""
    SELECT after FROM (
        (SELECT id, debit_after_minor AS after FROM postings WHERE debit_id = :account AND id < :beyond
          ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT id, credit_after_minor FROM postings WHERE credit_id = :account AND id < :beyond
          ORDER BY id DESC LIMIT 1)) AS sides
    ORDER BY id DESC LIMIT 1""")
LINES = text("""
    SELECT p.id, p.entry_id, p.amount, p.after, o.owner_kind || ' ' || o.purpose AS other,
           e.posted_at, e.kind, e.reference, e.memo, e.actor_name
      FROM (
        (SELECT id, entry_id, -amount_minor AS amount, debit_after_minor AS after, credit_id AS other_id
           FROM postings WHERE debit_id = :account AND id >= :first AND id < :beyond ORDER BY id DESC LIMIT :limit)
        UNION ALL
        (SELECT id, entry_id, amount_minor, credit_after_minor, debit_id
           FROM postings WHERE credit_id = :account AND id >= :first AND id < :beyond ORDER BY id DESC LIMIT :limit)
        ORDER BY id DESC LIMIT :limit) AS p
      JOIN journal_entries e ON e.id = p.entry_id
      JOIN accounts o ON o.id = p.other_id
     ORDER BY p.id DESC""")

ENTRIES = text("""
    SELECT s.account, p.id, p.entry_id, s.amount, s.after, o.owner_kind || ' ' || o.purpose AS other,
           e.posted_at, e.kind, e.reference, e.memo, e.actor_name
      FROM unnest(CAST(:kinds AS text[]), CAST(:references AS uuid[])) AS w (kind, reference)
      JOIN journal_entries e ON e.kind = w.kind AND e.reference = w.reference
      JOIN postings p ON p.entry_id = e.id
     CROSS JOIN LATERAL (VALUES (p.debit_id, p.credit_id, -p.amount_minor, p.debit_after_minor),
                                (p.credit_id, p.debit_id, p.amount_minor, p.credit_after_minor))
                        AS s (account, other_id, amount, after)
      JOIN accounts o ON o.id = s.other_id
     WHERE s.account = ANY(:accounts) ORDER BY p.id""")


@dataclass(frozen=True)
class StatementLine:
    """What one posting did to the account: `amount` is signed, `balance` is the account's after it."""

    id: int
    entry_id: int
    at: datetime
    kind: str
    reference: UUID
    memo: str | None
    by: str
    event: str  # the kind, but for the part of a settled payin that its store waits for: kept_back
    other: str  # the account on the other side: "store available"
    amount: Money
    balance: Money


@dataclass(frozen=True)
class Statement:
    """A page of a period, newest line first; opening and closing are the whole period's."""

    account: Account
    opening: Money
    closing: Money
    lines: Sequence[StatementLine]
    next_cursor: str | None


def statement(session: Session, account: Account, *, since: datetime | None = None, until: datetime | None = None,
              cursor: str | None = None, limit: int = 50) -> Statement:
    """The account from `since` (with) to `until` (without); None: from the beginning, to this moment.

    Raises Invalid for a cursor that we did not make.
    """
    assert 0 < limit <= PAGE_MAX
    before = _cursor(cursor)
    nothing = Money.zero(account.currency)
    id = account_id(session, account)
    if id is None:
        return Statement(account, nothing, nothing, [], None)
    first, beyond = _bounds(session, id, since, until)
    found = session.execute(LINES, {"account": id, "first": first, "beyond": min(beyond, before), "limit": limit + 1})
    lines = [_line(row, account) for row in found]
    more, lines = len(lines) > limit, lines[:limit]
    return Statement(account, _before(session, id, first, account), _before(session, id, beyond, account), lines,
                     str(lines[-1].id) if more else None)


def lines(session: Session, account: Account, *, since: datetime | None, until: datetime | None,
          before: int | None, limit: int) -> Sequence[StatementLine]:
    """Some lines of the period below the posting `before`, newest first: for a file, batch by batch."""
    id = account_id(session, account)
    if id is None:
        return []
    first, beyond = _bounds(session, id, since, until)
    found = session.execute(LINES, {"account": id, "first": first, "beyond": min(beyond, before or MINOR_MAX),
                                    "limit": limit})
    return [_line(row, account) for row in found]


def statement_lines_of(session: Session, accounts: Collection[Account], wanted: Sequence[tuple[str, UUID]]
                       ) -> list[tuple[Account, StatementLine]]:
    """What these entries, by (kind, reference), did to these accounts, oldest first."""
    of_id = {id: account for account, id in ids_of(session, accounts, opening=False).items()}
    found = session.execute(ENTRIES, {"accounts": list(of_id), "kinds": [kind for kind, _ in wanted],
                                      "references": [reference for _, reference in wanted]})
    return [(of_id[row.account], _line(row, of_id[row.account])) for row in found]


def _bounds(session: Session, id: int, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The period as ids: first with, beyond without. Fixed before anything else is read, for the desk goes on."""
    bounds = session.execute(BOUNDS, {"account": id, "since": since, "until": until}).one()
    end = (bounds.last or 0) + 1
    first = end if bounds.first is None else bounds.first
    beyond = end if bounds.beyond is None else bounds.beyond
    return first, max(first, beyond)


def _before(session: Session, id: int, beyond: int, account: Account) -> Money:
    """The balance that the last posting below `beyond` left."""
    return Money(session.scalar(BEFORE, {"account": id, "beyond": beyond}) or 0, account.currency)


def _line(row: Any, account: Account) -> StatementLine:
    currency, own = account.currency, account.owner_kind == "store" and row.other.startswith("store")
    event = "kept_back" if own and row.kind == "payin_settle" else row.kind
    return StatementLine(
        id=row.id, entry_id=row.entry_id, at=row.posted_at, kind=row.kind, reference=row.reference, memo=row.memo,
        event=event, by=row.actor_name, other=row.other, amount=Money(row.amount, currency),
        balance=Money(row.after, currency))


def _cursor(cursor: str | None) -> int:
    if cursor is None:
        return MINOR_MAX
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise Invalid(fields=[FieldError("/cursor", "invalid_cursor", "This cursor is not one of ours.")])
    return int(cursor)
