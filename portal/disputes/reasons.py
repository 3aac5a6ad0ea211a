"""Why a dispute is opened: who may, of which orders, what each side should show, what silence suggests."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from portal.orders.reopening import LATE
from portal.orders.states import Direction, Party, Status


class Side(StrEnum):
    """As whom somebody speaks in a dispute; the same words as an order's parties."""

    CUSTOMER = "customer"
    STORE = "store"
    TRADER = "trader"
    STAFF = "staff"
    SYSTEM = "system"

    @classmethod
    def of(cls, party: Party) -> "Side":
        return cls(str(party))


ANSWER_FOR = {Side.TRADER: timedelta(hours=2), Side.STORE: timedelta(hours=24), Side.STAFF: timedelta(hours=48)}
"""How long each side has for its word."""


class Evidence(StrEnum):
    RECEIPT = "receipt"  # of the transfer, from the bank's app
    STATEMENT = "statement"  # of the account for that day
    RECIPIENT = "recipient"  # what the recipient's bank says
    CONVERSATION = "conversation"  # with the customer


@dataclass(frozen=True, kw_only=True)
class Reason:
    """`shown_by`: what a side should attach. `suggests`: the outcome put before staff when the side that should answer
    is silent; None: nothing follows from silence. Staff decide in any case.
    """

    code: str
    by: frozenset[Side]
    direction: Direction
    of: frozenset[Status]
    shown_by: Mapping[Side, tuple[Evidence, ...]]
    suggests: str | None

    def wanted_of(self, side: str) -> tuple[Evidence, ...]:
        """What helps, of this side; a payer's is his store's."""
        return self.shown_by.get(Side.STORE if side == Side.CUSTOMER else Side(side), ()) if side else ()


_PAYER, _ALL = frozenset({Side.CUSTOMER, Side.STORE, Side.STAFF}), frozenset(
    {Side.CUSTOMER, Side.STORE, Side.TRADER, Side.STAFF})
_UNDER_WAY = frozenset({Status.ASSIGNED, Status.PAID})
_PAYS = {Side.STORE: (Evidence.RECEIPT,), Side.TRADER: (Evidence.STATEMENT,)}
_PAYOUT_SHOWS = {Side.STORE: (Evidence.RECIPIENT, Evidence.CONVERSATION),
                 Side.TRADER: (Evidence.RECEIPT, Evidence.STATEMENT)}
_DONE = frozenset({Status.PAID, Status.COMPLETED})

REASONS: tuple[Reason, ...] = (
    Reason(code="not_confirmed", by=_PAYER, direction=Direction.PAYIN, of=_UNDER_WAY, shown_by=_PAYS,
           suggests="complete"),
    Reason(code="unconfirmed", by=frozenset({Side.SYSTEM}), direction=Direction.PAYIN, of=frozenset({Status.PAID}),
           shown_by=_PAYS, suggests="complete"),
    # the order ended without money: heard for as long as its store's late window lasts
    Reason(code="paid_late", by=_PAYER | {Side.SYSTEM}, direction=Direction.PAYIN, of=frozenset(LATE), shown_by=_PAYS,
           suggests=None),
    Reason(code="not_received", by=frozenset({Side.TRADER, Side.STAFF}), direction=Direction.PAYIN,
           of=frozenset({Status.PAID}), shown_by=_PAYS, suggests="cancel"),
    Reason(code="wrong_amount", by=_PAYER, direction=Direction.PAYIN, of=_UNDER_WAY | {Status.COMPLETED},
           shown_by=_PAYS, suggests=None),
    Reason(code="stranger_paid", by=frozenset({Side.TRADER, Side.STAFF}), direction=Direction.PAYIN,
           of=frozenset({Status.PAID}), shown_by=_PAYS, suggests=None),
    Reason(code="taken_back", by=frozenset({Side.TRADER, Side.STAFF}), direction=Direction.PAYIN,
           of=frozenset({Status.COMPLETED}), shown_by=_PAYS, suggests=None),
    Reason(code="not_arrived", by=frozenset({Side.STORE, Side.STAFF}), direction=Direction.PAYOUT, of=_DONE,
           shown_by=_PAYOUT_SHOWS, suggests="cancel"),
    Reason(code="less_arrived", by=frozenset({Side.STORE, Side.STAFF}), direction=Direction.PAYOUT, of=_DONE,
           shown_by=_PAYOUT_SHOWS, suggests=None),
    Reason(code="wrong_recipient", by=frozenset({Side.STORE, Side.TRADER, Side.STAFF}), direction=Direction.PAYOUT,
           of=_DONE, shown_by=_PAYOUT_SHOWS, suggests=None),
    # it was cancelled, by a decision or by its store: the way back
    Reason(code="sent_after_all", by=frozenset({Side.STAFF}), direction=Direction.PAYOUT,
           of=frozenset({Status.CANCELLED}), shown_by=_PAYOUT_SHOWS, suggests=None),
    Reason(code="other", by=_ALL, direction=Direction.PAYIN, of=_UNDER_WAY | {Status.COMPLETED}, shown_by=_PAYS,
           suggests=None),
    Reason(code="other_payout", by=_ALL, direction=Direction.PAYOUT, of=_DONE, shown_by=_PAYOUT_SHOWS, suggests=None),
)
BY_CODE: Mapping[str, Reason] = {reason.code: reason for reason in REASONS}


def wanted_of_any(offered: Iterable[Reason], side: str) -> tuple[Evidence, ...]:
    """What helps before its reason is chosen."""
    return tuple(dict.fromkeys(what for one in offered for what in one.wanted_of(side)))


def open_to(side: Side, direction: str, status: str) -> list[Reason]:
    """What this side may say of an order that stands so. A payer first says that he paid: else whoever has the link
    could hold a trader's collateral for nothing."""
    if side is Side.CUSTOMER and status == Status.ASSIGNED:
        return []
    return [reason for reason in REASONS
            if side in reason.by and reason.direction == direction and status in reason.of]
