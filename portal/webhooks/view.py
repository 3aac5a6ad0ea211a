"""The public JSON of endpoints, events, deliveries and replays: one place, for the gateway and its documentation."""
from collections.abc import Sequence
from typing import Any

from portal.core import ids
from portal.core.clock import rfc3339
from portal.webhooks.models import Attempt, Delivery, Endpoint, Event, Replay
from portal.webhooks.payload import Names, shown
from portal.webhooks.request_preview import Request, read_lines


def endpoint(row: Endpoint, *, secret: str | None = None) -> dict[str, Any]:
    """`secret` is told at creation and rotation, and never again."""
    told = {"id": row.public_id, "object": "webhook_endpoint", "kind": row.kind, "url": row.url, "events": row.types,
            "description": row.description, "status": str(row.status), "disabled_because": row.disabled_because,
            "live": row.live, "created_at": rfc3339(row.created_at)}
    return told | ({"secret": secret} if secret is not None else {})


def event(row: Event, names: Names, *, with_link: bool) -> dict[str, Any]:
    """`data` as it was told, numbers masked; `with_link`: to one who may do what a payment link opens. `names`: of
    `payload.names`, for all that are shown together; one that does not open is null, and the others are shown.
    """
    data = shown(row.payload, names, event=row.public_id, with_link=with_link)
    return {"id": row.public_id, "object": "event", "type": row.type, "version": row.version, "live": row.live,
            "timestamp": rfc3339(row.created_at), "data": data}


def delivery(row: Delivery) -> dict[str, Any]:
    """With the answer to its last attempt."""
    return {"id": row.public_id, "object": "webhook_delivery", "event_id": ids.public("evt", row.event_id),
            "endpoint_id": ids.public("whk", row.endpoint_id), "type": row.type, "status": str(row.state),
            "attempts": row.attempts, "next_attempt_at": rfc3339(row.next_attempt_at),
            "last_attempt_at": rfc3339(row.last_attempt_at),
            "response": None if row.last_attempt_at is None else {
                "status": row.outcome.status, "duration_ms": row.outcome.ms, "error": row.outcome.error,
                "headers": read_lines(row.response_head), "body": row.response_text},
            "live": row.live, "created_at": rfc3339(row.created_at)}


def one_delivery(row: Delivery, sent: Request, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """With the body as it is sent, and every request that was made with its answer."""
    return delivery(row) | {"request": {"url": row.endpoint.url, "body": sent.body},
                            "tries": [_attempt(one) for one in attempts]}


def replay(row: Replay) -> dict[str, Any]:
    return {"id": row.public_id, "object": "webhook_replay", "endpoint_id": ids.public("whk", row.endpoint_id),
            "status": str(row.state), "since": rfc3339(row.since), "until": rfc3339(row.until),
            "undelivered_only": row.undelivered_only, "queued": row.queued, "reached": rfc3339(row.reached_at),
            "created_at": rfc3339(row.created_at), "ended_at": rfc3339(row.ended_at)}


def _attempt(row: Attempt) -> dict[str, Any]:
    came = row.outcome
    return {"number": row.number, "at": rfc3339(row.created_at), "url": row.url,
            "request_headers": read_lines(row.request_head), "status": came.status, "duration_ms": came.ms,
            "error": came.error, "headers": read_lines(row.response_head), "body": row.response}
