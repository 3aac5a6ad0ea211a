"""How a dispute ends: its order's step, what all sides are told, and no clock left behind."""
from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.core.access import Actor
from portal.disputes import late, telling
from portal.disputes.models import Dispute
from portal.orders import attention_cases
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import Action
from portal.orders.steps import Steps

DEADLINE = "dispute_deadline"


def decide(session: Session, dispute: Dispute, order: Order, *, outcome: str, ground: str | None, by: str) -> None:
    """It is over; `ground` is for all sides to read."""
    dispute.outcome, dispute.ground, dispute.decided_name, dispute.ended_at = outcome, ground, by, clock.now()
    dispute.waits_for = dispute.answer_by = None
    late.over(session, dispute)
    attention_cases.dispute_over(session, order)
    session.flush()
    jobs.cancel(session, DEADLINE, str(dispute.id))
    telling.tell(session, dispute, order, "decided")


def cancelled(session: Session, actor: Actor, order: Order, assignment: Assignment, action: Action, *,
              reason: str | None, details: dict[str, object]) -> None:
    """The disputed order ends without money: what was held is given back."""
    steps = Steps(session, actor)
    steps.take(order, action, reason=reason, details={"assignment": assignment.public_id} | details)
    order.assignment_id = order.waits_for = None
    reservations.release(session, [(order, assignment)], reason=reservations.CANCELLED)
    steps.write()
