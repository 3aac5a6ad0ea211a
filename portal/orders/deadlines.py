"""What the clock does to orders: expiry at `expires_at` + grace, and a call for staff when nobody confirms.

The status decides, never the clock: until the step has committed, a claim or a confirmation wins.
"""
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.jobs import Claimed, RetryAt
from portal.orders import payouts, queries, service
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState, Direction, Status
from portal.orders.steps import Steps


def expire(session: Session, batch: Sequence[Claimed]) -> dict[int, RetryAt]:
    """Work of the kind `expire_order`: the reference is the assignment. Does nothing once that has ended."""
    wanted = [job.reference for job in batch if job.reference is not None]
    order_ids = dict(session.execute(select(Assignment.id, Assignment.order_id)
                                     .where(Assignment.id.in_(wanted))).all())
    orders = queries.lock_many(session, list(order_ids.values()))
    overdue: dict[Direction, list[tuple[Order, Assignment]]] = {direction: [] for direction in Direction}
    for assignment_id, order_id in order_ids.items():
        order = orders[order_id]
        assignment = queries.current_assignment(session, order)
        if (assignment is not None and assignment.id == assignment_id and assignment.state == AssignmentState.OPEN
                and order.status == Status.ASSIGNED):
            overdue[Direction(order.direction)].append((order, assignment))
    if overdue[Direction.PAYIN]:
        service.expire(session, SYSTEM, overdue[Direction.PAYIN])
    later = payouts.take_back(session, overdue[Direction.PAYOUT])
    return {job.id: later[job.reference] for job in batch if job.reference is not None and job.reference in later}


def flag_unconfirmed(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `flag_unconfirmed`: an order paid and not confirmed by `confirm_by` waits for staff."""
    wanted = [job.reference for job in batch if job.reference is not None]
    steps = Steps(session, SYSTEM)
    for order in queries.lock_many(session, wanted).values():
        if order.status == Status.PAID and order.needs_attention_at is None:
            order.needs_attention_at = clock.now()
            steps.take(order, Action.FLAG)
    steps.write()
