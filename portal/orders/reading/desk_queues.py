"""What the desk's first page counts: open orders by state, what waits for staff, queues and whether they are late."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval
from portal.core import clock
from portal.core.access import Actor
from portal.core.jobs import Job
from portal.orders import attention_cases
from portal.orders.coverage.models import CoverageHole
from portal.orders.models import AttentionCase, OpenPlace, Order
from portal.orders.states import Direction, Status
from portal.risk.models import RiskReview
from portal.webhooks.announce import KIND as WEBHOOKS

ATTENTION_MAX = 20
COUNT_MAX = 10_000  # counting stops here: a queue this long is an alarm whatever its exact length
WEBHOOKS_LATE = timedelta(minutes=5)
APPROVALS_LATE = timedelta(hours=1)
REVIEWS_LATE = timedelta(minutes=15)


@dataclass(frozen=True)
class Waiting:
    """A queue: how many wait, how many of them too long, and since when the oldest does."""

    name: str  # matching, review, confirmation, webhooks, approvals, coverage
    count: int
    late: int
    oldest: datetime | None


@dataclass(frozen=True)
class Watch:
    open_by_status: dict[str, int]  # over orders that hold a place on a requisite
    attention: Sequence[AttentionCase]  # why orders need staff, oldest first
    attention_count: int
    queues: Sequence[Waiting]

    @property
    def open_total(self) -> int:
        return sum(self.open_by_status.values())

    @property
    def late(self) -> list[Waiting]:
        return [queue for queue in self.queues if queue.late]


def look(session: Session, actor: Actor) -> Watch:
    """Bounded queries: the small table of open places, and the live rows of the queue."""
    open_orders = (select(Order.status, func.count()).join(OpenPlace, OpenPlace.order_id == Order.id)
                   .group_by(Order.status))
    return Watch(dict(session.execute(open_orders).all()),
                 attention_cases.waiting(session, limit=ATTENTION_MAX), attention_cases.count(session),
                 [_matching(session), _review(session), _confirmation(session), _webhooks(session),
                  _approvals(session, actor), _coverage(session)])


def _matching(session: Session) -> Waiting:
    """Orders that look for a requisite; late: their matching window is over and nobody said so yet."""
    looking = select(Job.reference).where(Job.kind == "match_order", Job.dead_at.is_(None)).limit(COUNT_MAX).subquery()
    return _waiting(session, "matching", select(
        func.count(), func.count().filter(Order.match_by < clock.now()), func.min(Order.created_at))
        .select_from(looking).join(Order, Order.id == looking.c.reference)
        .where(Order.status.in_((Status.NEW, Status.RETRYING))))


def _review(session: Session) -> Waiting:
    """Orders that risk wants a person's word on: no clock ends them."""
    held = select(RiskReview.opened_at).where(RiskReview.decided_at.is_(None)).limit(COUNT_MAX).subquery()
    return _waiting(session, "review", select(
        func.count(), func.count().filter(held.c.opened_at < clock.now() - REVIEWS_LATE),
        func.min(held.c.opened_at)))


def _confirmation(session: Session) -> Waiting:
    """Payers say they paid; late: past what the store allows its trader."""
    paid = (select(Order.id, Order.confirm_by, Order.paid_at).join(OpenPlace, OpenPlace.order_id == Order.id)
            .where(Order.status == Status.PAID, Order.direction == Direction.PAYIN)
            .distinct().limit(COUNT_MAX).subquery())
    return _waiting(session, "confirmation", select(
        func.count(), func.count().filter(paid.c.confirm_by < clock.now()), func.min(paid.c.paid_at)))


def _webhooks(session: Session) -> Waiting:
    """Deliveries whose time has come."""
    due = select(Job.run_at).where(Job.kind == WEBHOOKS, Job.dead_at.is_(None), Job.run_at <= clock.now()) \
        .order_by(Job.run_at).limit(COUNT_MAX).subquery()
    return _waiting(session, "webhooks", select(
        func.count(), func.count().filter(due.c.run_at < clock.now() - WEBHOOKS_LATE), func.min(due.c.run_at)))


def _approvals(session: Session, actor: Actor) -> Waiting:
    pending = (approvals.visible_to(actor).where(Approval.state == "pending")
               .with_only_columns(Approval.created_at).limit(COUNT_MAX).subquery())
    return _waiting(session, "approvals", select(
        func.count(), func.count().filter(pending.c.created_at < clock.now() - APPROVALS_LATE),
        func.min(pending.c.created_at)))


def _coverage(session: Session) -> Waiting:
    """Sizes that are asked for and nobody could take; each is late."""
    return _waiting(session, "coverage", select(
        func.count(), func.count(), func.min(CoverageHole.began_at)).where(CoverageHole.ended_at.is_(None)))


def _waiting(session: Session, name: str, counted: object) -> Waiting:
    count, late, oldest = session.execute(counted).one()  # type: ignore[call-overload]
    return Waiting(name, count, late, oldest)
