"""The requisite beside an order: in full to who reads that one order while it can be paid, masked everywhere else."""
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.orders import view
from portal.orders.models import Assignment, Order
from portal.requisites import numbers
from portal.requisites.models import Requisite


def in_full(session: Session, order: Order) -> dict[str, Any]:
    """The order with its number, which the store may show to its customer."""
    requisite = _requisites(session, [order]).get(order.id)
    if requisite is None:
        return view.public(order)
    return view.public(order, view.requisite_of(requisite, holder=numbers.holder_name(session, requisite),
                                                number=numbers.reveal(session, requisite)))


def masked(session: Session, orders: Iterable[Order]) -> list[dict[str, Any]]:
    """Orders of a list or an answer to a POST: one query for all their requisites."""
    orders = list(orders)
    found = _requisites(session, orders)
    return [view.public(order, view.requisite_of(found[order.id], holder=numbers.holder_name(session, found[order.id]))
                        if order.id in found else None) for order in orders]


def _requisites(session: Session, orders: list[Order]) -> dict[UUID, Requisite]:
    """By order; trader and holder come along, whose keys open number and name."""
    wanted = {order.assignment_id: order.id for order in orders
              if order.assignment_id is not None and order.status in view.SHOWN}
    if not wanted:
        return {}
    rows = session.execute(select(Assignment.id, Requisite).join(Requisite, Requisite.id == Assignment.requisite_id)
                           .where(Assignment.id.in_(wanted))
                           .options(joinedload(Requisite.trader), joinedload(Requisite.holder)))
    return {wanted[assignment_id]: requisite for assignment_id, requisite in rows}
