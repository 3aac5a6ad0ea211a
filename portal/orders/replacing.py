"""Another requisite for a payer with whom the first does not work: their bank refuses it, the name looks wrong.

The first stays payable until its own time is over (`lingering`): the payer may have sent the money all the same. It
keeps slot, amount and collateral; whichever of them the money comes to is confirmed, and the others are let go then.
"""
from datetime import timedelta

from pydantic import Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids, jobs
from portal.core.access import SYSTEM, Actor
from portal.core.errors import Conflict
from portal.core.lifecycle import InvalidTransition
from portal.orders import queries
from portal.orders.commands import OrderCommand
from portal.orders.directions import drafted, rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.service import AssignmentChanged, masked
from portal.orders.states import Action, AssignmentState, Status
from portal.orders.steps import Steps
from portal.parties.models import Store

TIMES_MAX = 2
# the same walk that a worker makes, for one order that is locked
PICK = text("""SELECT assignment_id FROM pick_requisites(ARRAY[CAST(:order AS uuid)], ARRAY[CAST(:assignment AS uuid)],
                                                         :now, :day)""")


class ReplaceOrder(OrderCommand):
    """These details do not work for the payer. `instead_of`: the assignment whose details those are."""

    instead_of: str = Field(max_length=60)


class ReplacedEnough(Conflict):
    """You were given other details twice already. Pay by those shown, or cancel and start again in the store."""

    code = "replaced_enough"


class NobodyElse(Conflict):
    """There is nobody else to pay to just now. Pay by the details shown, or cancel and start again in the store."""

    code = "nobody_else"


def replace(session: Session, actor: Actor, command: ReplaceOrder) -> Order:
    """The order goes on with another requisite and a new clock; where there is none, nothing changes.

    Raises NotFound, InvalidTransition, AssignmentChanged, ReplacedEnough, NobodyElse.
    """
    order = queries.lock(session, actor, command.order_id)
    first = queries.current_assignment(session, order)
    if (order.status != Status.ASSIGNED or first is None or first.expires_at <= clock.now()
            or not rules_of(order).has_payment_page):
        raise InvalidTransition(status=order.status, action=str(Action.REPLACE))
    if first.id != ids.parse("asg", command.instead_of):
        raise AssignmentChanged()  # pressed twice
    if times(session, order) >= TIMES_MAX:
        raise ReplacedEnough()
    first.state = AssignmentState.LINGERING
    session.flush()
    made = _picked(session, order)
    order.assignment_id, order.expires_at, order.amount_to_pay_minor = made.id, made.expires_at, made.amount_minor
    steps = Steps(session, SYSTEM)
    steps.take(order, Action.REPLACE, requisite=masked(session, order), details={
        "assignment": made.public_id, "instead_of": first.public_id, "asked_by": str(queries.party_of(actor)),
        "address": actor.address, "number_shown_to": "payer, its trader, the store's system"})
    ledger.post(session, SYSTEM, drafted(rules_of(order).on_match(reservations.hold_facts(made, order.live))))
    steps.write()
    grace = timedelta(seconds=session.get_one(Store, order.store_id).grace_s)
    jobs.enqueue(session, "expire_order", made.id, run_at=made.expires_at + grace)
    return order


def times(session: Session, order: Order) -> int:
    """How often its payer was given another requisite: what lingers, and what lingered."""
    return session.scalar(select(func.count()).select_from(Assignment).where(
        Assignment.order_id == order.id,
        (Assignment.state == AssignmentState.LINGERING) | (Assignment.end_reason == reservations.REPLACED))) or 0


def _picked(session: Session, order: Order) -> Assignment:
    found = session.execute(PICK, {"order": order.id, "assignment": ids.new_id(), "now": clock.now(),
                                   "day": clock.today()}).scalar()
    if found is None:
        raise NobodyElse()
    return session.get_one(Assignment, found)
