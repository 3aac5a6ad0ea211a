"""Where a store is told of its orders."""
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from portal.core.access import Permission
from portal.core.commands import bind
from portal.core.db import reader
from portal.gateway import reading, schemas
from portal.gateway.auth import caller
from portal.gateway.calls import call, shown
from portal.gateway.idempotency import once
from portal.webhooks import queries, service, view
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.service import TooManyEndpoints


@call("POST", "/webhook-endpoints", Permission.WEBHOOK_MANAGE, summary="Be told of events at an address",
      body=CreateEndpoint, answer=schemas.NewWebhookEndpoint, status=201, errors=(TooManyEndpoints,))
def create_webhook_endpoint() -> Response:
    command = bind(CreateEndpoint, reading.body())  # looks the name up, so before the transaction

    def create(session: Session) -> dict[str, Any]:
        endpoint, secret = service.create_endpoint(session, caller(), command)
        return view.endpoint(endpoint, secret=secret)

    return once(caller(), create, status=201)


@call("GET", "/webhook-endpoints", Permission.WEBHOOK_READ, summary="Addresses that are told, newest first",
      query=reading.PageQuery, answer=schemas.Page[schemas.WebhookEndpoint])
def list_webhook_endpoints() -> Response:
    wanted = reading.query(reading.PageQuery)
    page = queries.endpoints(reader(), caller(), cursor=wanted.cursor, limit=wanted.limit)
    return shown({"data": [view.endpoint(row) for row in page.rows], "next_cursor": page.next_cursor})
