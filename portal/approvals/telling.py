"""Who hears of an approval: those who may decide it, and then whoever asked."""
from sqlalchemy.orm import Session

from portal import notices
from portal.approvals.models import Approval
from portal.core.access import Actor

N_ = str
OUTCOMES = {"approved": N_("Approved"), "rejected": N_("Refused"), "expired": N_("Nobody decided in time")}
OF_OWNERS = {"requisite": "/trader/requisites", "deposit": "/{area}/deposits", "withdrawal": "/{area}/withdrawals",
             "withdrawal_address": "/{area}/withdrawals"}
"""Where owners see what became of it; staff go to the approval itself."""


def asked(session: Session, actor: Actor, approval: Approval) -> None:
    notices.notify(session, "decision.waits", notices.STAFF, but=actor.id, what=approval.title, by=actor.name,
                   reason=approval.reason, approval=approval.public_id)


def ended(session: Session, actor: Actor, approval: Approval) -> None:
    """Not to who decided it himself, nor of what was taken back."""
    if approval.asked_by is None or approval.asked_by == actor.id or approval.state not in OUTCOMES:
        return
    notices.notify(session, "decision.made", notices.user(approval.asked_by), what=approval.title,
                   outcome=OUTCOMES[approval.state], reason=approval.decision_reason,
                   home=OF_OWNERS.get(approval.kind), approval=approval.public_id)
