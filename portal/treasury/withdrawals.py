"""Withdrawals: an owner asks and the amount is held; one of the staff approves, another sends it, once, by a reference.

Locks: approval → owner → address → withdrawal → balances.
"""
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, ledger, notices
from portal.approvals import Approval, StaleApproval
from portal.core import audit, clock, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, Rejected, judges
from portal.core.money import Money
from portal.treasury import addresses, booking, minimums, money_out, networks, owners
from portal.treasury.commands import AskWithdrawal, CancelWithdrawal, SendWithdrawal, TakeWithdrawal
from portal.treasury.models import ADDRESS, WITHDRAWAL, Withdrawal, WithdrawalAddress
from portal.treasury.states import WITHDRAWALS, AddressStatus, WithdrawalAction

KIND = "withdrawal"
RELEASE = "withdrawal_release"
OVERDUE = "Nobody decided in time"


class AddressRests(Rejected):
    """This address was approved less than a day ago. Money can go there once it has rested."""

    code = "address_rests"


class AddressGone(Conflict):
    """This address is not in the address book any more: nothing goes there."""

    code = "address_gone"


class SameHand(Denied):
    """You approved this withdrawal: somebody else sends it."""

    code = "same_hand"


class InOtherHands(Conflict):
    """A colleague is sending this withdrawal already. Talk to them, or take it over."""

    code = "withdrawal_taken"


class NotTaken(Conflict):
    """Say first that you send this withdrawal: only then do you see where it goes."""

    code = "withdrawal_not_taken"


class ReleaseWaits(Conflict):
    """Somebody has asked to give this money back to its owner. That is decided first."""

    code = "release_waits"


class ReferenceKnown(Conflict):
    """Another withdrawal was paid by the transfer with this reference. Look at both before you go on."""

    code = "reference_known"


judges({"uq_withdrawals_reference": ReferenceKnown, "ck_withdrawals_two_staff": SameHand})


def ask(session: Session, actor: Actor, command: AskWithdrawal) -> Withdrawal:
    """An owner wants money out: it is held from now on, and waits for the staff.

    Raises Denied, NotFound, OwnerSuspended, MoneyOutStopped, OwesClaim, AddressRests, AddressGone, Invalid,
    InsufficientFunds.
    """
    if not actor.may(Permission.WITHDRAWAL_REQUEST):
        raise Denied()
    owner = owners.lock(session, actor, command.owner_kind, command.owner_id)
    if not owners.is_active(session, owner):
        raise owners.OwnerSuspended()
    money_out.check(session, owner)
    address = _usable(session, ids.parse(ADDRESS, command.address_id), owner)
    amount = typed_amounts.amount("amount", command.amount, owner.settlement_currency)
    minimums.check(session, amount)
    withdrawal = Withdrawal(
        id=ids.new_id(), owner_kind=owners.kind_of(owner), owner_id=owner.id, currency=amount.currency,
        amount_minor=amount.minor, address_id=address.id, address=address, asked_name=actor.name)
    withdrawal.approval_id = approvals.ask(
        session, actor, kind=KIND, target_kind=KIND, target_id=withdrawal.id, reason=address.label,
        before={"name": owner.name}, after={"amount": amount.text} | addresses.facts(address)).id
    session.add(withdrawal)
    session.flush()
    booking.post(session, actor, [ledger.entries.withdrawal_hold(facts(withdrawal))])
    return withdrawal


