"""A trader's queue: what needs him, what waits for a payer, what closed today.

Fetched whenever any of its orders moves, so it reads what a row shows and nothing else.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.money import Money, total
from portal.orders.models import PREFIXES, Assignment, OpenPlace, Order, has_earned, has_lost
from portal.orders.states import Direction, Status
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
    """Each list bounded."""

    needs_you: Sequence[Queued]
    waiting: Sequence[Queued]
    closed: Sequence[Queued]

    @property
    def oldest_deadline(self) -> datetime | None:
        """Until when the most urgent one should be looked at."""
        return min((one.confirm_by for one in self.needs_you if one.confirm_by), default=None)

    @property
    def closed_volume(self) -> list[Money]:
        """What came in today, by currency: over the closed rows shown here."""
        done = [one.amount_to_pay for one in self.closed if one.earned]
        return [total((m for m in done if m.currency == currency), currency)
                for currency in sorted({m.currency for m in done})]

    @property
    def version(self) -> str:
        """Changes when anything on the queue does."""
        rows = (*self.needs_you, *self.waiting, *self.closed)
        return str(hash(tuple((one.id, one.version) for one in rows)) & 0xFFFFFFFF)


def _rows() -> Select[*tuple[Any, ...]]:
    """In the order of `Queued`."""
    return select(
        Assignment.id, Assignment.created_at, Assignment.state, Assignment.end_reason, Assignment.settlement_minor,
        Assignment.settlement_currency, Order.id, Order.direction, Order.status, Order.version, Order.currency,
        Order.amount_to_pay_minor, Order.customer_name, Order.expires_at, Order.confirm_by, Order.ended_at,
        Requisite.bank, Requisite.method, Requisite.number_last4,
    ).join(Order, Order.id == Assignment.order_id).join(Requisite, Requisite.id == Assignment.requisite_id)


# from the small table of places
OPEN = (_rows().join(OpenPlace, OpenPlace.assignment_id == Assignment.id)
        .where(OpenPlace.trader_id == bindparam("trader_id")).order_by(Assignment.expires_at).limit(OPEN_MAX))
# from the trader's newest
CLOSED = (_rows().where(Assignment.trader_id == bindparam("trader_id"), Assignment.created_at >= bindparam("start"),
                        ~select(OpenPlace).where(OpenPlace.assignment_id == Assignment.id).exists())
          .order_by(Assignment.created_at.desc(), Assignment.id.desc()).limit(CLOSED_MAX))


def trader_queue(session: Session, actor: Actor) -> Queue:
    """Two queries."""
    assert actor.trader_id is not None
    his = {"trader_id": actor.trader_id, "start": clock.midnight_before(clock.today())}
    open_ones, closed = (
        [Queued._make(row) for row in session.execute(statement, his)] for statement in (OPEN, CLOSED))
    return Queue([one for one in open_ones if one.status == Status.PAID],
                 [one for one in open_ones if one.status != Status.PAID], closed)
