"""A merchant's day so far: orders, what was paid, how many of those that ended ended well; beside yesterday's.

Of payins: what goes out is no income. Read from the newest live ones of each store (ix_orders_store_id_direction),
ORDERS_MAX of a day at most.
"""
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.money import Money

ORDERS_MAX = 20_000  # of one store on one day: beyond it the figures say "more than"
HOURS = 24  # of the operator's clocks; the hour that they go through twice is one
SEEN = text("""
    SELECT CAST(extract(hour FROM o.created_at AT TIME ZONE :zone) AS int) AS hour, o.currency,
           count(*) AS orders, count(o.ended_at) AS ended, count(*) FILTER (WHERE o.status = 'completed') AS completed,
           coalesce(sum(coalesce(o.amount_received_minor, o.amount_to_pay_minor))
                    FILTER (WHERE o.status = 'completed'), 0) AS paid_minor
      FROM unnest(CAST(:stores AS uuid[])) AS s (id)
     CROSS JOIN LATERAL (
        SELECT created_at, ended_at, status, currency, amount_to_pay_minor, amount_received_minor FROM orders
         WHERE store_id = s.id AND live AND direction = 'payin' AND created_at >= :since AND created_at < :until
         ORDER BY created_at DESC, id DESC LIMIT :most) AS o
     GROUP BY 1, 2""")


@dataclass(frozen=True)
class Day:
    """Live orders that were created on it; `paid` by currency, what customers paid and the desk settled.

    `hours`: (orders, completed of them) of each hour.
    """

    orders: int
    ended: int
    completed: int
    paid: Sequence[Money]
    hours: Sequence[tuple[int, int]]
    more: bool

    @property
    def conversion(self) -> Decimal | None:
        """Completed out of a hundred that have ended; None while none has."""
        return Decimal(100 * self.completed) / self.ended if self.ended else None


@dataclass(frozen=True)
class Today:
    """`yesterday`: until the same time of day."""

    today: Day
    yesterday: Day


def today(session: Session, store_ids: Collection[UUID]) -> Today:
    """Of these stores together: two statements."""
    day, now = clock.today(), clock.now()
    return Today(_day(session, store_ids, clock.midnight_before(day), now),
                 _day(session, store_ids, clock.midnight_before(day - timedelta(days=1)), clock.day_before(now)))


def _day(session: Session, store_ids: Collection[UUID], since: datetime, until: datetime) -> Day:
    rows = session.execute(SEEN, {"stores": list(store_ids), "since": since, "until": until, "most": ORDERS_MAX,
                                  "zone": clock.zone_name()}).all()
    paid: dict[str, int] = {}
    for row in rows:
        if row.completed:
            paid[row.currency] = paid.get(row.currency, 0) + int(row.paid_minor)
    orders = _sum(rows, "orders")
    hours = [[row for row in rows if row.hour == hour] for hour in range(HOURS)]
    return Day(orders, _sum(rows, "ended"), _sum(rows, "completed"),
               [Money(minor, currency) for currency, minor in sorted(paid.items())],
               [(_sum(found, "orders"), _sum(found, "completed")) for found in hours], orders >= ORDERS_MAX)


def _sum(rows: Sequence[Any], name: str) -> int:
    return sum(getattr(row, name) for row in rows)
