"""What can be asked for about money in and out. Amounts are as people type them."""
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from portal.core.commands import Command

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=120)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
PublicId = Annotated[str, StringConstraints(max_length=40)]
Typed = Annotated[str, StringConstraints(max_length=60)]
OwnerKind = Literal["store", "trader"]
FILES_MAX = 5


class AskDeposit(Command):
    """Only live money is deposited. Staff give a `reason`; an owner the transfer's network, reference and proof."""

    owner_kind: OwnerKind
    owner_id: UUID
    amount: str
    currency: str
    reason: Reason | None = None
    network: Annotated[str, StringConstraints(max_length=20)] | None = None
    reference: Reference | None = None
    files: tuple[str, ...] = ()


class Retract(Command):
    deposit_id: PublicId


class AddAddress(Command):
    """`address`: as a wallet gives it, or a bank's details."""

    owner_kind: OwnerKind
    owner_id: UUID
    label: Label
    network: Annotated[str, StringConstraints(max_length=20)]
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class NameAddress(Command):
    """One line of an address book, to be removed."""

    address_id: PublicId


class ShowAddress(Command):
    """In full, to staff."""

    address_id: PublicId
    reason: Reason


class AskWithdrawal(Command):
    owner_kind: OwnerKind
    owner_id: UUID
    address_id: PublicId
    amount: Typed


class CancelWithdrawal(Command):
    withdrawal_id: PublicId


class TakeWithdrawal(Command):
    """`over`: who the form showed to be sending it, to be taken over from."""

    withdrawal_id: PublicId
    over: Annotated[str, StringConstraints(max_length=40)] | None = None


class SendWithdrawal(Command):
    """`reference` of the transfer that paid it: a transaction's hash, the bank's number."""

    withdrawal_id: PublicId
    reference: Reference


class AskRelease(Command):
    withdrawal_id: PublicId
    reason: Reason


class SetMinimum(Command):
    """An empty `amount`: any amount may go."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    amount: Typed | None = None


class AskAdjustment(Command):
    """`credit`: for the owner's good. `day`: the operator's that it corrects.

    `platform` is the desk's own earnings, `world` the outside: their id is nil.
    """

    owner_kind: Literal["store", "trader", "platform", "world"]
    owner_id: UUID
    direction: Literal["credit", "debit"]
    amount: Typed
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    code: Literal["found", "mistake", "taken_back", "goodwill", "penalty", "other", "written_off", "unplaced"]
    day: date | None = None
    reason: Reason


class AskReversal(Command):
    entry_id: int
    reason: Reason


class MakeTransfer(Command):
    """Stores by their public ids, both of the merchant who asks."""

    from_store: PublicId
    to_store: PublicId
    amount: Typed
