"""A withdrawal that was approved and never sent: two of the staff give the money back to its owner."""
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval, StaleApproval
from portal.core.access import Actor, Permission
from portal.core.errors import Denied
from portal.treasury import withdrawals
from portal.treasury.commands import AskRelease
from portal.treasury.models import Withdrawal
from portal.treasury.states import WITHDRAWALS, WithdrawalAction
from portal.treasury.withdrawals import KIND as TARGET
from portal.treasury.withdrawals import RELEASE


def ask(session: Session, actor: Actor, command: AskRelease) -> Approval:
    """Say that it was not sent and will not be; until it is decided nobody begins to send it.

    Raises Denied, NotFound, InvalidTransition, AlreadyAsked.
    """
    if not (actor.is_staff and actor.may(Permission.WITHDRAWAL_SEND)):
        raise Denied()
    withdrawal = withdrawals.lock(session, withdrawals.find(session, actor, command.withdrawal_id).id)
    WITHDRAWALS.next(withdrawal.status, WithdrawalAction.RELEASE)
    return approvals.ask_once(
        session, actor, kind=RELEASE, target_kind=TARGET, target_id=withdrawal.id, reason=command.reason,
        before={"taken": withdrawal.taken_name}, after={"amount": withdrawal.amount.text,
                                                        "currency": withdrawal.currency})


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """Raises Denied, and StaleApproval where it was sent, or taken by somebody to be sent, since."""
    if not actor.may(Permission.WITHDRAWAL_DECIDE):
        raise Denied()
    withdrawal = withdrawals.lock(session, UUID(approval.target_id))
    if (not WITHDRAWALS.allows(withdrawal.status, WithdrawalAction.RELEASE)
            or withdrawal.taken_name != approval.before["taken"]):
        raise StaleApproval()
    withdrawals.release(session, actor, withdrawal.id, approval.reason)


def drafts(session: Session, approval: Approval) -> list[ledger.Draft]:
    """What approving it would post."""
    withdrawal = session.get_one(Withdrawal, UUID(approval.target_id))
    return [ledger.entries.withdrawal_release(withdrawals.facts(withdrawal))]


approvals.register(RELEASE, apply=approved, title="Give a withdrawal back", drafts=drafts, subject=withdrawals.subject)
