"""Settling confirmed orders: up to fifty at once, each with an entry of its own, each balance moved once.

Hot: a statement for each phase however many orders, as in matching.
"""
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import SYSTEM
from portal.core.jobs import Claimed
from portal.core.money import Money
from portal.core.pipeline import array, rows
from portal.orders import events, reserves, row
from portal.orders.directions import rules_of
from portal.orders.row import OrderRow
from portal.orders.states import Action, Status
from portal.orders.steps import Steps
from portal.tariffs.reserve_terms import Terms

LOCK = f"SELECT {row.selected('o')} FROM orders o WHERE id = ANY (%(orders)s) ORDER BY id FOR NO KEY UPDATE"
# in a statement of its own, after the lock: what was confirmed while we waited for it; with what its store's terms keep
CHOSEN = """SELECT a.order_id, a.id, a.trader_id, a.settlement_minor, t.reserve_bps, t.reserve_days, t.delay_days
              FROM assignments a
              JOIN unnest(CAST(%(orders)s AS uuid[]), CAST(%(stores)s AS uuid[])) AS o (id, store_id)
                ON o.id = a.order_id
              LEFT JOIN reserve_terms t ON t.store_id = o.store_id
             WHERE a.order_id = ANY (%(orders)s) AND a.state = 'chosen'"""
WRITE = events.statement(row.STEPPED_COLUMNS + ", chosen uuid", row.STEPPED_UPDATE + """, ended AS (
        UPDATE assignments a SET state = 'ended', end_reason = 'settled', ended_at = g.ended_at
          FROM given g WHERE a.id = g.chosen AND a.order_id = ANY (%(orders)s)
    )""")


class Chosen(NamedTuple):
    """The confirmed assignment of an order."""

    order_id: UUID
    id: UUID
    trader_id: UUID
    hold_minor: int  # of a payin: what its trader had held for it
    reserve_bps: int | None
    reserve_days: int | None
    delay_days: int | None

    @property
    def terms(self) -> Terms:
        """What its store waits for."""
        return Terms(self.reserve_bps or 0, self.reserve_days or 0, self.delay_days or 0)


def work(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `settle_order`: the reference is the order. An order that is settled already is left alone."""
    wanted = [job.reference for job in batch if job.reference is not None]
    locked = [OrderRow(*each) for each in rows(session, LOCK, {"orders": array(wanted)})]
    confirmed = [order for order in locked if order.status == Status.CONFIRMED]
    if not confirmed:
        return
    chosen = {each.order_id: each for each in map(Chosen._make, rows(
        session, CHOSEN, {"orders": array(order.id for order in confirmed),
                          "stores": array(order.store_id for order in confirmed)}))}
    waiting = {order.id: reserves.kept(order, chosen[order.id].terms) for order in confirmed}
    drafts = [_draft(order, chosen[order.id], waiting[order.id].amount) for order in confirmed]
    ledger.post(session, SYSTEM, drafts)
    reserves.note(session, [one for one in waiting.values() if one.amount])
    ledger.claims.collect(session, {line.credit for draft in drafts for line in draft.lines})
    steps = Steps(session, SYSTEM, WRITE)
    for order in confirmed:
        steps.take(order, Action.SETTLE, along={"chosen": chosen[order.id].id})
    steps.write()


def _draft(order: OrderRow, chosen: Chosen, kept: Money) -> ledger.Draft:
    """By the final amounts, which its confirmation set."""
    assert order.final_reward_minor is not None
    return rules_of(order).on_settle(ledger.SettleFacts(
        order_id=order.id, assignment_id=chosen.id, trader_id=chosen.trader_id, store_id=order.store_id,
        amount=order.settlement, fee=order.fee, reward=Money(order.final_reward_minor, order.settlement_currency),
        live=order.live, kept=kept, hold=Money(chosen.hold_minor, order.settlement_currency), spared=order.spared))
