"""Where a store is told of its orders: endpoints, and the secrets that their messages are signed with."""
from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from portal.core.access import Permission
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.gateway import pages, schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.gateway.idempotency import once
from portal.webhooks import queries, service, view
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, DeleteEndpoint, Ping, RotateSecret
from portal.webhooks.service import EndpointDisabled, InboxHasNoAddress, InboxOfLive, TooManyEndpoints


@call("POST", "/webhook-endpoints", Permission.WEBHOOK_MANAGE, summary="Be told of events at an address",
      body=CreateEndpoint, answer=schemas.NewWebhookEndpoint, status=201, errors=(TooManyEndpoints, InboxOfLive))
def create_webhook_endpoint() -> Response:
    command = bind(CreateEndpoint, strict_json.body())

    def create(session: Session) -> dict[str, Any]:
        endpoint, secret = service.create_endpoint(session, caller(), command)
        return view.endpoint(endpoint, secret=secret)

    return once(caller(), create, status=201)


@call("GET", "/webhook-endpoints", Permission.WEBHOOK_READ, summary="Addresses that are told, newest first",
      query=strict_json.PageQuery, answer=schemas.Page[schemas.WebhookEndpoint])
def list_webhook_endpoints() -> Response:
    wanted = strict_json.query(strict_json.PageQuery)
    page = queries.endpoints(reader(), caller(), cursor=wanted.cursor, limit=wanted.limit)
    return pages.listed([view.endpoint(row) for row in page.rows], page.next_cursor)


@call("GET", "/webhook-endpoints/<endpoint_id>", Permission.WEBHOOK_READ, summary="One endpoint",
      answer=schemas.WebhookEndpoint, errors=(NotFound,))
def get_webhook_endpoint(endpoint_id: str) -> Response:
    return shown(view.endpoint(queries.endpoint(reader(), caller(), endpoint_id)))


@call("PATCH", "/webhook-endpoints/<endpoint_id>", Permission.WEBHOOK_MANAGE, summary="Change an endpoint, or pause it",
      body=schemas.ChangeWebhookEndpoint, answer=schemas.WebhookEndpoint, errors=(NotFound, InboxHasNoAddress))
def change_webhook_endpoint(endpoint_id: str) -> Response:
    sent = bind(schemas.ChangeWebhookEndpoint, strict_json.body())
    command = ChangeEndpoint(endpoint_id=endpoint_id, **sent.model_dump(exclude_unset=True))
    return once(caller(), lambda session: view.endpoint(service.change_endpoint(session, caller(), command)))


@call("DELETE", "/webhook-endpoints/<endpoint_id>", Permission.WEBHOOK_MANAGE, summary="Tell an address nothing more",
      answer=schemas.Deleted, errors=(NotFound,))
def delete_webhook_endpoint(endpoint_id: str) -> Response:
    def delete(session: Session) -> dict[str, Any]:
        service.delete_endpoint(session, caller(), DeleteEndpoint(endpoint_id=endpoint_id))
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}

    return once(caller(), delete)


@call("POST", "/webhook-endpoints/<endpoint_id>/rotate-secret", Permission.WEBHOOK_MANAGE, body=schemas.Empty,
      summary="A new secret; the old one signs along for a day", answer=schemas.NewWebhookEndpoint, errors=(NotFound,))
def rotate_webhook_secret(endpoint_id: str) -> Response:
    def rotate(session: Session) -> dict[str, Any]:
        endpoint, secret = service.rotate_secret(session, caller(), RotateSecret(endpoint_id=endpoint_id))
        return view.endpoint(endpoint, secret=secret)

    return _empty(rotate)


@call("POST", "/webhook-endpoints/<endpoint_id>/test", Permission.WEBHOOK_MANAGE, summary="Send test.ping to it",
      body=schemas.Empty, answer=schemas.WebhookDelivery, status=201, errors=(NotFound, EndpointDisabled))
def test_webhook_endpoint(endpoint_id: str) -> Response:
    return _empty(lambda session: view.delivery(service.ping(session, caller(), Ping(endpoint_id=endpoint_id))), 201)


def _empty(act: Callable[[Session], dict[str, Any]], status: int = 200) -> Response:
    """An act whose body is an empty object."""
    bind(schemas.Empty, strict_json.body())
    return once(caller(), act, status=status)
