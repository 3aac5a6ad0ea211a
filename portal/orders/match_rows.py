"""What a try of matching leaves in the tables: one of the three hot statements, so it is one however many orders.

The orders as they have become, the notes of their tries, and for who was assigned the job that ends it in time. All
along one index each; the ids stand once more in an array, because of a JSON the planner expects a hundred rows.
"""
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal.orders.models import Order

WRITE = """
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS r (
            id uuid, status text, version int, steps jsonb, tries int, assignment_id uuid, assigned_at timestamptz,
            expires_at timestamptz, next_attempt_at timestamptz, failure_code text, ended_at timestamptz,
            at timestamptz, outcome text, funnel jsonb, fell_out text[], end_at timestamptz)
    ), moved AS (
        UPDATE orders o SET status = g.status, version = g.version, steps = g.steps, tries = g.tries,
               assignment_id = g.assignment_id, assigned_at = g.assigned_at, expires_at = g.expires_at,
               next_attempt_at = g.next_attempt_at, failure_code = g.failure_code, ended_at = g.ended_at
          FROM given g WHERE o.id = g.id AND o.id = ANY (%s)
    ), tried AS (
        INSERT INTO match_tries (created_at, order_id, number, outcome, assignment_id, funnel, fell_out)
        SELECT at, id, tries, outcome, assignment_id, funnel, fell_out FROM given
    )
    INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
    SELECT 'expire_order', assignment_id, assignment_id::text, end_at, %s, at FROM given WHERE end_at IS NOT NULL
    ON CONFLICT (kind, unique_key) DO NOTHING"""
COLUMNS = ("id", "status", "version", "steps", "tries", "assignment_id", "assigned_at", "expires_at",
           "next_attempt_at", "failure_code", "ended_at")


class Try(NamedTuple):
    """A full look for a requisite, and the order it was for, in its new state."""

    order: Order
    at: datetime
    outcome: str  # assigned, or what excluded most
    funnel: dict[str, int]
    fell_out: list[str]
    end_at: datetime | None = None  # when the assignment ends if nothing happens


def write(session: Session, tries: Sequence[Try]) -> None:
    """The orders are locked and belong to no session: nobody else writes what they have become."""
    rows = [{name: getattr(one.order, name) for name in COLUMNS} | dict(zip(Try._fields[1:], one[1:], strict=True))
            for one in tries]
    request_id: Any = structlog.contextvars.get_contextvars().get("request_id")
    session.connection().exec_driver_sql(WRITE, (
        to_json(rows).decode(), [one.order.id for one in tries], request_id))
