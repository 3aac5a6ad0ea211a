"""Money came twice: also to a trader whose requisite the payer had exchanged, or who had lost the order otherwise.

Nothing moves by it: what he got is a matter between people, and staff are called to it.
"""
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor
from portal.core.errors import Conflict
from portal.orders import attention, attention_cases, queries
from portal.orders.commands import OrderCommand
from portal.orders.models import Assignment, Order
from portal.orders.states import Status

SETTLED = (Status.CONFIRMED, Status.COMPLETED)
REPORTED = "order.paid_twice"


class NothingToReport(Conflict):
    """This order was not settled with somebody else: confirm the money on its page, if it came."""

    code = "nothing_to_report"


class ReportSecondPayment(OrderCommand):
    """The money of this order came to me, too."""


def report(session: Session, actor: Actor, command: ReportSecondPayment) -> Order:
    """By a trader who had it, of an order that was settled on another requisite. Raises NotFound, NothingToReport."""
    order = queries.lock(session, actor, command.order_id)
    his = session.scalars(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.trader_id == actor.trader_id)).all()
    if order.status not in SETTLED or not his or any(one.earned for one in his):
        raise NothingToReport()
    audit.record(session, actor, REPORTED, "order", order.id, after={"assignment": his[-1].public_id})
    attention_cases.call(session, order, attention_cases.PAID_TWICE)
    attention.tell(session, order, attention.PAID_TWICE, staff_only=True)
    return order
