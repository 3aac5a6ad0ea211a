"""Events in the table: one statement however many steps, hot for every kind of work on orders.

As one JSON, so that its text never changes and its cost hardly grows with the batch; a row of parameters each costs a
round trip each. What the store is told is part of it, as is whatever else comes with the steps (`statement`), and it
answers whose pages are concerned: nobody has to ask.
"""
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal import webhooks
from portal.core import request_log
from portal.core.pipeline import Rows, array, queue


def statement(columns: str = "", parts: str = "") -> str:
    """`parts`: more that is written with the steps, from `given`, whose rows have these columns besides.

    In `parts`, `%(orders)s` are the ids of the orders: of a JSON the planner expects a hundred rows, and would walk a
    table of some thousand.
    """
    return f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS r (
            id uuid, created_at timestamptz, order_id uuid, version int, type text, action text, from_status text,
            to_status text, actor_kind text, actor_id uuid, actor_name text, role text, address inet, request_id text,
            reason text, details jsonb, payload jsonb, store_id uuid, live boolean, promised_by text{columns})
    ), noted AS (
        INSERT INTO order_events (id, created_at, order_id, version, type, action, from_status, to_status, actor_kind,
                                  actor_id, actor_name, role, address, request_id, reason, details, payload)
        SELECT id, created_at, order_id, version, type, action, from_status, to_status, actor_kind, actor_id,
               actor_name, role, address, request_id, reason, details, payload FROM given
    ), told AS MATERIALIZED (
        SELECT uuidv7() AS event_id, created_at AS at, store_id, live, type, order_id, version, payload,
               coalesce(promised_by, %(promised_by)s, request_id) AS request_id FROM given WHERE payload IS NOT NULL
    ), {webhooks.ANNOUNCED}{parts}
    SELECT g.order_id, EXISTS (SELECT FROM takers) AS announced,
           ARRAY(SELECT DISTINCT a.trader_id FROM assignments a WHERE a.order_id = g.order_id) AS traders
      FROM (SELECT DISTINCT order_id FROM given) g"""


INSERT = statement()


def write(session: Session, events: Sequence[dict[str, Any]], statement: str = INSERT, *,
          then: Callable[[dict[UUID, list[UUID]]], None]) -> None:
    """By the names of the columns of OrderEvent, all but the defaults, and the order's store and mode.

    `then` is told which traders have or have had each order.
    """
    def written(found: Rows) -> None:
        if any(announced for _, announced, _ in found):
            webhooks.wake(session)
        then({order_id: traders for order_id, _, traders in found})

    queue(session, statement, {
        "rows": to_json([_with_promiser(event) for event in events]).decode(),
        "orders": array(event["order_id"] for event in events), "promised_by": request_log.promised_by()}, written)


def _with_promiser(event: dict[str, Any]) -> dict[str, Any]:
    """In a batch, whose work the step is: what is told of it goes out under that request."""
    by = request_log.promised_by(event["order_id"])
    return {**event, "promised_by": by} if by else event
