"""What a fee or a reward that is asked for would have made of yesterday's orders."""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.money import MINOR_MAX, Money

# Of the orders that the version would cover, those that a more specific one prices are left out (tariffs/rules.py).
_SUMS = """
    SELECT count(*), coalesce(sum({was}), 0)::bigint,
           coalesce(sum(least(o.settlement_minor,
                              half_even(o.settlement_minor::numeric * :bps / 10000) + :fixed)), 0)::bigint
      FROM {orders}
     WHERE o.direction = :direction AND o.status = 'completed' AND o.live
       AND o.settlement_currency = :settlement
       AND (CAST(:method AS text) IS NULL OR o.method = :method)
       AND (CAST(:currency AS text) IS NULL OR o.currency = :currency)
       AND (CAST(:least AS bigint) IS NULL OR o.amount_to_pay_minor >= :least)
       AND (CAST(:most AS bigint) IS NULL OR o.amount_to_pay_minor <= :most)
       AND (v.method IS NULL, v.currency IS NULL, coalesce(v.to_minor, :top) - coalesce(v.from_minor, 0))
           >= (CAST(:method AS text) IS NULL, CAST(:currency AS text) IS NULL,
               coalesce(CAST(:most AS bigint), :top) - coalesce(CAST(:least AS bigint), 0))"""
_FEES = text(_SUMS.format(was="o.fee_minor", orders=(
    "orders o JOIN tariffs v ON v.id = o.tariff_id AND o.store_id = :owner"
    " AND o.created_at >= :since AND o.created_at < :until")))
_REWARDS = text(_SUMS.format(was="a.reward_minor", orders=(
    "assignments a JOIN orders o ON o.id = a.order_id JOIN rewards v ON v.id = a.reward_id AND a.trader_id = :owner"
    " AND a.end_reason = 'settled' AND a.created_at >= :since AND a.created_at < :until")))


@dataclass(frozen=True)
class Effect:
    """`orders` of yesterday, the operator's day, that were completed: what was taken (or paid), and what would be."""

    orders: int
    was: Money
    would_be: Money


def effect(session: Session, kind: str, owner_id: UUID, asked: Mapping[str, Any]) -> Effect:
    """`kind`: fee of a store, or reward of a trader; `asked` as its approval keeps it. One statement over one day."""
    today = clock.today()
    currency = asked["settlement_currency"]
    found = session.execute(_FEES if kind == "fee" else _REWARDS, {
        "owner": owner_id, "since": clock.midnight_before(today - timedelta(days=1)),
        "until": clock.midnight_before(today), "direction": asked["direction"], "method": asked["method"],
        "currency": asked.get("currency"), "least": asked.get("from_minor"), "most": asked.get("to_minor"),
        "top": MINOR_MAX, "settlement": currency, "bps": asked[f"{kind}_bps"],
        "fixed": Money.parse(asked[f"{kind}_fixed"], currency).minor}).one()
    return Effect(found[0], Money(found[1], currency), Money(found[2], currency))
