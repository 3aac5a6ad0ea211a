"""A person decides on an order in review: it is matched like any other, or it fails. No clock decides for them."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal import ledger
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.errors import Denied
from portal.core.lifecycle import InvalidTransition
from portal.orders import queries, service
from portal.orders.directions import drafted, rules_of
from portal.orders.models import Order
from portal.orders.states import Action, FailureCode, Status
from portal.orders.steps import Steps
from portal.risk import journal
from portal.risk.commands import DecideReview
from portal.risk.models import RiskHit, RiskReview

QUEUE_MAX = 100


@dataclass(frozen=True)
class Waiting:
    """An order in review, and what wants a person's decision."""

    order: Order
    review: RiskReview
    hits: Sequence[RiskHit]


def queue(session: Session, actor: Actor) -> list[Waiting]:
    """Oldest first. Raises Denied."""
    if not actor.may(Permission.RISK_READ):
        raise Denied()
    found = session.execute(
        select(Order, RiskReview).join(RiskReview, RiskReview.order_id == Order.id)
        .where(RiskReview.decided_at.is_(None), Order.id.in_(queries.visible_to(actor).with_only_columns(Order.id)))
        .options(joinedload(Order.store)).order_by(RiskReview.opened_at).limit(QUEUE_MAX)).all()
    hits = journal.of_orders(session, [order.id for order, _ in found])
    return [Waiting(order, review, hits[order.id]) for order, review in found]


def decide(session: Session, actor: Actor, command: DecideReview) -> Order:
    """Released, it looks for a requisite in a window of its own and is not judged before matching again; refused, it
    has failed for good.

    Raises NotFound, Denied, InvalidTransition.
    """
    order = queries.lock(session, actor, command.order_id)
    if not (actor.is_staff and actor.may(Permission.RISK_DECIDE)):
        raise Denied()
    action = Action.RELEASE if command.decision == "release" else Action.REFUSE
    if order.status != Status.REVIEW:
        raise InvalidTransition(status=order.status, action=str(action))
    journal.end_review(session, actor, order.id, command.decision, command.reason)
    steps = Steps(session, actor)
    if action is Action.RELEASE:
        service.look_again(session, order)
        steps.take(order, action, reason=command.reason)
    else:
        order.failure_code = FailureCode.REFUSED
        steps.take(order, action, reason=command.reason)
        ledger.post(session, SYSTEM, drafted(rules_of(order).on_end(order)))
    steps.write()
    return order
