"""A trader's queue: what needs him, what waits for a payer, what closed today."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.core import clock
from portal.core.access import Actor
from portal.core.money import Money, total
from portal.orders.models import Assignment, OpenPlace, Order
from portal.orders.states import Status
from portal.requisites.models import Requisite

OPEN_MAX = 200
CLOSED_MAX = 30


@dataclass(frozen=True)
class Queue:
    """Assignments with their orders and requisites; each list bounded."""

    needs_you: Sequence[Assignment]
    waiting: Sequence[Assignment]
    closed: Sequence[Assignment]

    @property
    def oldest_deadline(self) -> datetime | None:
        """Until when the most urgent one should be looked at."""
        return min((a.order.confirm_by for a in self.needs_you if a.order.confirm_by), default=None)

    @property
    def closed_volume(self) -> list[Money]:
        """What came in today, by currency: over the closed rows shown here."""
        done = [a.order.amount_to_pay for a in self.closed if a.earned]
        return [total((m for m in done if m.currency == currency), currency)
                for currency in sorted({m.currency for m in done})]

    @property
    def version(self) -> str:
        """Changes when anything on the queue does."""
        rows = (*self.needs_you, *self.waiting, *self.closed)
        return str(hash(tuple((a.id, a.order.version) for a in rows)) & 0xFFFFFFFF)


def trader_queue(session: Session, actor: Actor) -> Queue:
    """Two queries. Open ones are read from the small table of places, closed ones from the trader's newest."""
    assert actor.trader_id is not None
    open_ones = session.scalars(
        _rows().join(OpenPlace, OpenPlace.assignment_id == Assignment.id)
        .where(OpenPlace.trader_id == actor.trader_id)
        .order_by(Assignment.expires_at).limit(OPEN_MAX)).all()
    start = clock.midnight_before(clock.today())
    closed = session.scalars(
        _rows().where(Assignment.trader_id == actor.trader_id, Assignment.created_at >= start,
                      ~select(OpenPlace).where(OpenPlace.assignment_id == Assignment.id).exists())
        .order_by(Assignment.created_at.desc(), Assignment.id.desc()).limit(CLOSED_MAX)).all()
    needs_you = [a for a in open_ones if a.order.status == Status.PAID]
    return Queue(needs_you, [a for a in open_ones if a.order.status != Status.PAID], closed)


def _rows() -> Select[Assignment]:
    """Only what a row shows: the queue is fetched whenever any of its orders moves."""
    return select(Assignment).join(Assignment.order).options(
        contains_eager(Assignment.order).load_only(
            Order.direction, Order.status, Order.version, Order.currency, Order.amount_to_pay_minor,
            Order.customer_name, Order.expires_at, Order.confirm_by, Order.ended_at, raiseload=True),
        joinedload(Assignment.requisite, innerjoin=True).load_only(
            Requisite.bank, Requisite.method, Requisite.number_last4, raiseload=True))
