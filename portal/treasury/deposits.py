"""Deposits: an owner, or staff, say that money came in from outside; a second person agrees, and it can be used."""
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from portal import approvals, files, ledger, notices
from portal.approvals import Approval, StaleApproval
from portal.approvals import kinds as approval_kinds
from portal.core import clock, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.treasury import booking, networks, owners
from portal.treasury.commands import FILES_MAX, AskDeposit, Retract
from portal.treasury.models import DEPOSIT, Deposit
from portal.treasury.owners import Owner
from portal.treasury.states import DEPOSITS, DepositAction, DepositStatus

KIND = "deposit"
PROOF = "deposit"  # what its files are attached to
ALIKE_MAX = 20
COUNTED = (DepositStatus.ASKED, DepositStatus.CREDITED)  # as the same transfer told of: not what was refused


def ask(session: Session, actor: Actor, command: AskDeposit) -> Approval:
    """Put a deposit before a second person; nothing is posted yet.

    Raises Denied, NotFound (no such owner), Invalid (no positive amount of the owner's currency; an owner's own without
    network, reference or proof), and what `files.attach` refuses.
    """
    if not (actor.is_system or actor.may(Permission.DEPOSIT_REQUEST)):
        raise Denied()
    owner = owners.lock(session, actor, command.owner_kind, command.owner_id)
    amount = _amount(command, owner)
    _check_told(actor, command)
    network = networks.chosen(command.network, amount.currency).code if command.network else None
    told = {"network": network, "reference": command.reference}
    approval = approvals.ask(
        session, actor, kind=KIND, target_kind=command.owner_kind, target_id=command.owner_id,
        reason=command.reason or "", before=_standing(owner),
        after={"amount": amount.text, "currency": amount.currency} | {key: one for key, one in told.items() if one})
    made = Deposit(
        id=ids.new_id(), owner_kind=command.owner_kind, owner_id=owner.id, currency=amount.currency,
        amount_minor=amount.minor, network=network, reference=command.reference, approval_id=approval.id,
        reference_key=networks.reference_key(command.reference) if command.reference else None,
        asked_name=actor.name)
    session.add(made)
    session.flush()
    files.attach(session, actor, command.files, PROOF, made.id)
    owners.tell(session, made.owner_kind, made.owner_id)
    return approval


def retract(session: Session, actor: Actor, command: Retract) -> Deposit:
    """Its owner wants it no more, as long as nobody has decided. Raises Denied, NotFound, InvalidTransition."""
    if not actor.may(Permission.DEPOSIT_REQUEST) or actor.is_staff:
        raise Denied()
    deposit = find(session, actor, command.deposit_id)
    DEPOSITS.next(deposit.status, DepositAction.RETRACT)
    approvals.withdraw(session, actor, deposit.approval_id)
    return _end(session, deposit.approval_id, DepositAction.RETRACT)


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """Approved: the money is on the owner's account, in the same transaction.

    Raises StaleApproval when the owner has been suspended, renamed or moved to another currency since.
    """
    owner = owners.lock(session, actor, approval.target_kind, UUID(approval.target_id))
    if _standing(owner) != approval.before:
        raise StaleApproval(before=approval.before, now=_standing(owner))
    _end(session, approval.id, DepositAction.CREDIT)
    booking.post(session, actor, drafts(session, approval))
    notices.notify(session, "deposit.booked", owners.audience(owner), but=approval.asked_by, name=owner.name,
                   amount=f"{approval.after['amount']} {approval.after['currency']}")


