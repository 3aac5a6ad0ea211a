"""What may be seen of webhooks: endpoints, events, deliveries and their attempts."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import Session, joinedload

from portal.core import clock, ids
from portal.core.access import Actor, ActorKind, Permission, Role
from portal.core.errors import NotFound
from portal.core.paging import PAGE_MAX, Page, newest_first
from portal.parties.models import Store
from portal.webhooks.models import Attempt, Delivery, Endpoint, EndpointStatus, Event

KEPT_FOR = timedelta(days=30)
ATTEMPTS_MAX = 200


def endpoints_visible_to(actor: Actor) -> Select[Endpoint]:
    """Not the deleted ones."""
    return select(Endpoint).where(_theirs(actor, Endpoint), Endpoint.status != EndpointStatus.DELETED)


def events_visible_to(actor: Actor) -> Select[Event]:
    return select(Event).where(_theirs(actor, Event), Event.created_at > clock.now() - KEPT_FOR)


def deliveries_visible_to(actor: Actor) -> Select[Delivery]:
    """With event and endpoint, of which lists show type and address."""
    return select(Delivery).where(_theirs(actor, Delivery), Delivery.created_at > clock.now() - KEPT_FOR).options(
        joinedload(Delivery.event), joinedload(Delivery.endpoint))


def _theirs(actor: Actor, model: type[Endpoint] | type[Event] | type[Delivery]) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    if actor.is_staff:
        return true() if actor.may(Permission.WEBHOOK_READ) else false()
    if actor.kind is ActorKind.KEY:
        return (model.store_id == actor.store_id) & (model.live == actor.live)
    if actor.role is Role.MERCHANT:
        return model.store_id.in_(select(Store.id).where(Store.merchant_id == actor.merchant_id))
    return false()


def endpoint(session: Session, actor: Actor, endpoint_id: str) -> Endpoint:
    """Raises NotFound."""
    found = session.scalars(endpoints_visible_to(actor).where(Endpoint.id == ids.parse("whk", endpoint_id))).first()
    if found is None:
        raise NotFound()
    return found


def endpoints(session: Session, actor: Actor, *, store_id: UUID | None = None, live: bool | None = None,
              cursor: str | None = None, limit: int = PAGE_MAX) -> Page[Endpoint]:
    """Newest first. Raises Invalid for a wrong cursor."""
    rows = _narrowed(endpoints_visible_to(actor), Endpoint, store_id, live)
    return newest_first(session, rows, Endpoint.created_at, Endpoint.id, cursor=cursor, limit=limit)


def event(session: Session, actor: Actor, event_id: str) -> Event:
    """Raises NotFound."""
    found = session.scalars(events_visible_to(actor).where(Event.id == ids.parse("evt", event_id))).first()
    if found is None:
        raise NotFound()
    return found


def events(session: Session, actor: Actor, *, store_id: UUID | None = None, live: bool | None = None,
           type: str | None = None, since: datetime | None = None, until: datetime | None = None,
           cursor: str | None = None, limit: int = PAGE_MAX) -> Page[Event]:
    """Of the last thirty days, newest first. Raises Invalid for a wrong cursor."""
    rows = _narrowed(events_visible_to(actor), Event, store_id, live)
    if type is not None:
        rows = rows.where(Event.type == type)
    if since is not None:
        rows = rows.where(Event.created_at >= since)
    if until is not None:
        rows = rows.where(Event.created_at < until)
    return newest_first(session, rows, Event.created_at, Event.id, cursor=cursor, limit=limit)


def delivery(session: Session, actor: Actor, delivery_id: str) -> Delivery:
    """Raises NotFound."""
    found = session.scalars(deliveries_visible_to(actor).where(Delivery.id == ids.parse("dlv", delivery_id))).first()
    if found is None:
        raise NotFound()
    return found


def deliveries(session: Session, actor: Actor, *, store_id: UUID | None = None, live: bool | None = None,
               endpoint_id: UUID | None = None, event_id: UUID | None = None, order_id: UUID | None = None,
               state: str | None = None, type: str | None = None, cursor: str | None = None,
               limit: int = PAGE_MAX) -> Page[Delivery]:
    """Of the last thirty days, newest first. Raises Invalid for a wrong cursor."""
    rows = _narrowed(deliveries_visible_to(actor), Delivery, store_id, live)
    for column, wanted in ((Delivery.endpoint_id, endpoint_id), (Delivery.event_id, event_id), (Delivery.state, state),
                           (Delivery.type, type)):
        if wanted is not None:
            rows = rows.where(column == wanted)
    if order_id is not None:
        rows = rows.where(Delivery.event_id.in_(select(Event.id).where(Event.order_id == order_id)))
    return newest_first(session, rows, Delivery.created_at, Delivery.id, cursor=cursor, limit=limit)


def deliveries_of_order(session: Session, actor: Actor, order_id: UUID) -> Sequence[Delivery]:
    """What an order's steps were told to whom, in order; for its page."""
    told = select(Event.id).where(Event.order_id == order_id)
    return session.scalars(deliveries_visible_to(actor).where(Delivery.event_id.in_(told))
                           .order_by(Delivery.created_at, Delivery.id).limit(PAGE_MAX)).all()


def attempts(session: Session, of: Delivery) -> Sequence[Attempt]:
    """Every request that was made for a delivery, in order."""
    return session.scalars(select(Attempt).where(Attempt.delivery_id == of.id, Attempt.created_at >= of.created_at)
                           .order_by(Attempt.created_at, Attempt.id).limit(ATTEMPTS_MAX)).all()


def _narrowed(rows: Select[Any], model: type[Endpoint] | type[Event] | type[Delivery], store_id: UUID | None,
              live: bool | None) -> Select[Any]:
    if store_id is not None:
        rows = rows.where(model.store_id == store_id)
    return rows if live is None else rows.where(model.live == live)
