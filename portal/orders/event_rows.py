"""Events in the table: one statement however many steps, hot for every kind of work on orders.

As one JSON, so that its text never changes and its cost hardly grows with the batch; a row of parameters each costs a
round trip each. It answers who is to be told, so that nobody has to ask.
"""
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

INSERT = """
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS r (
            id uuid, created_at timestamptz, order_id uuid, version int, type text, action text, from_status text,
            to_status text, actor_kind text, actor_id uuid, actor_name text, role text, address inet, request_id text,
            reason text, details jsonb, payload jsonb, store_id uuid, live boolean)
    ), told AS (
        INSERT INTO order_events (id, created_at, order_id, version, type, action, from_status, to_status, actor_kind,
                                  actor_id, actor_name, role, address, request_id, reason, details, payload)
        SELECT id, created_at, order_id, version, type, action, from_status, to_status, actor_kind, actor_id,
               actor_name, role, address, request_id, reason, details, payload FROM given
    )
    SELECT g.order_id, EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.store_id = g.store_id AND e.live = g.live
                               AND e.status = 'active') AS somebody_listens,
           ARRAY(SELECT DISTINCT a.trader_id FROM assignments a WHERE a.order_id = g.order_id) AS traders
      FROM (SELECT DISTINCT order_id, store_id, live FROM given) g"""


class Audience(NamedTuple):
    """Whom the steps of an order concern."""

    somebody_listens: bool  # an endpoint of its store, to some type
    traders: list[UUID]  # who have it or have had it


def write(session: Session, events: Sequence[dict[str, Any]]) -> dict[UUID, Audience]:
    """By the names of the columns of OrderEvent, all but the defaults, and the order's store and mode."""
    found = session.connection().exec_driver_sql(INSERT, (to_json(events).decode(),))
    return {id: Audience(somebody_listens, traders) for id, somebody_listens, traders in found}
