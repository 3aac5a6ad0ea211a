"""The books as staff leaf through them: accounts with their owners' names, and one entry with all its postings.

Amounts stand in the ledger; names and orders are known only here, above it.
"""
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, select, union_all
from sqlalchemy.orm import Session, aliased

from portal.core import ids
from portal.core.access import Actor, Permission
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.money import MINOR_MAX, Money
from portal.core.paging import Page
from portal.ledger import Account, claims, entries
from portal.ledger.models import AccountRow, BalanceRow, JournalEntry, Posting
from portal.ledger.queries import BALANCE
from portal.orders.corrections import SettleCorrection
from portal.orders.directions import RULES
from portal.orders.facts import PREFIXES
from portal.orders.models import Assignment, Order
from portal.orders.states import Direction
from portal.parties.models import Store, Trader

PAGE = 50
LINES_MAX = 500
OWNERS = ("store", "trader", "platform", "world")


@dataclass(frozen=True)
class AccountLine:
    """One account with what it came to; `name` of its store or trader, None for the desk's and the world's."""

    id: int
    account: Account
    name: str | None
    balance: Money

    @property
    def owner_public_id(self) -> str | None:
        prefix = {"store": "str", "trader": "trd"}.get(self.account.owner_kind)
        return ids.public(prefix, self.account.owner_id) if prefix and self.account.owner_id else None


@dataclass(frozen=True)
class PostingLine:
    id: int
    amount: Money
    debit: AccountLine  # with the balance after the posting
    credit: AccountLine


@dataclass(frozen=True)
class Entry:
    """A fact of the journal; `order_id` is the public id of the order it is about, if it is about one."""

    id: int
    kind: str
    reference: UUID
    memo: str | None
    by: str
    at: datetime
    reverses_id: int | None
    order_id: str | None
    lines: Sequence[PostingLine]
    reversed_by: int | None

    claimed: bool  # suspense laid out part of it

    @property
    def reversible(self) -> bool:
        """Might staff ask for its mirror now?"""
        return (self.kind in entries.REVERSIBLE and self.reversed_by is None and not self.claimed
                and self.lines[0].debit.account.live)


def accounts(session: Session, actor: Actor, *, owner_kind: str | None = None, cursor: str | None = None,
             limit: int = PAGE) -> Page[AccountLine]:
    """By their number, one query. Raises Invalid for a wrong cursor."""
    rows = _accounts(actor)
    if owner_kind is not None:
        rows = rows.where(AccountRow.owner_kind == owner_kind)
    if cursor is not None:
        rows = rows.where(AccountRow.id > _number(cursor))
    found = [_line(row) for row in session.execute(rows.order_by(AccountRow.id).limit(limit + 1))]
    return Page(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)


def account(session: Session, actor: Actor, account_id: int) -> AccountLine:
    """Raises NotFound."""
    row = session.execute(_accounts(actor).where(AccountRow.id == account_id)).first() \
        if account_id <= MINOR_MAX else None
    if row is None:
        raise NotFound()
    return _line(row)


def entry(session: Session, actor: Actor, entry_id: int) -> Entry:
    """With its postings, their owners, the order it is about and what reversed it: four queries. Raises NotFound."""
    found = session.get(JournalEntry, entry_id) if entry_id <= MINOR_MAX and _may(actor) else None
    if found is None:
        raise NotFound()
    return Entry(found.id, found.kind, found.reference, found.memo, found.actor_name, found.posted_at,
                 found.reverses_id, _order_of(session, found.reference), _postings(session, found.id),
                 session.scalar(select(JournalEntry.id).where(JournalEntry.reverses_id == found.id)),
                 found.kind in entries.REVERSIBLE and claims.made_by(session, found.reference))


def _postings(session: Session, entry_id: int) -> list[PostingLine]:
    debit, credit = aliased(AccountRow), aliased(AccountRow)
    rows = session.execute(
        select(Posting, debit, credit, _name_of(debit), _name_of(credit))
        .join(debit, debit.id == Posting.debit_id).join(credit, credit.id == Posting.credit_id)
        .where(Posting.entry_id == entry_id).order_by(Posting.id).limit(LINES_MAX))
    return [PostingLine(posting.id, Money(posting.amount_minor, posting.currency),
                        _side(source, giver, posting.debit_after_minor),
                        _side(target, taker, posting.credit_after_minor))
            for posting, source, target, giver, taker in rows]


@dataclass(frozen=True)
class OrderBehind:
    """The order that an entry is about, as its store knows it; amounts as they are by now, corrections included."""

    public_id: str
    external_id: str
    gross: Money
    fee: Money
    flow: int

    @property
    def net(self) -> Money:
        """What the store gets of a payin, or pays for a payout."""
        return self.gross - self.fee if self.flow > 0 else self.gross + self.fee


def orders_behind(session: Session, references: Collection[UUID]) -> dict[UUID, OrderBehind]:
    """By reference: an order, an assignment that holds, or the approval of a correction. One query."""
    if not references:
        return {}
    facts = (Order.id, Order.direction, Order.external_id, Order.settlement_currency,
             func.coalesce(Order.final_settlement_minor, Order.settlement_minor),
             func.coalesce(Order.final_fee_minor, Order.fee_minor))
    rows = session.execute(union_all(
        select(Order.id, *facts).where(Order.id.in_(references)),
        select(Assignment.id, *facts).join(Order, Order.id == Assignment.order_id).where(
            Assignment.id.in_(references)),
        select(SettleCorrection.id, *facts).join(Order, Order.id == SettleCorrection.order_id).where(
            SettleCorrection.id.in_(references))))
    return {reference: OrderBehind(ids.public(PREFIXES[Direction(direction)], id), external_id, Money(gross, currency),
                                   Money(fee, currency), RULES[direction].flow)
            for reference, id, direction, external_id, currency, gross, fee in rows}


def _order_of(session: Session, reference: UUID) -> str | None:
    """An entry refers to its order, or to the assignment that holds."""
    found = session.execute(
        select(Order.id, Order.direction).where(Order.id == func.coalesce(
            select(Assignment.order_id).where(Assignment.id == reference).scalar_subquery(), reference))).first()
    return ids.public(PREFIXES[Direction(found.direction)], found.id) if found else None


def _accounts(actor: Actor) -> Select[Any]:
    rows = select(AccountRow, _name_of(AccountRow), BALANCE).join(BalanceRow, BalanceRow.account_id == AccountRow.id)
    return rows if _may(actor) else rows.where(false())


def _may(actor: Actor) -> bool:
    """The whole books are for staff who may read them; others have their statements."""
    return actor.is_system or (actor.is_staff and actor.may(Permission.LEDGER_READ))


def _name_of(row: Any) -> Any:
    """Of a store or trader: two probes of a primary key, of which one finds something at most."""
    return func.coalesce(
        select(Store.name).where(row.owner_kind == "store", Store.id == row.owner_id).scalar_subquery(),
        select(Trader.name).where(row.owner_kind == "trader", Trader.id == row.owner_id).scalar_subquery())


def _line(row: Any) -> AccountLine:
    return _side(row[0], row[1], row[2])


def _side(row: AccountRow, name: str | None, minor: int) -> AccountLine:
    owner = None if row.owner_kind in ("platform", "world") else row.owner_id
    return AccountLine(row.id, Account(row.owner_kind, owner, row.purpose, row.currency, row.live), name,
                       Money(minor, row.currency))


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise Invalid(fields=[FieldError("/cursor", "invalid_cursor", "This cursor is not one of ours.")])
    return int(cursor)
