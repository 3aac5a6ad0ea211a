"""Settling confirmed orders: up to fifty at once, each with an entry of its own, each balance moved once.

Hot: a statement for each phase however many orders, as in matching.
"""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import SYSTEM
from portal.core.jobs import Job
from portal.orders import queries
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState, Status
from portal.orders.steps import Steps

# the ids once more as arrays: of a JSON the planner expects a hundred rows and would walk a table of some thousand
WRITE = """
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS r (
            id uuid, status text, version int, steps jsonb, completed_at timestamptz, ended_at timestamptz, chosen uuid)
    ), ended AS (
        UPDATE assignments a SET state = 'ended', end_reason = 'settled', ended_at = g.ended_at
          FROM given g WHERE a.id = g.chosen AND a.id = ANY (%s)
    )
    UPDATE orders o SET status = g.status, version = g.version, steps = g.steps, completed_at = g.completed_at,
           ended_at = g.ended_at
      FROM given g WHERE o.id = g.id AND o.id = ANY (%s)"""
COLUMNS = ("id", "status", "version", "steps", "completed_at", "ended_at")


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
        session.expunge(order)  # written set-wise below
        steps.take(order, Action.SETTLE)
    ledger.post(session, SYSTEM, drafts)
    rows = [{name: getattr(order, name) for name in COLUMNS} | {"chosen": chosen[order.id].id} for order in confirmed]
    session.connection().exec_driver_sql(WRITE, (
        to_json(rows).decode(), [row["chosen"] for row in rows], [order.id for order in confirmed]))
    steps.write()


def _chosen(session: Session, order_ids: list[UUID]) -> dict[UUID, Any]:
    rows = session.execute(select(Assignment.id, Assignment.order_id, Assignment.trader_id, Assignment.reward_minor)
                           .where(Assignment.order_id == any_(literal(order_ids, ARRAY(Uuid))),
                                  Assignment.state == AssignmentState.CHOSEN))
    return {row.order_id: row for row in rows}


def _facts(order: Order, chosen: Any) -> ledger.SettleFacts:
    return ledger.SettleFacts(
        order_id=order.id, assignment_id=chosen.id, trader_id=chosen.trader_id, store_id=order.store_id,
        amount=order.settlement, fee=order.fee, reward=type(order.fee)(chosen.reward_minor, order.settlement_currency),
        live=order.live)
