"""Events in the table: one statement however many steps, hot for every kind of work on orders.

As one JSON, so that its text never changes and its cost hardly grows with the batch; a row of parameters each costs a
round trip each.
"""
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

INSERT = text("""
    INSERT INTO order_events (id, created_at, order_id, version, type, action, from_status, to_status, actor_kind,
                              actor_id, actor_name, role, address, request_id, reason, details, payload)
    SELECT id, created_at, order_id, version, type, action, from_status, to_status, actor_kind, actor_id, actor_name,
           role, address, request_id, reason, details, payload
      FROM json_to_recordset(CAST(:rows AS json)) AS r (
           id uuid, created_at timestamptz, order_id uuid, version int, type text, action text, from_status text,
           to_status text, actor_kind text, actor_id uuid, actor_name text, role text, address inet, request_id text,
           reason text, details jsonb, payload jsonb)""")


def write(session: Session, events: Sequence[dict[str, Any]]) -> None:
    """By the names of the columns of OrderEvent, all but the defaults."""
    session.execute(INSERT, {"rows": json.dumps(events, default=str)})
