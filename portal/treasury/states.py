"""The lives of deposits, addresses and withdrawals: what may follow what."""
from enum import StrEnum

from portal.core.lifecycle import Lifecycle


class DepositStatus(StrEnum):
    ASKED = "asked"
    CREDITED = "credited"
    REFUSED = "refused"
    RETRACTED = "retracted"


class DepositAction(StrEnum):
    CREDIT = "credit"
    REFUSE = "refuse"
    RETRACT = "retract"


DEPOSITS = Lifecycle(DepositStatus.ASKED, {
    (DepositStatus.ASKED, DepositAction.CREDIT): DepositStatus.CREDITED,
    (DepositStatus.ASKED, DepositAction.REFUSE): DepositStatus.REFUSED,
    (DepositStatus.ASKED, DepositAction.RETRACT): DepositStatus.RETRACTED,
})


class AddressStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    REFUSED = "refused"
    REMOVED = "removed"


class AddressAction(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    REMOVE = "remove"


ADDRESSES = Lifecycle(AddressStatus.PENDING, {
    (AddressStatus.PENDING, AddressAction.APPROVE): AddressStatus.ACTIVE,
    (AddressStatus.PENDING, AddressAction.REFUSE): AddressStatus.REFUSED,
    (AddressStatus.PENDING, AddressAction.REMOVE): AddressStatus.REMOVED,
    (AddressStatus.ACTIVE, AddressAction.REMOVE): AddressStatus.REMOVED,
})


class WithdrawalStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    RELEASED = "released"


class WithdrawalAction(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    CANCEL = "cancel"
    TAKE = "take"
    SEND = "send"
    RELEASE = "release"


WITHDRAWALS = Lifecycle(WithdrawalStatus.REQUESTED, {
    (WithdrawalStatus.REQUESTED, WithdrawalAction.APPROVE): WithdrawalStatus.APPROVED,
    (WithdrawalStatus.REQUESTED, WithdrawalAction.REFUSE): WithdrawalStatus.REFUSED,
    (WithdrawalStatus.REQUESTED, WithdrawalAction.CANCEL): WithdrawalStatus.CANCELLED,
    (WithdrawalStatus.APPROVED, WithdrawalAction.TAKE): WithdrawalStatus.APPROVED,
    (WithdrawalStatus.APPROVED, WithdrawalAction.SEND): WithdrawalStatus.SENT,
    (WithdrawalStatus.APPROVED, WithdrawalAction.RELEASE): WithdrawalStatus.RELEASED,
})
OPEN = (WithdrawalStatus.REQUESTED, WithdrawalStatus.APPROVED)
"""While a withdrawal stands here its amount is held."""
