"""What the desk's first page counts: open orders by state, what waits for staff, the last quarter of an hour."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from portal.core import clock
from portal.orders.models import OpenPlace, Order
from portal.orders.states import Status

LATELY = timedelta(minutes=15)
ATTENTION_MAX = 20


@dataclass(frozen=True)
class Watch:
    open_by_status: dict[str, int]  # over orders that hold a place on a requisite
    lately: dict[str, int]  # orders created in the last 15 minutes, by status
    attention: Sequence[Order]  # paid, and nobody confirmed in time

    @property
    def open_total(self) -> int:
        return sum(self.open_by_status.values())

    @property
    def created_lately(self) -> int:
        return sum(self.lately.values())


def look(session: Session) -> Watch:
    """Three bounded queries: the small table of open places, and the newest orders by their time."""
    open_orders = (select(Order.status, func.count()).join(OpenPlace, OpenPlace.order_id == Order.id)
                   .group_by(Order.status))
    lately = (select(Order.status, func.count()).where(Order.created_at >= clock.now() - LATELY)
              .group_by(Order.status))
    attention = (select(Order).join(OpenPlace, OpenPlace.order_id == Order.id).join(Order.store)
                 .options(contains_eager(Order.store))
                 .where(Order.status == Status.PAID, Order.needs_attention_at.is_not(None))
                 .order_by(Order.needs_attention_at).limit(ATTENTION_MAX))
    return Watch(dict(session.execute(open_orders).all()), dict(session.execute(lately).all()),
                 session.scalars(attention).all())