def cancel(session: Session, actor: Actor, command: CancelWithdrawal) -> Withdrawal:
    """Its owner wants it no more, as long as nobody has approved it. Raises Denied, NotFound, InvalidTransition."""
    if not actor.may(Permission.WITHDRAWAL_REQUEST):
        raise Denied()
    withdrawal = find(session, actor, command.withdrawal_id)
    WITHDRAWALS.next(withdrawal.status, WithdrawalAction.CANCEL)
    approvals.withdraw(session, actor, withdrawal.approval_id)
    return _give_back(session, actor, withdrawal.id, WithdrawalAction.CANCEL)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """One of the staff agrees; another sends it. Raises Denied, MoneyOutStopped, OwesClaim, StaleApproval."""
    if not actor.may(Permission.WITHDRAWAL_DECIDE):
        raise Denied()
    seen = session.get_one(Withdrawal, UUID(approval.target_id))
    money_out.check(session, owners.lock(session, actor, seen.owner_kind, seen.owner_id))
    if addresses.lock(session, seen.address_id).status != AddressStatus.ACTIVE:
        raise StaleApproval()
    withdrawal = lock(session, seen.id)
    withdrawal.status = WITHDRAWALS.next(withdrawal.status, WithdrawalAction.APPROVE)
    withdrawal.decided_by, withdrawal.decided_name, withdrawal.decided_at = actor.id, actor.name, clock.now()
    session.flush()
    owners.tell(session, withdrawal.owner_kind, withdrawal.owner_id)


def refused(session: Session, actor: Actor, approval: Approval) -> None:
    """One of the staff refuses, or nobody decided in time: the money is the owner's to use again. Raises Denied."""
    if not actor.may(Permission.WITHDRAWAL_DECIDE):
        raise Denied()
    _give_back(session, actor, UUID(approval.target_id), WithdrawalAction.REFUSE, OVERDUE if actor.is_system else None)


def take(session: Session, actor: Actor, command: TakeWithdrawal) -> Withdrawal:
    """One of the staff is about to send it, and sees where to: from now on nobody else does. Harmless twice.

    Raises Denied, NotFound, SameHand, InOtherHands, ReleaseWaits, AddressGone, MoneyOutStopped, OwesClaim.
    """
    seen = _for_sending(session, actor, command.withdrawal_id)
    money_out.check(session, owners.lock(session, actor, seen.owner_kind, seen.owner_id))
    address = addresses.lock(session, seen.address_id)
    withdrawal = lock(session, seen.id)
    WITHDRAWALS.next(withdrawal.status, WithdrawalAction.TAKE)
    if address.status != AddressStatus.ACTIVE:
        raise AddressGone()
    if approvals.waiting_for(session, KIND, withdrawal.id, kind=RELEASE):
        raise ReleaseWaits()
    if actor.id in (withdrawal.decided_by, session.get_one(Approval, withdrawal.approval_id).first_by):
        raise SameHand()
    if withdrawal.taken_by not in (None, actor.id) and command.over != str(withdrawal.taken_by):
        raise InOtherHands(by=withdrawal.taken_name)
    before = withdrawal.taken_name
    withdrawal.taken_by, withdrawal.taken_name, withdrawal.taken_at = actor.id, actor.name, clock.now()
    session.flush()
    audit.record(session, actor, "withdrawal.taken", KIND, withdrawal.id, before={"by": before} if before else None,
                 after={"by": actor.name, "address_shown": address.mask})
    owners.tell(session, withdrawal.owner_kind, withdrawal.owner_id)
    return withdrawal


def send(session: Session, actor: Actor, command: SendWithdrawal) -> Withdrawal:
    """It was sent, by the transfer with this reference: what was held has left the desk. Never refused for a stop: the
    money is gone already.

    Raises Denied, NotFound, InvalidTransition, NotTaken, InOtherHands (whoever took it says so), ReferenceKnown.
    """
    withdrawal = lock(session, _for_sending(session, actor, command.withdrawal_id).id)
    status = WITHDRAWALS.next(withdrawal.status, WithdrawalAction.SEND)
    if withdrawal.taken_by is None:
        raise NotTaken()
    if withdrawal.taken_by != actor.id:
        raise InOtherHands(by=withdrawal.taken_name)
    withdrawal.status, withdrawal.sent_by, withdrawal.sent_name = status, actor.id, actor.name
    withdrawal.reference, withdrawal.ended_at = command.reference, clock.now()
    withdrawal.reference_key = networks.reference_key(command.reference)
    session.flush()
    audit.record(session, actor, "withdrawal.sent", KIND, withdrawal.id, after={
        "amount": withdrawal.amount.text, "currency": withdrawal.currency, "reference": command.reference})
    booking.post(session, actor, [ledger.entries.withdrawal_settle(facts(withdrawal))])
    owner = owners.of(session, withdrawal.owner_kind, withdrawal.owner_id)
    notices.notify(session, "withdrawal.sent", owners.audience(owner), reference=command.reference,
                   amount=f"{withdrawal.amount.text} {withdrawal.currency}", withdrawal=withdrawal.public_id)
    return withdrawal


