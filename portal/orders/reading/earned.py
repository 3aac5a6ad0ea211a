"""What a trader earned: the rewards of the orders he settled, payins and payouts, as the books have them.

An order counts in the moment it was settled, a correction of it in the moment it was posted, as in the desk's own
result. Collateral that came back is none of it, nor is a deposit, an adjustment or a reversal.
"""
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.money import Money

ASKED_BEFORE = timedelta(days=31)  # a correction has the id of its approval, asked for so much earlier at most
# His settled orders by the postings of his account (ix_postings_credit_id_id): a reward that is something is one of
# them. An order's final reward has its corrections in it, so that those of earlier orders alone are added. They are
# found by when they were asked for (uq_journal_entries_kind_reference), since not each moves his account: where he has
# spent what he gives back, suspense lays it out.
REWARDS = text("""
    WITH his AS MATERIALIZED (
        SELECT id, first_posting(id, :since) AS first FROM accounts
         WHERE owner_kind = 'trader' AND owner_id = :trader AND purpose = 'available' AND currency = :currency AND live
    ), settled AS MATERIALIZED (
        SELECT DISTINCT e.reference AS order_id
          FROM postings p JOIN journal_entries e ON e.id = p.entry_id AND e.kind IN ('payin_settle', 'payout_settle')
         WHERE p.credit_id = (SELECT id FROM his) AND p.id >= (SELECT first FROM his)
    )
    SELECT coalesce((SELECT sum(o.final_reward_minor) FROM settled s JOIN orders o ON o.id = s.order_id), 0)
         + coalesce((SELECT sum(n.reward_minor)
                       FROM journal_entries e
                       JOIN settle_corrections n ON n.id = e.reference
                       JOIN orders o ON o.id = n.order_id AND o.settlement_currency = :currency AND o.live
                       JOIN assignments a ON a.order_id = o.id AND a.end_reason = 'settled' AND a.trader_id = :trader
                      WHERE e.kind = 'settle_correction' AND e.reference >= :asked AND e.posted_at >= :since
                        AND o.id NOT IN (SELECT order_id FROM settled)), 0)""")


def rewards(session: Session, trader_id: UUID, currency: str, *, since: datetime) -> Money:
    """Of live orders from `since` on; below zero where corrections took back more than orders gave."""
    minor = session.scalar(REWARDS, {"trader": trader_id, "currency": currency, "since": since,
                                     "asked": ids.first_of(since - ASKED_BEFORE)})
    return Money(int(minor or 0), currency)
