"""How the last quarter of an hour of payins went: made, matched, completed, failed; by method, bank, store, trader.

Two statements over the newest orders (ix_orders_created_at_id), of which at most ORDERS_MAX are read.
"""
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock

LATELY = timedelta(minutes=15)
ORDERS_MAX = 5_000  # the newest; a busier desk sees a shorter stretch, and is told so
LINES_MAX = 8  # of each kind, the busiest first

RECENT = """
    WITH recent AS MATERIALIZED (
        SELECT id, direction, store_id, method, status, created_at, assigned_at, completed_at, confirmed_at FROM orders
         WHERE created_at >= :since AND live ORDER BY created_at DESC, id DESC LIMIT :most)"""
ORDERS = text(RECENT + """
    SELECT g.*, s.name FROM (
        SELECT CASE WHEN grouping(method) = 0 THEN 'method' WHEN grouping(store_id) = 0 THEN 'store' ELSE 'all' END
                 AS kind, method AS code, store_id AS id, count(*) AS orders, count(assigned_at) AS matched,
               count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status IN ('failed', 'expired', 'cancelled')) AS failed,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY assigned_at - created_at) AS to_requisite,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY completed_at - created_at) AS to_completion
          FROM recent WHERE direction = 'payin' GROUP BY GROUPING SETS ((), (method), (store_id))) AS g
      LEFT JOIN stores s ON s.id = g.id ORDER BY g.orders DESC, g.code, s.name""")
ATTEMPTS = text(RECENT + """
    SELECT g.*, t.name FROM (
        SELECT CASE WHEN grouping(bank) = 0 THEN 'bank' ELSE 'trader' END AS kind, bank AS code, trader_id AS id,
               count(*) AS orders, count(*) AS matched,
               count(*) FILTER (WHERE earned AND completed_at IS NOT NULL) AS completed,
               count(*) FILTER (WHERE state = 'ended' AND NOT earned) AS failed,
               CAST(NULL AS interval) AS to_requisite,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY CASE WHEN earned THEN completed_at - taken_at END)
                 AS to_completion
          FROM (SELECT r.bank, a.trader_id, a.state, a.created_at AS taken_at, o.completed_at,
                       a.state = 'chosen' OR coalesce(a.end_reason = 'settled', false) AS earned
                  FROM recent o JOIN assignments a ON a.order_id = o.id JOIN requisites r ON r.id = a.requisite_id
                 WHERE o.direction = 'payin')
               AS tried GROUP BY GROUPING SETS ((bank), (trader_id))) AS g
      LEFT JOIN traders t ON t.id = g.id ORDER BY g.orders DESC, g.code, t.name""")


@dataclass(frozen=True)
class Line:
    """`failed`: ended without money. A bank's and a trader's lines count attempts, the others orders."""

    code: str | None  # a method's or bank's
    id: UUID | None  # a store's or trader's
    name: str | None
    orders: int = 0
    matched: int = 0
    completed: int = 0
    failed: int = 0
    to_requisite: timedelta | None = None  # the median
    to_completion: timedelta | None = None

    @property
    def conversion(self) -> Decimal | None:
        """Completed among those that ended, in percent; None while none has."""
        ended = self.completed + self.failed
        return Decimal(100 * self.completed) / ended if ended else None


@dataclass(frozen=True)
class Health:
    total: Line
    by: dict[str, list[Line]] = field(default_factory=dict)  # method, bank, store, trader

    @property
    def cut(self) -> bool:
        """There may have been more: only the newest were read."""
        return self.total.orders >= ORDERS_MAX


def lately(session: Session) -> Health:
    """Live orders made in the last 15 minutes, as they stand now."""
    asked = {"since": clock.now() - LATELY, "most": ORDERS_MAX}
    by: dict[str, list[Line]] = {"method": [], "bank": [], "store": [], "trader": []}
    total = Line(None, None, None)
    for kind, line in _lines([*session.execute(ORDERS, asked), *session.execute(ATTEMPTS, asked)]):
        if kind == "all":
            total = line
        elif len(by[kind]) < LINES_MAX:
            by[kind].append(line)
    return Health(total, by)


def _lines(rows: Iterable[Any]) -> Iterable[tuple[str, Line]]:
    for row in rows:
        yield row.kind, Line(row.code, row.id, row.name, row.orders, row.matched, row.completed, row.failed,
                             row.to_requisite, row.to_completion)
