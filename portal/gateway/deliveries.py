"""What was told or should have been, for thirty days; and telling it again."""
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response
from pydantic import Field, WithJsonSchema
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.access import Permission
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid, NotFound
from portal.gateway import pages, patterns, schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.gateway.filters import Moment
from portal.gateway.idempotency import once
from portal.webhooks import payload, queries, replays, request_preview, service, view
from portal.webhooks.commands import ReplayEvents, Resend
from portal.webhooks.event_types import TYPES
from portal.webhooks.models import Event
from portal.webhooks.replays import ReplayRunning, TooManyReplayed
from portal.webhooks.service import EndpointDisabled

Type = Annotated[str, Field(pattern=f"^({'|'.join(TYPES)})$"), WithJsonSchema({"type": "string", "enum": [*TYPES]})]
Id = Annotated[str, Field(min_length=1, max_length=40)]
EndpointId = Annotated[Id, WithJsonSchema({"type": "string", "pattern": patterns.id_of("whk")})]
EventId = Annotated[Id, WithJsonSchema({"type": "string", "pattern": patterns.id_of("evt")})]


class EventQuery(strict_json.PageQuery):
    """Events of one type, or all; `created_from` is inclusive, `created_to` exclusive."""

    type: Type | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None


class DeliveryQuery(strict_json.PageQuery):
    """Deliveries of one endpoint, one event, in one state."""

    endpoint_id: EndpointId | None = None
    event_id: EventId | None = None
    status: Literal["pending", "delivered", "failed", "dropped"] | None = None


@call("GET", "/events", Permission.WEBHOOK_READ, summary="What happened, newest first", query=EventQuery,
      answer=schemas.Page[schemas.Event])
def list_events() -> Response:
    wanted = strict_json.query(EventQuery)
    page = queries.events(reader(), caller(), type=wanted.type, since=wanted.created_from, until=wanted.created_to,
                          cursor=wanted.cursor, limit=wanted.limit)
    return pages.listed(_told(page.rows), page.next_cursor)


@call("GET", "/events/<event_id>", Permission.WEBHOOK_READ, summary="One event", answer=schemas.Event,
      errors=(NotFound,))
def get_event(event_id: str) -> Response:
    return shown(_told([queries.event(reader(), caller(), event_id)])[0])


@call("GET", "/webhook-deliveries", Permission.WEBHOOK_READ, summary="Deliveries, newest first", query=DeliveryQuery,
      answer=schemas.Page[schemas.WebhookDelivery])
def list_webhook_deliveries() -> Response:
    wanted = strict_json.query(DeliveryQuery)
    page = queries.deliveries(
        reader(), caller(), endpoint_id=_id("whk", "endpoint_id", wanted.endpoint_id),
        event_id=_id("evt", "event_id", wanted.event_id), state=wanted.status, cursor=wanted.cursor,
        limit=wanted.limit)
    return pages.listed([view.delivery(row) for row in page.rows], page.next_cursor)


@call("GET", "/webhook-deliveries/<delivery_id>", Permission.WEBHOOK_READ, summary="One delivery, with every try",
      answer=schemas.WebhookDeliveryDetail, errors=(NotFound,))
def get_webhook_delivery(delivery_id: str) -> Response:
    found = queries.delivery(reader(), caller(), delivery_id)
    sent = request_preview.request_of(reader(), found, with_link=caller().may_open_links)
    return shown(view.one_delivery(found, sent, queries.attempts(reader(), found)))


@call("POST", "/webhook-deliveries/<delivery_id>/redeliver", Permission.WEBHOOK_MANAGE, summary="Send it once more",
      body=schemas.Empty, answer=schemas.WebhookDelivery, errors=(NotFound, EndpointDisabled))
def redeliver_webhook(delivery_id: str) -> Response:
    bind(schemas.Empty, strict_json.body())

    def resend(session: Session) -> dict[str, Any]:
        return view.delivery(service.resend(session, caller(), Resend(delivery_id=delivery_id)))

    return once(caller(), resend)


@call("POST", "/webhook-endpoints/<endpoint_id>/replay", Permission.WEBHOOK_MANAGE, body=schemas.CreateReplay,
      summary="Tell it everything since a moment once more", answer=schemas.WebhookReplay, status=202,
      errors=(NotFound, EndpointDisabled, ReplayRunning, TooManyReplayed))
def replay_webhooks(endpoint_id: str) -> Response:
    queries.endpoint(reader(), caller(), endpoint_id)  # another's does not exist, whatever the body says
    sent = bind(schemas.CreateReplay, strict_json.body())
    command = ReplayEvents(endpoint_id=endpoint_id, since=sent.since, undelivered_only=sent.undelivered_only)
    return once(caller(), lambda session: view.replay(replays.replay(session, caller(), command)), status=202)


@call("GET", "/webhook-replays/<replay_id>", Permission.WEBHOOK_READ, summary="How far a replay is",
      answer=schemas.WebhookReplay, errors=(NotFound,))
def get_webhook_replay(replay_id: str) -> Response:
    return shown(view.replay(replays.find(reader(), caller(), replay_id)))


def _told(events: Sequence[Event]) -> list[dict[str, Any]]:
    named, with_link = payload.names(reader(), [row.payload for row in events]), caller().may_open_links
    return [view.event(row, named, with_link=with_link) for row in events]


def _id(prefix: str, field: str, sent: str | None) -> UUID | None:
    """Raises Invalid: what is spelled like no id is a mistake, not an empty list."""
    try:
        return ids.parse(prefix, sent) if sent is not None else None
    except NotFound:
        raise Invalid(fields=[FieldError(f"/{field}", "invalid_id", f"An id begins with {prefix}_.")]) from None
