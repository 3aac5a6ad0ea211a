"""Other limits of what is decided alone, or by two: put before a second person, whatever the limits say."""
from sqlalchemy.orm import Session

from portal.approvals import kinds, limits, service
from portal.approvals.limits import AskLimit
from portal.approvals.models import Approval
from portal.core.access import Actor


def ask(session: Session, actor: Actor, command: AskLimit) -> Approval:
    """Nothing changes yet. Raises Denied, Invalid, AlreadyAsked."""
    before, after = limits.checked(session, actor, command)
    return service.ask_once(session, actor, kind=limits.KIND, target_kind="desk", target_id=limits.DESK, before=before,
                            after=after, reason=command.reason)


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. Raises StaleApproval."""
    if not limits.stands(session, approval):
        raise service.StaleApproval()
    limits.set_it(session, actor, approval)


kinds.register(limits.KIND, apply=apply, title="Limit of what one decides")
