"""Who else might have paid a sum: amounts that rest on a requisite, and other orders of one amount on it.

A payer who was late, or thought better of it, may still send what he was asked for. Until the store's late window is
over nobody else gets that amount there (migrations/sql: pick_requisites); what came in is told apart by these lists.
"""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager

from portal.core import clock
from portal.core.money import Money
from portal.orders.models import Assignment, Order
from portal.orders.reservation_models import KeptAmount
from portal.parties.models import Store
from portal.requisites.models import Requisite

LATE_MAX = timedelta(days=7)  # as long as a store's late window may be
OPEN_FOR = timedelta(days=1)  # how long before its end an order may have been given away
OTHERS_MAX = 10
RESTING_MAX = 20


class Resting(NamedTuple):
    amount: Money
    until: datetime


def resting_on(session: Session, requisite: Requisite) -> Sequence[Resting]:
    """Amounts that no new order gets on it just now, the soonest free first; RESTING_MAX at most."""
    until = func.max(KeptAmount.until)
    rows = session.execute(
        select(KeptAmount.amount_minor, until).where(KeptAmount.requisite_id == requisite.id,
                                                     KeptAmount.until > clock.now())
        .group_by(KeptAmount.amount_minor).order_by(until, KeptAmount.amount_minor).limit(RESTING_MAX)).all()
    return [Resting(Money(minor, requisite.currency), at) for minor, at in rows]


def others(session: Session, order: Order, assignment: Assignment) -> Sequence[Assignment]:
    """The trader's other orders of this amount on this requisite, open or ended within their late window, newest first.

    Each with its order. By his history alone (ix_assignments_history knows requisite and amount).
    """
    now = clock.now()
    window = func.make_interval(0, 0, 0, 0, 0, 0, Store.late_for_s)
    rows = (select(Assignment).join(Assignment.order).join(Store, Store.id == Order.store_id)
            .where(Assignment.trader_id == assignment.trader_id, Assignment.created_at > now - LATE_MAX - OPEN_FOR,
                   Assignment.requisite_id == assignment.requisite_id,
                   Assignment.amount_minor == assignment.amount_minor, Assignment.order_id != order.id,
                   or_(Assignment.ended_at.is_(None), Assignment.ended_at > now - window))
            .options(contains_eager(Assignment.order)))
    return session.scalars(rows.order_by(Assignment.created_at.desc()).limit(OTHERS_MAX)).all()
