"""The robots' turn at a test order: one act, if one is due, as what the order stands at and its outcome ask for.

Nothing is kept in memory or in a script of its own: what comes next is read from the order each time. So it is harmless
twice, a worker that dies takes nothing with it, and whoever does a robot's part before it (a developer on the page, a
call of the gateway) is simply ahead of it.
"""
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.errors import PortalError
from portal.core.jobs import Claimed, RetryAt
from portal.orders import queries
from portal.orders.judging import before_matching, review
from portal.orders.matching.pick import WAITING
from portal.orders.models import Order
from portal.orders.states import Direction, Status
from portal.requisites.test_outcomes import Outcome, of_amount
from portal.risk.commands import DecideReview
from portal.risk.facts import Verdict
from portal.test_mode import milestones, payins, payouts, robots
from portal.test_mode.models import TestChoice

Act = Callable[[], object]
log = structlog.get_logger("test_mode")
SCRIPTS: Mapping[str, Callable[[Session, Order, Outcome], Act | None]] = {
    Direction.PAYIN: payins.next_act, Direction.PAYOUT: payouts.next_act}
VERDICTS = {Outcome.REVIEW: Verdict.REVIEW, Outcome.REFUSED: Verdict.DENY}


def work(session: Session, batch: Sequence[Claimed]) -> dict[int, RetryAt]:
    """Work of the kind `play_test_order`: the reference is the order. Comes back at once while there is more to do."""
    return {job.id: RetryAt(clock.now()) for job in batch if job.reference is not None and act(session, job.reference)}


def act(session: Session, order_id: UUID) -> bool:
    """One act; whether there was one. What a service refuses is left as it is, for whoever tries the desk to see.

    Raises what is worth another try (LockTimeout, StorageAway).
    """
    order = queries.lock_many(session, [order_id]).get(order_id)
    if order is None or order.live:
        return False
    if (due := _next(session, order, outcome_of(session, order))) is None:
        milestones.note_steps(session, order)
        return False
    try:
        with session.begin_nested():
            due()
    except PortalError as refused:
        if refused.retryable:
            raise
        log.info("robot_refused", code=refused.code, order=order.public_id)
        return False
    return True


def has_turn(session: Session, order: Order) -> bool:
    """Whether a robot would act."""
    return _next(session, order, outcome_of(session, order)) is not None


def outcome_of(session: Session, order: Order) -> Outcome:
    """As was chosen on its page, else as its amount says."""
    chosen = session.get(TestChoice, order.id, populate_existing=True)
    return of_amount(order.amount_minor) if chosen is None else Outcome(chosen.outcome)


def _next(session: Session, order: Order, outcome: Outcome) -> Act | None:
    asked = of_amount(order.amount_minor)  # of risk before the match no page decides
    if order.status in WAITING and order.judged_at is None and asked in VERDICTS:
        return partial(before_matching.judge_in_test, session, order, VERDICTS[asked])
    if order.status == Status.REVIEW and asked is Outcome.REVIEW:
        return partial(review.decide, session, robots.staff(1), DecideReview(
            order_id=order.public_id, decision="release", reason="Test mode: a person has looked at it."))
    return SCRIPTS[order.direction](session, order, outcome)
