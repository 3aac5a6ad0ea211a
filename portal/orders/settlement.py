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
from portal.orders import events, row
from portal.orders.directions import rules_of
from portal.orders.row import OrderRow
from portal.orders.states import Action, Status
from portal.orders.steps import Steps

LOCK = f"SELECT {row.selected('o')} FROM orders o WHERE id = ANY (%(orders)s) ORDER BY id FOR NO KEY UPDATE"
# in a statement of its own, after the lock: what was confirmed while we waited for it
CHOSEN = """SELECT order_id, id, trader_id FROM assignments
             WHERE order_id = ANY (%(orders)s) AND state = 'chosen'"""
WRITE = events.statement(row.STEPPED_COLUMNS + ", chosen uuid", row.STEPPED_UPDATE + """, ended AS (
        UPDATE assignments a SET state = 'ended', end_reason = 'settled', ended_at = g.ended_at
          FROM given g WHERE a.id = g.chosen AND a.order_id = ANY (%(orders)s)
    )""")


class Chosen(NamedTuple):
    """The confirmed assignment of an order."""

    order_id: UUID
    id: UUID
    trader_id: UUID


def work(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `settle_order`: the reference is the order. An order that is settled already is left alone."""
    wanted = [job.reference for job in batch if job.reference is not None]
    locked = [OrderRow(*each) for each in rows(session, LOCK, {"orders": array(wanted)})]
    confirmed = [order for order in locked if order.status == Status.CONFIRMED]
    if not confirmed:
        return
    chosen = {each.order_id: each for each in map(Chosen._make, rows(
        session, CHOSEN, {"orders": array(order.id for order in confirmed)}))}
    ledger.post(session, SYSTEM, [_draft(order, chosen[order.id]) for order in confirmed])
    steps = Steps(session, SYSTEM, WRITE)
    for order in confirmed:
        steps.take(order, Action.SETTLE, along={"chosen": chosen[order.id].id})
    steps.write()


def _draft(order: OrderRow, chosen: Chosen) -> ledger.Draft:
    """By the final amounts, which its confirmation set."""
    assert order.final_reward_minor is not None
    return rules_of(order).on_settle(ledger.SettleFacts(
        order_id=order.id, assignment_id=chosen.id, trader_id=chosen.trader_id, store_id=order.store_id,
        amount=order.settlement, fee=order.fee, reward=Money(order.final_reward_minor, order.settlement_currency),
        live=order.live))
