"""The robots' part in a payout: its trader takes it on and sends it, or not; what a recipient would tell the store."""
from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.access import SYSTEM, Actor
from portal.core.jobs import Claimed
from portal.core.money import Money
from portal.disputes import queries
from portal.disputes.commands import OpenDispute
from portal.disputes.models import Dispute
from portal.disputes.service import open_dispute
from portal.orders import payouts
from portal.orders import queries as orders
from portal.orders.commands import AcceptPayout, DeclineOrder, PayPayout
from portal.orders.corrections import settled_assignment
from portal.orders.models import Assignment, Order
from portal.orders.service import decline
from portal.orders.states import Status
from portal.parties.models import Store
from portal.requisites.test_outcomes import Outcome
from portal.test_mode import arbiter, receipt, robots
from portal.test_mode.past import ended_as
from portal.test_mode.payins import less

Act = Callable[[], object]
OBJECTIONS = {Outcome.LESS: ("less_arrived", "Test mode: nine tenths of it have arrived."),
              Outcome.WON: ("not_arrived", "Test mode: nothing has arrived."),
              Outcome.LOST: ("not_arrived", "Test mode: nothing has arrived."),
              Outcome.MORE: ("other_payout", "Test mode: a tenth too much was sent.")}
NOTHING_CAME = ("not_arrived", "wrong_recipient")


def next_act(session: Session, order: Order, outcome: Outcome) -> Act | None:
    """What a robot does now; None: nobody's turn."""
    match order.status:
        case Status.ASSIGNED:
            return _assigned(session, order, outcome)
        case Status.PAID:
            return _objection(session, order, outcome) or _window(session, order)
        case Status.DISPUTED:
            return _decision(session, order, outcome)
        case Status.COMPLETED:
            return _decision(session, order, outcome) or _objection(session, order, outcome)
    return None


def _assigned(session: Session, order: Order, outcome: Outcome) -> Act | None:
    assignment = orders.current_assignment(session, order)
    assert assignment is not None
    trader, first = robots.trader(assignment), not ended_as(session, order, "expired")
    if order.accepted_at is not None:
        if outcome is Outcome.LATE and first:
            return None
        return partial(_send, session, order, assignment, trader)
    if outcome is Outcome.EXPIRES or (outcome is Outcome.WAITS and first):
        return None
    if outcome is Outcome.DECLINED and not ended_as(session, order, "declined"):
        return partial(decline, session, trader, DeclineOrder(
            order_id=order.public_id, why="other", reason="Test mode: the first trader refuses."))
    return partial(payouts.accept, session, trader, AcceptPayout(
        order_id=order.public_id, assignment_id=assignment.public_id))


def _send(session: Session, order: Order, assignment: Assignment, trader: Actor) -> None:
    payouts.pay(session, trader, PayPayout(order_id=order.public_id, assignment_id=assignment.public_id,
                                           receipts=(receipt.drawn(session, trader, order),)))


def _window(session: Session, order: Order) -> Act | None:
    """Nobody objects in the window, which nobody waits for; a store that says so itself is waited for."""
    if session.get_one(Store, order.store_id).payout_confirm == "store" or order.waits_for is not None:
        return None
    job = Claimed(0, "confirm_payout", order.id, str(order.id), 0, 0, UUID(int=0), None)
    return partial(payouts.confirm_overdue, session, [job])


def _objection(session: Session, order: Order, outcome: Outcome) -> Act | None:
    """Once."""
    if outcome not in OBJECTIONS or queries.of_order(session, SYSTEM, order.id):
        return None
    reason, text = OBJECTIONS[outcome]
    by = robots.store(order)
    if outcome is Outcome.MORE:
        completed = order.status == Status.COMPLETED
        current = settled_assignment(session, order) if completed else orders.current_assignment(session, order)
        assert current is not None
        by = robots.trader(current)
    return partial(open_dispute, session, by, OpenDispute(order_id=order.public_id, reason=reason, text=text))


def _decision(session: Session, order: Order, outcome: Outcome) -> Act | None:
    dispute = queries.open_of(session, order.id)
    if dispute is None:
        return None
    completed, arrived = order.status == Status.COMPLETED, _arrived(order, dispute, outcome)
    if arrived == (order.amount_received if completed else order.amount_to_pay):
        return partial(arbiter.decide, session, order, "stands" if completed else "complete")
    if not arrived and not completed:
        return partial(arbiter.decide, session, order, "cancel")
    return partial(arbiter.decide, session, order, "correct" if completed else "complete", arrived)


def _arrived(order: Order, dispute: Dispute, outcome: Outcome) -> Money:
    """What the arbiter finds: the store is right, unless the amount says that it is not."""
    if outcome is not Outcome.LOST and dispute.reason in NOTHING_CAME:
        return Money(0, order.currency)
    if outcome is not Outcome.LOST and dispute.reason == "less_arrived":
        return less(order.amount_to_pay)
    return order.amount_to_pay
