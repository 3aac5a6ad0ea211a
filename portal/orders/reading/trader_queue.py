"""A trader's queue of one direction: what needs him, what waits for the other side, what closed today.

Fetched whenever any of its orders moves, so it reads what a row shows and nothing else.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, case, func, select
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.money import Money
from portal.orders.directions import RULES
from portal.orders.facts import PREFIXES
from portal.orders.models import Assignment, OpenPlace, Order, has_earned, has_lost
from portal.orders.reservation_models import TraderDay
from portal.orders.states import AssignmentState, Direction
from portal.requisites.models import Requisite

OPEN_MAX = 200
CLOSED_MAX = 30


class Queued(NamedTuple):
    """An assignment with what a row shows of its order and requisite; named as in their models."""

    id: UUID
    created_at: datetime
    state: str
    end_reason: str | None
    settlement_minor: int
    settlement_currency: str
    order_id: UUID
    direction: str
    status: str
    version: int
    currency: str
    amount_to_pay_minor: int
    customer_name: str | None
    expires_at: datetime | None
    confirm_by: datetime | None
    ended_at: datetime | None
    bank: str | None
    method: str
    number_last4: str
    accepted_at: datetime | None
    destination_mask: str | None

    @property
    def public_order_id(self) -> str:
        return ids.public(PREFIXES[Direction(self.direction)], self.order_id)

    @property
    def amount_to_pay(self) -> Money:
        return Money(self.amount_to_pay_minor, self.currency)

    @property
    def hold(self) -> Money:
        return Money(self.settlement_minor, self.settlement_currency)

    @property
    def earned(self) -> bool:
        return has_earned(self.state, self.end_reason)

    @property
    def lost(self) -> bool:
        return has_lost(self.state, self.end_reason)


@dataclass(frozen=True)
class Queue:
    """Each list bounded; the counts are of all there are."""

    needs_you: Sequence[Queued]
    waiting: Sequence[Queued]
    needs_you_count: int
    waiting_count: int
    closed: Sequence[Queued]  # the newest of today's
    closed_count: int  # all of today's
    came_in: Sequence[Money]  # today, by currency

    @property
    def version(self) -> str:
        """Changes when anything on the queue does."""
        rows = (*self.needs_you, *self.waiting, *self.closed)
        counts = self.needs_you_count, self.waiting_count, self.closed_count
        return str(hash((counts, *((one.id, one.version) for one in rows))) & 0xFFFFFFFF)


EXPIRES_AT = case((Assignment.state == AssignmentState.LINGERING, Assignment.expires_at), else_=Order.expires_at)


def rows_of_queue() -> Select[*tuple[Any, ...]]:
    """In the order of `Queued`."""
    return select(
        Assignment.id, Assignment.created_at, Assignment.state, Assignment.end_reason, Assignment.settlement_minor,
        Assignment.settlement_currency, Order.id, Order.direction, Order.status, Order.version, Order.currency,
        Assignment.amount_minor, Order.customer_name, EXPIRES_AT, Order.confirm_by, Order.ended_at,
        Requisite.bank, Requisite.method, Requisite.number_last4, Order.accepted_at, Order.destination_mask,
    ).join(Order, Order.id == Assignment.order_id).join(Requisite, Requisite.id == Assignment.requisite_id)


# from the small table of places
OPEN = (rows_of_queue().join(OpenPlace, OpenPlace.assignment_id == Assignment.id)
        .where(OpenPlace.trader_id == bindparam("trader_id"), Order.direction == bindparam("direction"))
        .order_by((Order.status == bindparam("acts_on")).desc(), Assignment.expires_at).limit(OPEN_MAX))
OPEN_COUNTED = (select(func.count().filter(Order.status == bindparam("acts_on")), func.count())
                .select_from(OpenPlace).join(Order, Order.id == OpenPlace.order_id)
                .where(OpenPlace.trader_id == bindparam("trader_id"), Order.direction == bindparam("direction")))
# from the trader's newest: those that were confirmed today, or ended without money today
closing = case(((Assignment.state == AssignmentState.CHOSEN) | (Assignment.end_reason == "settled"),
                  Order.confirmed_at), else_=Assignment.ended_at)
CLOSED = (rows_of_queue()
          .where(Assignment.trader_id == bindparam("trader_id"), Assignment.created_at >= bindparam("since"),
                 Order.direction == bindparam("direction"), closing >= bindparam("start"))
          .order_by(Assignment.created_at.desc(), Assignment.id.desc()).limit(CLOSED_MAX))
OPEN_FOR = timedelta(days=1)  # before today's beginning, that an order closed today may have been given to him


def trader_queue(session: Session, actor: Actor, direction: Direction = Direction.PAYIN) -> Queue:
    """Three queries, four where more is open than is shown.

    What the day came to is counted as it happens, however long the lists are; of payins only.
    """
    assert actor.trader_id is not None
    day = clock.today()
    start = clock.midnight_before(day)
    acts_on = RULES[direction].acts_on
    his = {"trader_id": actor.trader_id, "direction": direction, "acts_on": acts_on, "start": start,
           "since": start - OPEN_FOR}
    open_ones, closed = (
        [Queued._make(row) for row in session.execute(statement, his)] for statement in (OPEN, CLOSED))
    days = session.scalars(select(TraderDay).where(TraderDay.trader_id == actor.trader_id, TraderDay.day == day)
                           .order_by(TraderDay.currency)).all() if direction == Direction.PAYIN else []
    needs_you = [one for one in open_ones if one.status == acts_on]
    paid, many = len(needs_you), len(open_ones)
    if many == OPEN_MAX:
        paid, many = session.execute(OPEN_COUNTED, his).one()
    return Queue(needs_you, [one for one in open_ones if one.status != acts_on], paid, many - paid, closed,
                 sum(one.confirmed + one.lost for one in days) or len(closed),
                 [Money(one.confirmed_minor, one.currency) for one in days if one.confirmed])
