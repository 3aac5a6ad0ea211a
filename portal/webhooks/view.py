"""The public JSON of endpoints, events and deliveries: one place, for the gateway and its documentation."""
from typing import Any

from portal.core import ids
from portal.core.clock import rfc3339
from portal.webhooks.models import Delivery, Endpoint, Event
from portal.webhooks.payload import with_payment_link


def endpoint(row: Endpoint, *, secret: str | None = None) -> dict[str, Any]:
    """`secret` is told at creation and rotation, and never again."""
    shown = {"id": row.public_id, "object": "webhook_endpoint", "url": row.url, "events": row.types,
             "description": row.description, "status": str(row.status), "disabled_because": row.disabled_because,
             "live": row.live, "created_at": rfc3339(row.created_at)}
    return shown | ({"secret": secret} if secret is not None else {})


def event(row: Event, *, with_link: bool) -> dict[str, Any]:
    """`data` as it was told, numbers masked; `with_link`: to one who may do what a payment link opens."""
    return {"id": row.public_id, "object": "event", "type": row.type, "version": row.version, "live": row.live,
            "timestamp": rfc3339(row.created_at), "data": with_payment_link(row.payload) if with_link else row.payload}


def delivery(row: Delivery) -> dict[str, Any]:
    """With the answer to its last attempt."""
    return {"id": row.public_id, "object": "webhook_delivery", "event_id": ids.public("evt", row.event_id),
            "endpoint_id": ids.public("whk", row.endpoint_id), "type": row.type, "status": str(row.state),
            "attempts": row.attempts, "next_attempt_at": rfc3339(row.next_attempt_at),
            "last_attempt_at": rfc3339(row.last_attempt_at),
            "response": None if row.last_attempt_at is None else {
                "status": row.outcome.status, "duration_ms": row.outcome.ms, "error": row.outcome.error,
                "body": row.response_text},
            "live": row.live, "created_at": rfc3339(row.created_at)}
