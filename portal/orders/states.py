"""The life of an order: the one table of legal steps, and who may take them. Nothing else changes `order.status`."""
from enum import StrEnum

from portal.core.lifecycle import Lifecycle


class Direction(StrEnum):
    PAYIN = "payin"
    PAYOUT = "payout"


class Status(StrEnum):
    NEW = "new"
    REVIEW = "review"
    RETRYING = "retrying"
    ASSIGNED = "assigned"
    PAID = "paid"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


ENDED = frozenset({Status.COMPLETED, Status.CANCELLED, Status.EXPIRED, Status.FAILED})


class Action(StrEnum):
    MATCH = "match"
    RETRY = "retry"
    FAIL = "fail"
    DECLINE = "decline"
    CANCEL = "cancel"
    MARK_PAID = "mark_paid"
    CONFIRM = "confirm"
    EXPIRE = "expire"
    FLAG = "flag"
    CALL_OFF = "call_off"
    SETTLE = "settle"


class Party(StrEnum):
    """As whom an actor takes a step; `orders.queries.party_of` says which one an actor is to an order."""

    SYSTEM = "system"
    STORE = "store"  # its key, or its people in the portal
    CUSTOMER = "customer"
    TRADER = "trader"  # the one of the assignment
    STAFF = "staff"


class AssignmentState(StrEnum):
    OPEN = "open"  # at most one an order; holds slot, amount and collateral
    LINGERING = "lingering"  # replaced, still payable; keeps all three
    CHOSEN = "chosen"  # the confirmed one; keeps the collateral until settled
    ENDED = "ended"


class FailureCode(StrEnum):
    NO_REQUISITE = "no_requisite"
    LIMITS_REACHED = "limits_reached"
    NO_COLLATERAL = "no_collateral"
    REFUSED = "refused"
    MATCHING_ERROR = "matching_error"


S, A = Status, Action
PAYIN = Lifecycle(S.NEW, {
    (S.NEW, A.MATCH): S.ASSIGNED, (S.RETRYING, A.MATCH): S.ASSIGNED,
    (S.NEW, A.RETRY): S.RETRYING, (S.RETRYING, A.RETRY): S.RETRYING,
    (S.NEW, A.FAIL): S.FAILED, (S.RETRYING, A.FAIL): S.FAILED,
    (S.ASSIGNED, A.DECLINE): S.NEW,
    (S.NEW, A.CANCEL): S.CANCELLED, (S.RETRYING, A.CANCEL): S.CANCELLED, (S.REVIEW, A.CANCEL): S.CANCELLED,
    (S.ASSIGNED, A.CANCEL): S.CANCELLED,
    (S.ASSIGNED, A.MARK_PAID): S.PAID,
    (S.ASSIGNED, A.CONFIRM): S.CONFIRMED, (S.PAID, A.CONFIRM): S.CONFIRMED,
    (S.ASSIGNED, A.EXPIRE): S.EXPIRED,
    (S.PAID, A.CALL_OFF): S.CANCELLED,  # by two of the staff, after `confirm_by`: the payer said so and paid nothing
    (S.PAID, A.FLAG): S.PAID,  # nobody confirmed by `confirm_by`: staff are called, nothing else changes
    (S.CONFIRMED, A.SETTLE): S.COMPLETED,
})
LIFECYCLES = {Direction.PAYIN: PAYIN}

WHO: dict[Action, frozenset[Party]] = {
    A.MATCH: frozenset({Party.SYSTEM}),
    A.RETRY: frozenset({Party.SYSTEM}),
    A.FAIL: frozenset({Party.SYSTEM}),
    A.DECLINE: frozenset({Party.TRADER}),
    A.CANCEL: frozenset({Party.STORE, Party.CUSTOMER, Party.STAFF}),
    A.MARK_PAID: frozenset({Party.CUSTOMER, Party.STORE}),
    A.CONFIRM: frozenset({Party.TRADER, Party.STAFF}),
    A.EXPIRE: frozenset({Party.SYSTEM}),
    A.FLAG: frozenset({Party.SYSTEM}),
    A.CALL_OFF: frozenset({Party.STAFF}),
    A.SETTLE: frozenset({Party.SYSTEM}),
}
