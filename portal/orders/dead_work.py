"""Dead jobs of orders: one whose order still needs it cannot be dropped, one whose order has gone on only that.

Without its promise an order would stand for ever on no list: nothing matches, expires, calls staff to or settles it.
"""
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.access import Actor
from portal.core.errors import Conflict
from portal.core.jobs import Job, admin
from portal.orders import attention_cases, other_amount, queries
from portal.orders.models import Assignment, Order
from portal.orders.states import PAYS_ELSEWHERE, AssignmentState, Status

STANDS: Mapping[str, tuple[Status, ...]] = {
    "match_order": (Status.NEW, Status.RETRYING), "flag_unconfirmed": (Status.PAID,),
    "confirm_payout": (Status.PAID,), "settle_order": (Status.CONFIRMED,), "amount_unanswered": (Status.DISPUTED,)}
"""How an order stands while it needs this work; `expire_order` is about one of its attempts."""


class StillNeeded(Conflict):
    """Its order still needs this work. Mend what broke it and have it done again; or end the order first."""

    code = "job_still_needed"


class NoLongerNeeded(Conflict):
    """Its order has gone on without this work: it can only be dropped."""

    code = "job_not_needed"


def retry(session: Session, actor: Actor, job_id: int) -> Job:
    """As `admin.retry`. Raises NoLongerNeeded too."""
    if _needed(session, job_id) is False:
        raise NoLongerNeeded()
    return admin.retry(session, actor, job_id)


def drop(session: Session, actor: Actor, job_id: int, *, reason: str) -> None:
    """As `admin.drop`. Raises StillNeeded too."""
    if _needed(session, job_id):
        raise StillNeeded()
    admin.drop(session, actor, job_id, reason=reason)


def _needed(session: Session, job_id: int) -> bool | None:
    """Whether the order still waits for it, with the order locked, before the job; None for other work, and one that
    lives: those are not asked for."""
    job = session.get(Job, job_id)
    if job is None or job.dead_at is None or job.reference is None:
        return None
    if job.kind == "expire_order":
        return _may_expire(session, job.reference)
    if job.kind not in STANDS:
        return None
    order = queries.lock_many(session, [job.reference]).get(job.reference)
    if order is None or order.status not in STANDS[job.kind]:
        return False
    if job.kind == "amount_unanswered":
        return order.waits_for == other_amount.STORE
    if job.kind == "confirm_payout":
        return order.waits_for is None
    return job.kind != "flag_unconfirmed" or not attention_cases.called(
        session, [order.id], attention_cases.UNCONFIRMED, attention_cases.SUSPECTED)


def _may_expire(session: Session, assignment_id: UUID) -> bool:
    order_id = session.scalar(select(Assignment.order_id).where(Assignment.id == assignment_id))
    order: Order | None = queries.lock_many(session, [order_id]).get(order_id) if order_id else None
    if order is None:
        return False
    held = next((one for one in queries.holding(session, order) if one.id == assignment_id), None)
    return held is not None and (
        (held.state == AssignmentState.OPEN and order.status == Status.ASSIGNED)
        or (held.state == AssignmentState.LINGERING and order.status in PAYS_ELSEWHERE))
