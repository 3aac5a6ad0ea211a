"""What somebody on the page of a test order wants to happen: in the place of what its amount says, and now."""
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import Actor
from portal.core.errors import Conflict, NotFound
from portal.orders import queries
from portal.orders.commands import OrderCommand
from portal.orders.models import Order
from portal.orders.states import Direction, Status
from portal.parties.models import Store
from portal.requisites.test_outcomes import Outcome, of_amount
from portal.test_mode.advance import move_on
from portal.test_mode.models import TestChoice

ARRIVALS = (Outcome.EXACT, Outcome.LESS, Outcome.MORE)
QUARRELS = (Outcome.WON, Outcome.LOST)
OFFERED: dict[str, Sequence[Outcome]] = {
    Status.ASSIGNED: (*ARRIVALS, Outcome.EXPIRES, Outcome.LATE, Outcome.DECLINED, *QUARRELS),
    Status.PAID: (*ARRIVALS, *QUARRELS), Status.EXPIRED: (Outcome.LATE,)}
NOBODY_PAYS = (Outcome.EXPIRES, Outcome.LATE)
DECIDED_EARLIER = (Outcome.NOBODY, Outcome.REFUSED)  # such a one never comes so far that a page could choose


class NothingToTry(Conflict):
    """This test payment has gone on meanwhile: that can no longer happen to it."""

    code = "nothing_to_try"


class ChooseOutcome(OrderCommand):
    """`outcome`: one of those that the page offers."""

    outcome: Literal["exact", "less", "more", "expires", "late", "declined", "won", "lost"]


def offered(order: Order) -> Sequence[Outcome]:
    """What may be chosen as the test payin stands; nothing of a live one, ever."""
    if order.live or order.direction != Direction.PAYIN or of_amount(order.amount_minor) in DECIDED_EARLIER:
        return ()
    return OFFERED.get(order.status, ())


def choose(session: Session, actor: Actor, command: ChooseOutcome) -> Order:
    """It happens before this returns: robots act, and where the time is to run out, the order's clock runs.

    Raises NotFound, also for a live order; NothingToTry.
    """
    order, outcome = queries.lock(session, actor, command.order_id), Outcome(command.outcome)
    if order.live:
        raise NotFound()
    if outcome not in offered(order):
        raise NothingToTry()
    choice = session.get(TestChoice, order.id, populate_existing=True)
    if choice is None:
        choice = TestChoice(order_id=order.id)
        session.add(choice)
    choice.outcome, choice.chosen_at = outcome, clock.now()
    session.flush()
    move_on(session, order, _until_the_end(session, order) if outcome in NOBODY_PAYS else timedelta())
    return queries.lock(session, actor, command.order_id)


def _until_the_end(session: Session, order: Order) -> timedelta:
    """Until it is expired; nothing once it is."""
    if order.status != Status.ASSIGNED or order.expires_at is None:
        return timedelta()
    grace = timedelta(seconds=session.get_one(Store, order.store_id).grace_s + 1)
    return max(timedelta(), order.expires_at - clock.now() + grace)
