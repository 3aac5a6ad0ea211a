"""All that a direction decides about an order, as one table. Nobody else asks whether it is a payin or a payout.

A payin: the customer sends money to a trader's requisite, whose collateral stands in for it from the match on. A
payout: a trader sends money to the customer, for which the store's own money is held from creation to the end.
"""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal import ledger
from portal.core.lifecycle import Lifecycle
from portal.core.money import Money
from portal.ledger import Draft, HoldFacts, PayoutFacts, SettleFacts, entries
from portal.orders.facts import PREFIXES, OrderFacts
from portal.orders.states import Action, Direction, Party, Status

S, A = Status, Action
_STEPS: dict[tuple[StrEnum, StrEnum], StrEnum] = {
    (S.NEW, A.MATCH): S.ASSIGNED, (S.RETRYING, A.MATCH): S.ASSIGNED,
    (S.NEW, A.RETRY): S.RETRYING, (S.RETRYING, A.RETRY): S.RETRYING,
    (S.NEW, A.FAIL): S.FAILED, (S.RETRYING, A.FAIL): S.FAILED,
    # risk, before the first match: a person's decision is wanted, or there is none to make
    (S.NEW, A.HOLD_FOR_REVIEW): S.REVIEW, (S.RETRYING, A.HOLD_FOR_REVIEW): S.REVIEW, (S.REVIEW, A.RELEASE): S.NEW,
    (S.NEW, A.REFUSE): S.FAILED, (S.RETRYING, A.REFUSE): S.FAILED, (S.REVIEW, A.REFUSE): S.FAILED,
    (S.PAID, A.SUSPECT): S.PAID,  # risk, once money is said to be sent: staff are called, nothing else changes
    (S.NEW, A.CANCEL): S.CANCELLED, (S.RETRYING, A.CANCEL): S.CANCELLED, (S.REVIEW, A.CANCEL): S.CANCELLED,
    (S.ASSIGNED, A.CANCEL): S.CANCELLED, (S.ASSIGNED, A.DECLINE): S.NEW,
    (S.ASSIGNED, A.MARK_PAID): S.PAID, (S.PAID, A.CONFIRM): S.CONFIRMED, (S.CONFIRMED, A.SETTLE): S.COMPLETED,
    (S.PAID, A.CALL_OFF): S.CANCELLED,  # by two of the staff, after `confirm_by`: it was said to be paid and was not
    (S.PAID, A.FLAG): S.PAID,  # nobody confirmed by `confirm_by`: staff are called, nothing else changes
    # somebody objects: the clock stands, what is held stays held
    (S.PAID, A.DISPUTE): S.DISPUTED, (S.DISPUTED, A.CONCEDE): S.CONFIRMED, (S.DISPUTED, A.GIVE_UP): S.CANCELLED,
    (S.DISPUTED, A.RESOLVE_COMPLETE): S.CONFIRMED, (S.DISPUTED, A.RESOLVE_ADJUST): S.CONFIRMED,
    (S.DISPUTED, A.RESOLVE_CANCEL): S.CANCELLED,
    (S.COMPLETED, A.CORRECT): S.COMPLETED,  # by two of the staff: it came to another amount after all
}
_SYSTEM, _STAFF = frozenset({Party.SYSTEM}), frozenset({Party.STAFF})
_WHO: dict[Action, frozenset[Party]] = {
    A.MATCH: _SYSTEM, A.RETRY: _SYSTEM, A.FAIL: _SYSTEM, A.EXPIRE: _SYSTEM, A.FLAG: _SYSTEM,
    A.SETTLE: _SYSTEM, A.CALL_OFF: _STAFF, A.CORRECT: _STAFF, A.HOLD_FOR_REVIEW: _SYSTEM, A.RELEASE: _STAFF,
    A.REFUSE: _SYSTEM | _STAFF, A.SUSPECT: _SYSTEM, A.DECLINE: frozenset({Party.TRADER}),
    A.RESOLVE_COMPLETE: _STAFF, A.RESOLVE_ADJUST: _STAFF, A.RESOLVE_CANCEL: _STAFF}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`who`: an action missing there is nobody's. The drafts are entries of the accounting manual, or None."""

    direction: Direction
    lifecycle: Lifecycle
    who: Mapping[Action, frozenset[Party]]
    needs_collateral: bool  # of the trader who is matched
    one_amount: bool  # two open orders of one sum never share a requisite: their payments could not be told apart
    has_payment_page: bool  # a link for its customer
    flow: int  # of the store's money at settlement: 1 it comes, -1 it goes
    acts_on: Status  # its trader is asked to do something about it
    accepted_first: bool  # its trader says that he takes it on, within the store's time, before his own clock runs
    on_create: Callable[[OrderFacts], Draft | None]
    on_match: Callable[[HoldFacts], Draft | None]
    on_release: Callable[[HoldFacts], Draft | None]  # an assignment ends without money
    on_end: Callable[[OrderFacts], Draft | None]  # the order ends without money
    on_settle: Callable[[SettleFacts], Draft]

    @property
    def prefix(self) -> str:
        """Of public ids."""
        return PREFIXES[self.direction]

    @property
    def settle_kind(self) -> str:
        """The entry that every completed order has exactly one of."""
        return f"{self.direction}_settle"


