"""The accounting manual: what each event of the business writes in the journal.

A new kind of entry is one more function here; nothing else has to change.
"""
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from portal.core.money import Money
from portal.ledger.accounts import (
    EXTERNAL,
    FEES,
    SUSPENSE,
    Account,
    store_available,
    store_held,
    trader_available,
    trader_held,
)


class Line(NamedTuple):
    """`amount` leaves `debit` and arrives at `credit`; positive."""

    debit: Account
    credit: Account
    amount: Money


@dataclass(frozen=True)
class Draft:
    """An entry that is not in the journal yet. `reference`: the assignment, order or approval it is about."""

    kind: str
    reference: UUID
    lines: tuple[Line, ...]
    memo: str | None = None
    reverses_id: int | None = None

    @property
    def accounts(self) -> set[Account]:
        return {account for line in self.lines for account in (line.debit, line.credit)}


@dataclass(frozen=True, kw_only=True)
class HoldFacts:
    """A payin's collateral: the order's settlement amount, kept back from the trader for one assignment."""

    assignment_id: UUID
    trader_id: UUID
    amount: Money
    live: bool


@dataclass(frozen=True, kw_only=True)
class PayoutFacts:
    """A payout's cover: settlement amount A and fee F, kept back from its store until the order ends."""

    order_id: UUID
    store_id: UUID
    amount: Money
    fee: Money
    live: bool


@dataclass(frozen=True, kw_only=True)
class SettleFacts:
    """An order to settle: settlement amount A, the store's fee F, the trader's reward R, all of one currency."""

    order_id: UUID
    assignment_id: UUID
    trader_id: UUID
    store_id: UUID
    amount: Money
    fee: Money
    reward: Money
    live: bool


KINDS = ("payin_hold", "payin_release", "payin_settle", "payout_hold", "payout_release", "payout_settle", "deposit",
         "opening_balance")
"""Of journal entries; each has its function below."""


def payin_hold(facts: HoldFacts) -> Draft:
    """Matched: the trader's collateral stands in for the cash the customer is about to send."""
    return draft("payin_hold", facts.assignment_id, Line(*_collateral(facts), facts.amount))


def payin_release(facts: HoldFacts) -> Draft:
    """Declined, expired or cancelled: the collateral is the trader's again."""
    available, held = _collateral(facts)
    return draft("payin_release", facts.assignment_id, Line(held, available, facts.amount))


def payin_settle(facts: SettleFacts) -> Draft:
    """The trader has the customer's cash, so the trader's collateral pays store, reward and fee."""
    currency, live = facts.amount.currency, facts.live
    held, trader = trader_held(facts.trader_id, currency, live), trader_available(facts.trader_id, currency, live)
    store = store_available(facts.store_id, currency, live)
    return draft("payin_settle", facts.order_id,
                 Line(held, store, facts.amount - facts.fee),
                 *split(facts.fee, facts.reward, source=held, reward_to=trader, rest=FEES(currency, live)),
                 memo=f"assignment {facts.assignment_id}")


def payout_hold(facts: PayoutFacts) -> Draft:
    """Taken in: the store's money is kept for the trader who will send his own, and for the fee."""
    return draft("payout_hold", facts.order_id, Line(*_cover(facts), facts.amount + facts.fee))


def payout_release(facts: PayoutFacts) -> Draft:
    """Ended without money: what was kept is the store's again."""
    available, held = _cover(facts)
    return draft("payout_release", facts.order_id, Line(held, available, facts.amount + facts.fee))


def payout_settle(facts: SettleFacts) -> Draft:
    """The trader has paid the customer, so the store's money pays him back, with the reward, and the fee."""
    currency, live = facts.amount.currency, facts.live
    held, trader = store_held(facts.store_id, currency, live), trader_available(facts.trader_id, currency, live)
    return draft("payout_settle", facts.order_id,
                 Line(held, trader, facts.amount),
                 *split(facts.fee, facts.reward, source=held, reward_to=trader, rest=FEES(currency, live)),
                 memo=f"assignment {facts.assignment_id}")


def deposit(approval_id: UUID, owner: Account, amount: Money) -> Draft:
    """Approved: money that came in from outside is the owner's to use."""
    return draft("deposit", approval_id, Line(EXTERNAL(amount.currency, owner.live), owner, amount))


def opening_balance(import_id: UUID, owed: Iterable[tuple[Account, Money]]) -> Draft:
    """What the desk owed its stores and traders before its books began; suspense says that it has yet to be placed."""
    return draft("opening_balance", import_id,
                 *(Line(SUSPENSE(amount.currency, owner.live), owner, amount) for owner, amount in owed))


def split(fee: Money, reward: Money, *, source: Account, reward_to: Account, rest: Account) -> tuple[Line, ...]:
    """The fee pays the reward first; `rest` (the desk) keeps what is over, or adds what is short."""
    if reward <= fee:
        return Line(source, reward_to, reward), Line(source, rest, fee - reward)
    return Line(source, reward_to, fee), Line(rest, reward_to, reward - fee)


def draft(kind: str, reference: UUID, *lines: Line, memo: str | None = None, reverses_id: int | None = None) -> Draft:
    """A draft without its empty lines (a free payin has no fee to post). Checks what the database would refuse."""
    kept = tuple(line for line in lines if line.amount)
    assert kept, "an entry moves something"
    for debit, credit, amount in kept:
        assert amount.minor > 0
        assert debit != credit
        assert debit.currency == credit.currency == amount.currency
        assert debit.live == credit.live
    return Draft(kind, reference, kept, memo, reverses_id)


def accounts_of(drafts: Iterable[Draft]) -> set[Account]:
    """Every account these drafts move: what to lock at once before posting them in parts."""
    return {account for one in drafts for account in one.accounts}


def _cover(facts: PayoutFacts) -> tuple[Account, Account]:
    currency = facts.amount.currency
    return store_available(facts.store_id, currency, facts.live), store_held(facts.store_id, currency, facts.live)


def _collateral(facts: HoldFacts) -> tuple[Account, Account]:
    currency = facts.amount.currency
    return (trader_available(facts.trader_id, currency, facts.live), trader_held(facts.trader_id, currency, facts.live))