def release(session: Session, actor: Actor, withdrawal_id: UUID, reason: str) -> None:
    """Two of the staff agree that it was never sent. Raises InvalidTransition."""
    _give_back(session, actor, withdrawal_id, WithdrawalAction.RELEASE, reason)


def find(session: Session, actor: Actor, withdrawal_id: str) -> Withdrawal:
    """By its public id. Raises NotFound."""
    found = session.scalar(select(Withdrawal).where(
        Withdrawal.id == ids.parse(WITHDRAWAL, withdrawal_id),
        owners.belongs(actor, Withdrawal.owner_kind, Withdrawal.owner_id)).execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def lock(session: Session, withdrawal_id: UUID) -> Withdrawal:
    found = locked_one(session, select(Withdrawal).where(Withdrawal.id == withdrawal_id))
    assert found is not None, "withdrawals are never deleted"
    return found


def drafts(session: Session, approval: Approval) -> list[ledger.Draft]:
    """What approving it leads to: the held amount leaves the desk when it is sent."""
    return [ledger.entries.withdrawal_settle(facts(session.get_one(Withdrawal, UUID(approval.target_id))))]


def subject(session: Session, approval: Approval) -> str:
    """Whose money leaves, for limits that count a day's sum."""
    withdrawal = session.get_one(Withdrawal, UUID(approval.target_id))
    return f"{withdrawal.owner_kind}:{withdrawal.owner_id}"


def facts(withdrawal: Withdrawal) -> ledger.WithdrawalFacts:
    available, held = owners.moves(withdrawal.owner_kind, withdrawal.owner_id, withdrawal.currency)
    return ledger.WithdrawalFacts(withdrawal_id=withdrawal.id, available=available, held=held,
                                  amount=Money(withdrawal.amount_minor, withdrawal.currency))


def _give_back(session: Session, actor: Actor, withdrawal_id: UUID, action: WithdrawalAction,
               reason: str | None = None) -> Withdrawal:
    withdrawal = lock(session, withdrawal_id)
    withdrawal.status, withdrawal.ended_at = WITHDRAWALS.next(withdrawal.status, action), clock.now()
    withdrawal.ended_reason = reason
    session.flush()
    booking.post(session, actor, [ledger.entries.withdrawal_release(facts(withdrawal))])
    return withdrawal


def _usable(session: Session, address_id: UUID, owner: owners.Owner) -> WithdrawalAddress:
    """Raises NotFound, AddressGone, AddressRests, Invalid."""
    address = locked_one(session, select(WithdrawalAddress).where(
        WithdrawalAddress.id == address_id, WithdrawalAddress.owner_kind == owners.kind_of(owner),
        WithdrawalAddress.owner_id == owner.id))
    if address is None:
        raise NotFound()
    if address.status != AddressStatus.ACTIVE:
        raise AddressGone()
    if not address.usable:
        raise AddressRests(usable_at=address.usable_at)
    if address.currency != owner.settlement_currency:
        raise Invalid(fields=[FieldError("/address_id", "not_settlement_currency",
                                         "This balance is kept in %(currency)s.",
                                         {"currency": owner.settlement_currency})])
    return address


def _for_sending(session: Session, actor: Actor, withdrawal_id: str) -> Withdrawal:
    if actor.id is None or not (actor.is_staff and actor.may(Permission.WITHDRAWAL_SEND)):
        raise Denied()
    return find(session, actor, withdrawal_id)


approvals.register(KIND, apply=approved, reject=refused, title="Withdrawal", drafts=drafts, subject=subject)
