"""What the clock does to orders: expiry at `expires_at` + grace, and a call for staff when nobody confirms.

The status decides, never the clock: until the step has committed, a claim or a confirmation wins.
"""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.access import SYSTEM
from portal.core.jobs import Claimed, RetryAt
from portal.orders import attention, attention_cases, payouts, queries, service
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import PAYS_ELSEWHERE, Action, AssignmentState, Direction, Status
from portal.orders.steps import Steps
from portal.parties import traders


def expire(session: Session, batch: Sequence[Claimed]) -> dict[int, RetryAt]:
    """Work of the kind `expire_order`: the reference is the assignment. Does nothing once that has ended."""
    wanted = [job.reference for job in batch if job.reference is not None]
    order_ids = dict(session.execute(select(Assignment.id, Assignment.order_id)
                                     .where(Assignment.id.in_(wanted))).all())
    orders = queries.lock_many(session, list(order_ids.values()))
    lingered: list[tuple[Order, Assignment]] = []
    overdue: dict[Direction, list[tuple[Order, Assignment]]] = {direction: [] for direction in Direction}
    for assignment_id, order_id in order_ids.items():
        order = orders[order_id]
        assignment = next((one for one in queries.holding(session, order) if one.id == assignment_id), None)
        if assignment is None:
            continue
        if assignment.state == AssignmentState.OPEN and order.status == Status.ASSIGNED:
            overdue[Direction(order.direction)].append((order, assignment))
        if assignment.state == AssignmentState.LINGERING and order.status in PAYS_ELSEWHERE:
            lingered.append((order, assignment))
    ending = (*lingered, *overdue[Direction.PAYIN], *overdue[Direction.PAYOUT])
    reservations.lock(session, [one for _, one in ending])  # before any balance
    if lingered:
        reservations.release(session, lingered, reason=reservations.REPLACED)
    if overdue[Direction.PAYIN]:
        service.expire(session, SYSTEM, overdue[Direction.PAYIN])
    later = payouts.take_back(session, overdue[Direction.PAYOUT])
    return {job.id: later[job.reference] for job in batch if job.reference is not None and job.reference in later}


def flag_unconfirmed(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `flag_unconfirmed`: an order paid and not confirmed by `confirm_by` waits for staff. A payin's
    trader has let it pass."""
    wanted = [job.reference for job in batch if job.reference is not None]
    steps, of = Steps(session, SYSTEM), set[UUID | None]()
    known = attention_cases.called(session, wanted, attention_cases.UNCONFIRMED, attention_cases.SUSPECTED)
    for order in queries.lock_many(session, wanted).values():
        if order.status == Status.PAID and order.id not in known:
            attention_cases.call(session, order, attention_cases.UNCONFIRMED)
            steps.take(order, Action.FLAG)
            attention.tell(session, order, attention.UNCONFIRMED)
            if order.direction == Direction.PAYIN:
                of.add(order.assignment_id)
    steps.write()
    if of:
        traders.let_pass(session, set(session.scalars(select(Assignment.trader_id).where(Assignment.id.in_(of)))))
