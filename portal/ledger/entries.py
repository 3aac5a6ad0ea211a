"""The accounting manual: what each event of the business writes in the journal.

A new kind of entry is one more function here; nothing else has to change.
"""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
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
    store_reserve,
    trader_available,
    trader_held,
)
from portal.ledger.facts import Correction, HoldFacts, PayoutFacts, SettleFacts, WithdrawalFacts


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


KINDS = ("payin_hold", "payin_release", "payin_topup", "payin_settle", "payout_hold", "payout_release",
         "payout_settle", "settle_correction", "claim_payment", "deposit", "withdrawal_hold", "withdrawal_release",
         "withdrawal_settle", "opening_balance", "adjustment", "reversal", "transfer",
         "reserve_release")
"""Of journal entries; each has its function below."""
REVERSIBLE = frozenset(("deposit", "adjustment", "transfer"))
"""Kinds that staff may reverse: one line that says all there is to say. An order is put right on the order, a
withdrawal by acts of its own, an opening balance by an adjustment, and what was reversed by mistake is done anew.
"""


def payin_hold(facts: HoldFacts) -> Draft:
    """Matched: the trader's collateral stands in for the cash the customer is about to send."""
    return draft("payin_hold", facts.assignment_id, Line(*_collateral(facts), facts.amount))


def payin_release(facts: HoldFacts) -> Draft:
    """Declined, expired or cancelled: the collateral is the trader's again."""
    available, held = _collateral(facts)
    return draft("payin_release", facts.assignment_id, Line(held, available, facts.amount))


def payin_topup(facts: HoldFacts, approval_id: UUID) -> Draft:
    """More arrived than was ordered, and staff agree: so much more of the trader's collateral stands in for it."""
    return draft("payin_topup", approval_id, Line(*_collateral(facts), facts.amount),
                 memo=f"assignment {facts.assignment_id}")