def refused(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person does not see the money."""
    _end(session, approval.id, DepositAction.REFUSE)


def drafts(session: Session, approval: Approval) -> list[ledger.Draft]:
    """What approving it would post."""
    amount = Money.parse(approval.after["amount"], approval.after["currency"])
    owner = ledger.Account(approval.target_kind, UUID(approval.target_id), "available", amount.currency, live=True)
    return [ledger.entries.deposit(approval.id, owner, amount)]


def find(session: Session, actor: Actor, deposit_id: str) -> Deposit:
    """By its public id. Raises NotFound."""
    found = session.scalar(select(Deposit).where(
        Deposit.id == ids.parse(DEPOSIT, deposit_id), owners.belongs(actor, Deposit.owner_kind, Deposit.owner_id))
        .execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def of_approval(session: Session, approval_id: UUID) -> Deposit | None:
    return session.scalar(select(Deposit).where(Deposit.approval_id == approval_id))


def alike(session: Session, deposit: Deposit) -> Sequence[Deposit]:
    """Others that tell of the same transfer and were not refused: it must not be credited twice. Oldest first."""
    if deposit.reference_key is None:
        return []
    return session.scalars(select(Deposit).where(
        Deposit.reference_key == deposit.reference_key, Deposit.id != deposit.id,
        Deposit.status.in_(COUNTED)).order_by(Deposit.id).limit(ALIKE_MAX)).all()


def told_of_twice(session: Session, approval_ids: Collection[UUID]) -> set[UUID]:
    """Of these approvals: whose deposit has one that is `alike`. One query, for a list."""
    other = aliased(Deposit)
    return set(session.scalars(select(Deposit.approval_id).where(
        Deposit.approval_id.in_(approval_ids), exists().where(
            other.reference_key == Deposit.reference_key, other.id != Deposit.id, other.status.in_(COUNTED)))).all())


def same_proof(session: Session, deposit: Deposit) -> Sequence[Deposit]:
    """Others that show the same file, or nearly the same picture, and were not refused. Oldest first."""
    shown = files.of(session, PROOF, [deposit.id]).get(deposit.id, [])
    return session.scalars(select(Deposit).where(
        Deposit.id.in_(files.subjects_with(shown, PROOF)), Deposit.id != deposit.id,
        Deposit.status.in_(COUNTED)).order_by(Deposit.id).limit(ALIKE_MAX)).all()


def shown_twice(session: Session, approval_ids: Collection[UUID]) -> set[UUID]:
    """Of these approvals: whose deposit shows a file, byte for byte, that another one shows too. One query."""
    other, mine, theirs = aliased(Deposit), aliased(files.File), aliased(files.File)
    return set(session.scalars(select(Deposit.approval_id).where(
        Deposit.approval_id.in_(approval_ids), exists().where(
            mine.subject_kind == PROOF, mine.subject_id == Deposit.id, or_(
                theirs.content_hash == mine.content_hash, theirs.kept_hash == mine.kept_hash),
            theirs.subject_kind == PROOF, theirs.subject_id == other.id, other.id != Deposit.id,
            other.status.in_(COUNTED)))).all())


def _check_told(actor: Actor, command: AskDeposit) -> None:
    """Staff say why; an owner says by which transfer, and shows it. Raises Invalid."""
    needed = {"reason": command.reason} if actor.is_staff or actor.is_system else {
        "network": command.network, "reference": command.reference, "files": command.files}
    missing = [FieldError(f"/{name}", "missing", "Field required") for name, given in needed.items() if not given]
    if len(command.files) > FILES_MAX:
        missing.append(FieldError("/files", "too_many", "Attach five files at most."))
    if missing:
        raise Invalid(fields=missing)


def _end(session: Session, approval_id: UUID, action: DepositAction) -> Deposit:
    deposit = locked_one(session, select(Deposit).where(Deposit.approval_id == approval_id))
    assert deposit is not None, "it was written with its approval"
    deposit.status, deposit.ended_at = DEPOSITS.next(deposit.status, action), clock.now()
    session.flush()
    owners.tell(session, deposit.owner_kind, deposit.owner_id)
    return deposit


def _standing(owner: Owner) -> dict[str, str]:
    """What must still be so when the deposit is decided. Being set going is no reason to ask anew; a suspension is."""
    status = "active" if owner.status == "pending" else owner.status
    return {"name": owner.name, "status": status, "currency": owner.settlement_currency}


def _amount(command: AskDeposit, owner: Owner) -> Money:
    if command.currency != owner.settlement_currency:
        raise Invalid(fields=[FieldError("/currency", "not_settlement_currency",
                                         "This balance is kept in %(currency)s.",
                                         {"currency": owner.settlement_currency})])
    amount = typed_amounts.amount("amount", command.amount, command.currency)
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "A deposit is more than nothing.")])
    return amount


def _may_see_proof(session: Session, actor: Actor, deposit_id: UUID) -> bool:
    """Whoever sees the deposit, and who decides on it."""
    seen = owners.belongs(actor, Deposit.owner_kind, Deposit.owner_id)
    if actor.is_staff and actor.may(Permission.APPROVAL_READ):
        return session.get(Deposit, deposit_id) is not None
    return session.scalar(select(Deposit.id).where(Deposit.id == deposit_id, seen)) is not None


files.visible_by(PROOF, _may_see_proof)
approvals.register(KIND, apply=apply, reject=refused, title="Deposit", drafts=drafts,
                   counted_as=approval_kinds.CREDITS)
