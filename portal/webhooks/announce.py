"""Told in the step's own transaction: an event, its deliveries and their jobs exist exactly if the step does."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, tuple_
from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.core.ids import new_id
from portal.webhooks.kept import kept
from portal.webhooks.models import Delivery, Endpoint, EndpointStatus, Event
from portal.webhooks.types import ALL_TYPES

KIND = "deliver_webhook"
Wanted = dict[tuple[UUID, bool], list[Row[UUID, UUID, bool, list[str]]]]


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A step that a store may want to hear of; `payload` is what the gateway shows just after it, numbers masked."""

    store_id: UUID
    live: bool
    type: str  # payin.completed
    payload: dict[str, Any]
    order_id: UUID | None = None
    version: int | None = None


def announce(session: Session, announcements: Sequence[Announcement]) -> None:
    """Write what stores with a wanting endpoint are told, and promise to send it: four statements however many.

    Stores that named no endpoint for a type cost one indexed look-up a batch and leave no row.
    """
    if not announcements:
        return
    wanted = _endpoints(session, {(a.store_id, a.live) for a in announcements})
    events, deliveries = _rows(announcements, wanted, clock.now())
    if not events:
        return
    session.execute(insert(Event), events)
    session.execute(insert(Delivery), deliveries)
    jobs.promise_all(session, KIND, [(row["id"], None, str(row["endpoint_id"])) for row in deliveries])


def _endpoints(session: Session, stores: set[tuple[UUID, bool]]) -> Wanted:
    rows = session.execute(
        select(Endpoint.id, Endpoint.store_id, Endpoint.live, Endpoint.types)
        .where(tuple_(Endpoint.store_id, Endpoint.live).in_(stores), Endpoint.status == EndpointStatus.ACTIVE)
        .order_by(Endpoint.created_at, Endpoint.id))
    wanted: Wanted = {}
    for row in rows:
        wanted.setdefault((row.store_id, row.live), []).append(row)
    return wanted


def _rows(announcements: Sequence[Announcement], wanted: Wanted, now: datetime) -> tuple[list[Any], list[Any]]:
    events, deliveries = [], []
    for told in announcements:
        takers = [endpoint.id for endpoint in wanted.get((told.store_id, told.live), ())
                  if told.type in endpoint.types or ALL_TYPES in endpoint.types]
        if not takers:
            continue
        event_id = new_id()
        events.append({"id": event_id, "created_at": now, "store_id": told.store_id, "live": told.live,
                       "type": told.type, "order_id": told.order_id, "version": told.version,
                       "payload": kept(told.payload)})
        deliveries += [delivery_row(event_id, now, endpoint_id, told.store_id, told.live, told.type, now)
                       for endpoint_id in takers]
    return events, deliveries


def delivery_row(event_id: UUID, event_created_at: datetime, endpoint_id: UUID, store_id: UUID, live: bool,
                 type: str, now: datetime) -> dict[str, Any]:
    """A delivery that has yet to make its first attempt."""
    return {"id": new_id(), "created_at": now, "event_id": event_id, "event_created_at": event_created_at,
            "endpoint_id": endpoint_id, "store_id": store_id, "live": live, "type": type, "begun_at": now,
            "next_attempt_at": now}
