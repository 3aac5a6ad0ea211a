"""Who is told of orders: staff and the trader where one stands still, traders of what comes to them if they wish."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notices
from portal.notices import Said
from portal.orders.models import Assignment, Order
from portal.orders.row import OrderRow

N_ = str  # marks a sentence for translation
UNCONFIRMED = N_("It is paid, says the sender, and was not confirmed in time.")
PAID_TWICE = N_("Money came to a second trader, too: he says so.")
BESIDE = N_("A trader whom its payer had exchanged speaks in its dispute.")
FROZEN = N_("Its requisite was frozen by the bank: what is paid there may not be had, and nothing more should be sent.")
SUSPECTED = N_("A rule of risk wants somebody to look before it goes on.")
OTHER_AMOUNT = N_("Another amount came than was ordered: decide what it comes to.")
AMOUNT_REFUSED = N_("Its store does not take the lesser amount that came: decide what it comes to.")
UNANSWERED = N_("Its store did not say in time whether it takes the lesser amount: decide what it comes to.")


def tell(session: Session, order: Order, why: str, *, staff_only: bool = False) -> None:
    """Of live ones. Its trader too, unless what is wrong is not for his eyes."""
    if not order.live:
        return
    to = [notices.STAFF]
    if not staff_only and order.assignment_id is not None:
        to.append(notices.trader(session.scalars(
            select(Assignment.trader_id).where(Assignment.id == order.assignment_id)).one()))
    notices.notify(session, "order.attention", *to, order=order.public_id, why=why)


def asks_store(session: Session, order: Order) -> None:
    """Those of its store who may answer: less came, do they take it?"""
    received = order.amount_received
    if order.live and received is not None:
        notices.notify(session, "order.amount", notices.store(order.store_id), order=order.public_id,
                       received=f"{received.text} {order.currency}", ordered=_amount(order))


def in_review(session: Session, order: OrderRow | Order) -> None:
    """Staff who may release or refuse it: it waits for nobody else."""
    if order.live:
        notices.notify(session, "review.waits", notices.STAFF, order=order.public_id)


def paid(session: Session, order: Order, assignment: Assignment | None) -> None:
    """Its trader, if he wishes."""
    if assignment is not None and order.live:
        notices.notify(session, "order.paid", notices.trader(assignment.trader_id), order=order.public_id,
                       amount=_amount(order))


def assigned(session: Session, batch: Sequence[tuple[OrderRow, UUID]]) -> None:
    """Orders with their traders: one statement however many, which writes only where a trader wishes to hear of it."""
    notices.notify_all(session, "order.assigned", [
        Said(notices.trader(trader_id), {"order": order.public_id, "amount": _amount(order)})
        for order, trader_id in batch if order.live])


def _amount(order: OrderRow | Order) -> str:
    return f"{order.amount_to_pay.text} {order.currency}"