def _nothing(facts: object) -> None:
    return None


def _facts(order: OrderFacts) -> PayoutFacts:
    return PayoutFacts(order_id=order.id, store_id=order.store_id, live=order.live,
                       amount=Money(order.settlement_minor, order.settlement_currency),
                       fee=Money(order.fee_minor, order.settlement_currency))


PAYIN = Rules(
    direction=Direction.PAYIN,
    lifecycle=Lifecycle(S.NEW, _STEPS | {
        (S.ASSIGNED, A.CONFIRM): S.CONFIRMED, (S.ASSIGNED, A.EXPIRE): S.EXPIRED,
        # the money came after all; its confirmation follows at once
        (S.EXPIRED, A.REOPEN): S.ASSIGNED, (S.CANCELLED, A.REOPEN): S.ASSIGNED,
        # or on a requisite that its payer had exchanged for one that was declined since
        (S.NEW, A.REOPEN): S.ASSIGNED, (S.RETRYING, A.REOPEN): S.ASSIGNED,
        (S.ASSIGNED, A.REPLACE): S.ASSIGNED,
        # another amount arrived than was ordered: nothing is settled until somebody has said what it comes to
        (S.ASSIGNED, A.DISPUTE): S.DISPUTED,
        (S.DISPUTED, A.ACCEPT_AMOUNT): S.CONFIRMED, (S.DISPUTED, A.REFUSE_AMOUNT): S.DISPUTED,
        (S.DISPUTED, A.FLAG): S.DISPUTED,  # its store did not say in time whether it takes less: staff's now
        (S.DISPUTED, A.ADD_TRANSFER): S.DISPUTED}),  # more of it came, in another transfer
    who=_WHO | {A.DISPUTE: frozenset({Party.TRADER, Party.STORE, Party.CUSTOMER, Party.STAFF, Party.SYSTEM}),
                A.ACCEPT_AMOUNT: frozenset({Party.STORE}), A.REFUSE_AMOUNT: frozenset({Party.STORE}),
                A.ADD_TRANSFER: frozenset({Party.TRADER}),
                # who gives in loses by it alone: the money did arrive; it was never sent
                A.CONCEDE: frozenset({Party.TRADER}), A.GIVE_UP: frozenset({Party.STORE}),
                A.CANCEL: frozenset({Party.STORE, Party.CUSTOMER, Party.STAFF}),
                A.MARK_PAID: frozenset({Party.CUSTOMER, Party.STORE}),
                A.CONFIRM: frozenset({Party.TRADER, Party.STAFF}), A.REOPEN: frozenset({Party.TRADER, Party.STAFF}),
                A.REPLACE: _SYSTEM},
    needs_collateral=True, one_amount=True, has_payment_page=True, flow=1, acts_on=Status.PAID,
    accepted_first=False,
    on_create=_nothing, on_match=entries.payin_hold, on_release=entries.payin_release, on_end=_nothing,
    on_settle=entries.payin_settle)

PAYOUT = Rules(
    direction=Direction.PAYOUT,
    lifecycle=Lifecycle(S.NEW, _STEPS | {
        (S.ASSIGNED, A.ACCEPT): S.ASSIGNED,
        (S.ASSIGNED, A.REASSIGN): S.NEW,  # not accepted, or not sent, in time: somebody else's turn
        (S.ASSIGNED, A.EXPIRE): S.EXPIRED,  # likewise, after the store's last try
        (S.CANCELLED, A.REOPEN): S.DISPUTED}),  # it was sent after all: by two of the staff, who settle it at once
    who=_WHO | {A.CANCEL: frozenset({Party.STORE, Party.STAFF}), A.REASSIGN: _SYSTEM, A.REOPEN: _STAFF,
                A.DISPUTE: frozenset({Party.TRADER, Party.STORE, Party.STAFF}),
                A.CONCEDE: frozenset({Party.STORE}), A.GIVE_UP: frozenset({Party.TRADER}),
                A.ACCEPT: frozenset({Party.TRADER}), A.MARK_PAID: frozenset({Party.TRADER}),
                A.CONFIRM: frozenset({Party.STORE, Party.STAFF, Party.SYSTEM})},
    needs_collateral=False, one_amount=False, has_payment_page=False, flow=-1, acts_on=Status.ASSIGNED,
    accepted_first=True,
    on_create=lambda order: entries.payout_hold(_facts(order)), on_match=_nothing, on_release=_nothing,
    on_end=lambda order: entries.payout_release(_facts(order)), on_settle=entries.payout_settle)

RULES: Mapping[str, Rules] = {Direction.PAYIN: PAYIN, Direction.PAYOUT: PAYOUT}


IN_SQL = ("direction", "needs_collateral", "one_amount", "flow", "accepted_first")
"""The columns of the view `direction_rules`, by which matching in SQL knows the table; a test holds them equal."""


def rules_of(order: OrderFacts) -> Rules:
    return RULES[order.direction]


def drafted(*drafts: Draft | None) -> list[ledger.Draft]:
    """Those that are due."""
    return [draft for draft in drafts if draft is not None]