def payin_settle(facts: SettleFacts) -> Draft:
    """The trader has the customer's cash, so the trader's collateral pays store, reward and fee.

    Less arrived than was held for: the rest is the trader's again first. What its terms keep back of the store's part
    goes to its reserve.
    """
    currency, live = facts.amount.currency, facts.live
    held, trader = trader_held(facts.trader_id, currency, live), trader_available(facts.trader_id, currency, live)
    store = store_available(facts.store_id, currency, live)
    over = (facts.hold or facts.amount) - facts.amount
    return draft("payin_settle", facts.order_id,
                 Line(held, trader, over),
                 Line(held, store, facts.amount - facts.fee),
                 *((Line(store, store_reserve(facts.store_id, currency, live), facts.kept),) if facts.kept else ()),
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
    """The trader has paid the customer, so the store's money pays him back, with the reward, and the fee.

    What was held for more than he sent is the store's again first.
    """
    currency, live = facts.amount.currency, facts.live
    held, trader = store_held(facts.store_id, currency, live), trader_available(facts.trader_id, currency, live)
    spared = facts.spared or Money.zero(currency)
    return draft("payout_settle", facts.order_id,
                 Line(held, store_available(facts.store_id, currency, live), spared),
                 Line(held, trader, facts.amount),
                 *split(facts.fee, facts.reward, source=held, reward_to=trader, rest=FEES(currency, live)),
                 memo=f"assignment {facts.assignment_id}")


def settle_correction(facts: Correction, covered: Mapping[Account, Money]) -> Draft:
    """A completed order came to another amount after all: the difference to the right ends, never a second settling.

    `covered`: what those who pay have (`payers_of`). What is missing suspense lays out; the caller claims it.
    """
    gains = {account: delta for account, delta in _deltas(facts).items() if delta.minor > 0}
    lines = []
    for payer, due in _deltas(facts).items():
        if due.minor >= 0:
            continue
        own = min(-due.minor, max(0, covered[payer].minor)) if payer in covered else -due.minor
        lines += _shared_out(payer, own, gains)
        lines += _shared_out(SUSPENSE(due.currency, facts.live), -due.minor - own, gains)
    return draft("settle_correction", facts.approval_id, *lines, memo=f"order {facts.order_id}, settled on {facts.day}")


def missing(facts: Correction, covered: Mapping[Account, Money]) -> dict[Account, Money]:
    """What suspense lays out for each of those who pay."""
    due = {account: Money(-delta.minor - max(0, covered[account].minor), delta.currency)
           for account, delta in _deltas(facts).items() if delta.minor < 0 and account in covered}
    return {account: amount for account, amount in due.items() if amount.minor > 0}


def payers_of(facts: Correction) -> set[Account]:
    """Stores and traders who give something back."""
    return {account for account, delta in _deltas(facts).items() if delta.minor < 0 and account.owner_id is not None}


def parties_of(facts: Correction) -> set[Account]:
    """Every account a correction may move beside suspense."""
    return set(_deltas(facts))


def claim_payment(payment_id: UUID, owner: Account, amount: Money) -> Draft:
    """Money came to an owner for whom suspense stands in: that comes first."""
    return draft("claim_payment", payment_id, Line(owner, SUSPENSE(amount.currency, owner.live), amount))


def _deltas(facts: Correction) -> dict[Account, Money]:
    """Who gets more (above zero) or less; together nothing."""
    currency, live = facts.amount.currency, facts.live
    amount = facts.amount if facts.flow > 0 else Money(-facts.amount.minor, currency)
    return {store_available(facts.store_id, currency, live): amount - facts.fee,
            trader_available(facts.trader_id, currency, live): facts.reward - amount,
            FEES(currency, live): facts.fee - facts.reward}


def _shared_out(source: Account, minor: int, gains: dict[Account, Money]) -> list[Line]:
    """`minor` from `source` to those who gain, until each has his."""
    lines = []
    for account, wanted in list(gains.items()):
        part = min(minor, wanted.minor)
        if part > 0:
            lines.append(Line(source, account, Money(part, wanted.currency)))
            gains[account], minor = Money(wanted.minor - part, wanted.currency), minor - part
    assert minor == 0, "what is paid is what is gained"
    return lines


def deposit(approval_id: UUID, owner: Account, amount: Money) -> Draft:
    """Approved: money that came in from outside is the owner's to use."""
    return draft("deposit", approval_id, Line(EXTERNAL(amount.currency, owner.live), owner, amount))


def withdrawal_hold(facts: WithdrawalFacts) -> Draft:
    """Asked for: the owner can use it for nothing else."""
    return draft("withdrawal_hold", facts.withdrawal_id, Line(facts.available, facts.held, facts.amount))


def withdrawal_release(facts: WithdrawalFacts) -> Draft:
    """Refused, cancelled or never sent: it is the owner's to use again."""
    return draft("withdrawal_release", facts.withdrawal_id, Line(facts.held, facts.available, facts.amount))


def withdrawal_settle(facts: WithdrawalFacts) -> Draft:
    """Sent: it has left the desk."""
    outside = EXTERNAL(facts.amount.currency, facts.held.live)
    return draft("withdrawal_settle", facts.withdrawal_id, Line(facts.held, outside, facts.amount))


def opening_balance(import_id: UUID, owed: Iterable[tuple[Account, Money]]) -> Draft:
    """What the desk owed its stores and traders before its books began; suspense says that it has yet to be placed."""
    return draft("opening_balance", import_id,
                 *(Line(SUSPENSE(amount.currency, owner.live), owner, amount) for owner, amount in owed))


def adjustment(approval_id: UUID, owner: Account, against: Account, amount: Money, own: Money | None = None,
               day: date | None = None) -> Draft:
    """Approved: `amount` of either sign is put right on the owner's account; `against` gives or takes it.

    `own`: as in `taking`, of an amount below zero. `day`: the operator's that it corrects, which may be closed by now.
    """
    lines = (Line(against, owner, amount),) if amount.minor > 0 else taking(
        owner, against, Money(-amount.minor, amount.currency), own)
    return draft("adjustment", approval_id, *lines, memo=f"corrects {day}" if day else None)


def reversal(approval_id: UUID, entry_id: int, line: Line, own: Money | None = None, *, day: date) -> Draft:
    """Approved: the mirror of the entry `entry_id` of `day`, the operator's, whose line this is. `own`: as in `taking`.
    """
    return draft("reversal", approval_id, *taking(line.credit, line.debit, line.amount, own), reverses_id=entry_id,
                 memo=f"entry {entry_id}, posted on {day}")


def reserve_release(reserve_id: UUID, store_id: UUID, amount: Money, live: bool) -> Draft:
    """The day has come: what was kept back is the store's to use."""
    return draft("reserve_release", reserve_id, Line(store_reserve(store_id, amount.currency, live),
                                                     store_available(store_id, amount.currency, live), amount))


def taking(payer: Account, taker: Account, amount: Money, own: Money | None = None) -> tuple[Line, ...]:
    """`amount` from `payer` to `taker`. `own`: what the payer has of it, None for all; suspense lays out the rest, and
    the caller claims it. Suspense lays out nothing for itself: then the entry is the payer's own part."""
    suspense, part = SUSPENSE(amount.currency, payer.live), amount if own is None else own
    laid_out = (Line(suspense, taker, amount - part),) if taker != suspense else ()
    return Line(payer, taker, part), *laid_out


def transfer(transfer_id: UUID, source: Account, target: Account, amount: Money) -> Draft:
    """A merchant moves money from one of its stores to another."""
    return draft("transfer", transfer_id, Line(source, target, amount))


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
