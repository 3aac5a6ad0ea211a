"""The words of an order's life. Which step may follow which, and who may take it, is `directions`' to say."""
from enum import StrEnum


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

PAYS_ELSEWHERE = (Status.NEW, Status.RETRYING, Status.ASSIGNED)
"""While an order stands so, a requisite that its payer exchanged ends at its own time; once it is paid, with the order:
nobody knows yet which of them the money went to."""


class Action(StrEnum):
    MATCH = "match"
    RETRY = "retry"
    FAIL = "fail"
    DECLINE = "decline"
    ACCEPT = "accept"
    REASSIGN = "reassign"
    CANCEL = "cancel"
    MARK_PAID = "mark_paid"
    CONFIRM = "confirm"
    EXPIRE = "expire"
    REOPEN = "reopen"
    REPLACE = "replace"
    FLAG = "flag"
    CALL_OFF = "call_off"
    SETTLE = "settle"
    DISPUTE = "dispute"
    ACCEPT_AMOUNT = "accept_amount"
    REFUSE_AMOUNT = "refuse_amount"
    ADD_TRANSFER = "add_transfer"
    CONCEDE = "concede"
    GIVE_UP = "give_up"
    RESOLVE_COMPLETE = "resolve_complete"
    RESOLVE_ADJUST = "resolve_adjust"
    RESOLVE_CANCEL = "resolve_cancel"
    CORRECT = "correct"
    HOLD_FOR_REVIEW = "hold_for_review"
    RELEASE = "release"
    REFUSE = "refuse"
    SUSPECT = "suspect"


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
    EXPOSURE_REACHED = "exposure_reached"
    REFUSED = "refused"
    MATCHING_ERROR = "matching_error"

