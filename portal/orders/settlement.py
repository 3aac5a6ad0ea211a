"""Settling confirmed orders: up to fifty at once, each with an entry of its own, each balance moved once."""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.jobs import Job
from portal.orders import queries
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState, Status
from portal.orders.steps import Steps


def work(session: Session, batch: Sequence[Job]) -> None:
    """Work of the kind `settle_order`: the reference is the order. An order that is settled already is left alone."""
    wanted = [job.reference for job in batch if job.reference is not None]
    confirmed = [order for order in queries.lock_many(session, wanted, skip=False).values()
                 if order.status == Status.CONFIRMED]
    if not confirmed:
        return
    chosen = _chosen(session, [order.id for order in confirmed])
    drafts = [ledger.entries.payin_settle(_facts(order, chosen[order.id])) for order in confirmed]
    steps = Steps(session, SYSTEM)
    for order in confirmed:
        steps.take(order, Action.SETTLE)
    session.execute(update(Assignment).where(Assignment.id.in_([a.id for a in chosen.values()])).values(
        state=AssignmentState.ENDED, end_reason="settled", ended_at=clock.now())
        .execution_options(synchronize_session=False))
    session.flush()
    ledger.post(session, SYSTEM, drafts)
    steps.write()


def _chosen(session: Session, order_ids: list[UUID]) -> dict[UUID, Any]:
    rows = session.execute(select(Assignment.id, Assignment.order_id, Assignment.trader_id, Assignment.reward_minor)
                           .where(Assignment.order_id.in_(order_ids), Assignment.state == AssignmentState.CHOSEN))
    return {row.order_id: row for row in rows}


def _facts(order: Order, chosen: Any) -> ledger.SettleFacts:
    return ledger.SettleFacts(
        order_id=order.id, assignment_id=chosen.id, trader_id=chosen.trader_id, store_id=order.store_id,
        amount=order.settlement, fee=order.fee, reward=type(order.fee)(chosen.reward_minor, order.settlement_currency),
        live=order.live)
