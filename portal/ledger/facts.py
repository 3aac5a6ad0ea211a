"""What the accounting manual (`entries`) wants to know of each event of the business."""
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from portal.core.money import Money
from portal.ledger.accounts import Account


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
    kept: Money | None = None  # of a payin's net: what the store has to wait for
    hold: Money | None = None  # a payin's collateral, where it is not A: what is over goes back to its trader
    spared: Money | None = None  # of a payout's hold: what its store gets back, where less was sent than ordered


@dataclass(frozen=True, kw_only=True)
class WithdrawalFacts:
    """A withdrawal: `amount` of the owner's accounts, kept back until it is sent or given back."""

    withdrawal_id: UUID
    available: Account
    held: Account
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Correction:
    """How the final amounts of a completed order change: new minus old, of settlement amount A, fee F and reward R.

    `flow`: 1 for a payin, whose A goes from the trader to the store; -1 for a payout. `day`: the operator's, on
    which it was settled: a day that may be closed by now is named in the entry.
    """

    approval_id: UUID
    order_id: UUID
    trader_id: UUID
    store_id: UUID
    amount: Money
    fee: Money
    reward: Money
    live: bool
    flow: int
    day: date
