"""Told in the step's own transaction: an event, its deliveries and their jobs exist exactly if the step does."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal.core import clock, jobs, request_log
from portal.core.ids import new_id

KIND = "deliver_webhook"
# Part of each statement that takes steps, behind a `told` that names them: event_id, at, store_id, live, type,
# order_id, version, payload, request_id. `takers` then holds a row for each delivery. The fence keeps the planner from
# walking all endpoints there are for a handful of stores.
ANNOUNCED = """
    takers AS MATERIALIZED (
        SELECT t.*, e.id AS endpoint_id, uuidv7() AS delivery_id FROM told t CROSS JOIN LATERAL (
            SELECT id FROM webhook_endpoints e WHERE e.store_id = t.store_id AND e.live = t.live
               AND e.status = 'active' AND e.types && ARRAY[t.type, '*'] ORDER BY e.created_at, e.id OFFSET 0) e
    ), webhook_event AS (
        INSERT INTO webhook_events (id, created_at, store_id, live, type, order_id, version, payload)
        SELECT DISTINCT ON (event_id) event_id, at, store_id, live, type, order_id, version, payload FROM takers
    ), delivery AS (
        INSERT INTO webhook_deliveries (id, created_at, event_id, event_created_at, endpoint_id, store_id, live, type,
                                        state, begun_at, next_attempt_at)
        SELECT delivery_id, at, event_id, at, endpoint_id, store_id, live, type, 'pending', at, at FROM takers
    ), delivering AS (
        INSERT INTO jobs (kind, reference, unique_key, partition, run_at, request_id, created_at)
        SELECT 'deliver_webhook', delivery_id, delivery_id::text, store_id || '/' || endpoint_id, least(at, now()),
               request_id, at FROM takers
    )"""
ANNOUNCE = f"""
    WITH told AS MATERIALIZED (
        SELECT uuidv7() AS event_id, %(at)s::timestamptz AS at, %(request_id)s::text AS request_id, r.*
          FROM json_to_recordset(%(rows)s::json) AS r (
            store_id uuid, live boolean, type text, order_id uuid, version int, payload jsonb)
    ), {ANNOUNCED}
    SELECT EXISTS (SELECT FROM takers)"""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A step that a store may want to hear of; `payload` is what the gateway shows just after it, as a row may keep it
    (`webhooks.payload`): numbers masked, nobody named, no link."""

    store_id: UUID
    live: bool
    type: str  # payin.completed
    payload: dict[str, Any]
    order_id: UUID | None = None
    version: int | None = None


def announce(session: Session, announcements: Sequence[Announcement]) -> None:
    """Write what stores with a wanting endpoint are told, and promise to send it: one statement however many.

    For steps of orders the same is part of the statement that writes them. Stores that named no endpoint for a type
    cost an indexed look-up and leave no row.
    """
    if not announcements:
        return
    rows = [{"store_id": one.store_id, "live": one.live, "type": one.type, "order_id": one.order_id,
             "version": one.version, "payload": one.payload} for one in announcements]
    if session.connection().exec_driver_sql(ANNOUNCE, {
            "rows": to_json(rows).decode(), "at": clock.now(), "request_id": request_log.promised_by()}).scalar_one():
        wake(session)


def wake(session: Session) -> None:
    """Something was announced: it is sent once this transaction has committed."""
    jobs.wake(session, KIND)


def partition_of(store_id: UUID, endpoint_id: UUID) -> str:
    """Where a delivery waits: an endpoint's partition, which says whose it is, so that stores are served in turn."""
    return f"{store_id}/{endpoint_id}"


def delivery_row(event_id: UUID, event_created_at: datetime, endpoint_id: UUID, store_id: UUID, live: bool,
                 type: str, now: datetime) -> dict[str, Any]:
    """A delivery that has yet to make its first attempt."""
    return {"id": new_id(), "created_at": now, "event_id": event_id, "event_created_at": event_created_at,
            "endpoint_id": endpoint_id, "store_id": store_id, "live": live, "type": type, "begun_at": now,
            "next_attempt_at": now}
