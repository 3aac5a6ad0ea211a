"""Giving in: a side that would lose by it says that the other is right, and the dispute is over."""
from sqlalchemy.orm import Session

from portal.core.access import Actor, Permission
from portal.core.errors import Denied
from portal.disputes import endings, late, queries, telling
from portal.disputes.commands import GiveIn
from portal.disputes.models import Dispute
from portal.disputes.reasons import Side
from portal.disputes.service import lock, put_down, side_of, wait
from portal.orders import queries as orders
from portal.orders.agreement import agree, outcome
from portal.orders.judging import at_money
from portal.orders.models import Order
from portal.orders.reopening import LATE
from portal.orders.states import Action, Direction, Status
from portal.orders.steps import Steps
from portal.risk.facts import Moment

GAVE_IN = "The money did arrive."


def give_in(session: Session, actor: Actor, command: GiveIn) -> Dispute:
    """A side that would lose by it says that the other is right: it did arrive; it never came. Nobody has to decide.

    Of an order that is completed only its objector may: then it stands. What rules of risk hold waits for staff all the
    same. Raises NotFound, Denied, DisputeEnded,
    InvalidTransition, NotYours.
    """
    dispute, side = lock(session, actor, command.dispute_id), side_of(actor)
    if not actor.may(Permission.DISPUTE_OPEN) or side not in (Side.STORE, Side.TRADER) or (
            queries.stands_beside(actor, dispute)):
        raise Denied()
    order = session.get_one(Order, dispute.order_id)
    if order.direction == Direction.PAYOUT and order.status in LATE:
        raise Denied()  # staff alone take a cancelled payout up again
    if command.text:
        put_down(session, actor, dispute, side, command.text, ())
    if order.status == Status.COMPLETED or (order.status in LATE and side is Side.STORE):
        if str(side) != dispute.opened_by:
            raise Denied()
        ended: str | None = "stands"
    elif side is _receives(order) and _suspected(session, order):
        wait(session, dispute, Side.STAFF)  # rules of risk want a person, who reads what was said
        put_down(session, actor, dispute, side, GAVE_IN, ())
        telling.tell(session, dispute, order, "answered")
        return dispute
    else:
        ended = _step_aside(session, actor, order, dispute, side)
    if ended is None:
        telling.tell(session, dispute, order, "answered")
        return dispute
    endings.decide(session, dispute, order, outcome=ended, ground=command.text, by=actor.name)
    return dispute


def _step_aside(session: Session, actor: Actor, order: Order, dispute: Dispute, side: Side) -> str | None:
    """The outcome; None where it cannot be yet."""
    if order.status in LATE:
        return late.taken_up(session, actor, order, dispute)
    assignment = orders.current_assignment(session, order)
    assert assignment is not None
    if side is not _receives(order):
        endings.cancelled(session, actor, order, assignment, Action.GIVE_UP, reason=None,
                          details={"dispute": dispute.public_id})
        return "cancel"
    steps = Steps(session, actor)
    agree(steps, order, assignment, outcome(session, order, assignment, order.amount_to_pay), action=Action.CONCEDE,
          details={"dispute": dispute.public_id})
    steps.write()
    return "complete"


def _receives(order: Order) -> Side:
    """Who would say that the money arrived: it settles the order."""
    return Side.TRADER if order.direction == Direction.PAYIN else Side.STORE


def _suspected(session: Session, order: Order) -> bool:
    """Risk holds it already, or would as it is confirmed."""
    return order.waits_for == at_money.STAFF or at_money.suspicion(
        session, Moment.CONFIRM, order, orders.current_assignment(session, order)) is not None
