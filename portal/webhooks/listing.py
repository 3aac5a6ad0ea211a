"""Endpoints and deliveries as a merchant's pages show them: filters out of an address, how an endpoint fares."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.paging import Page
from portal.parties.models import Store
from portal.webhooks import queries
from portal.webhooks.event_types import PING, TOLD, TYPES
from portal.webhooks.models import Delivery, DeliveryState, Endpoint, Outcome

PAGE = 25
ENDPOINTS_MAX = 100  # of one merchant, shown together
MODES = ("live", "test")
OFFERED: tuple[str, ...] = (*TOLD, PING)


@dataclass(frozen=True)
class Heard:
    """What the newest delivery that was tried came to."""

    state: str
    status: int | None
    error: str | None
    at: datetime


@dataclass(frozen=True)
class Listed:
    """An endpoint with its store and what was heard of it last."""

    endpoint: Endpoint
    store_name: str
    heard: Heard | None

    @property
    def state(self) -> str:
        """active, failing (it is told, and does not take it) or disabled."""
        if not self.endpoint.active:
            return "disabled"
        return "failing" if self.heard is not None and self.heard.state != DeliveryState.DELIVERED else "active"


@dataclass(frozen=True)
class DeliveryFilters:
    """What the address asks for; empty means all."""

    mode: str = ""
    state: str = ""
    type: str = ""
    endpoint: str = ""
    order: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid: an unknown value is said, never clamped."""
        asked = {name: sent.get(name, "").strip() for name in ("mode", "state", "type", "endpoint", "order")}
        known: dict[str, Sequence[str]] = {"mode": MODES, "state": [*DeliveryState], "type": TYPES}
        wrong = [FieldError(f"/{name}", f"unknown_{name}", "There is no such choice.")
                 for name, choices in known.items() if asked[name] and asked[name] not in choices]
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(**asked)

    @property
    def narrowed(self) -> bool:
        return bool(self.mode or self.state or self.type or self.endpoint or self.order)


def list_endpoints(session: Session, actor: Actor, *, cursor: str | None) -> Page[Listed]:
    """Newest first: three queries however many. Raises Invalid for a wrong cursor."""
    found = queries.endpoints(session, actor, cursor=cursor, limit=PAGE)
    return Page(_listed(session, found.rows), found.next_cursor)


def endpoints_of_stores(session: Session, actor: Actor, store_ids: Iterable[UUID]) -> Sequence[Endpoint]:
    """For the staff's page of a merchant: newest first; nothing for one who may not read webhooks."""
    rows = queries.endpoints_visible_to(actor).where(Endpoint.store_id.in_(list(store_ids)))
    return session.scalars(rows.order_by(Endpoint.id.desc()).limit(ENDPOINTS_MAX)).all()


def one_endpoint(session: Session, actor: Actor, endpoint_id: str) -> Listed:
    """Raises NotFound."""
    return _listed(session, [queries.endpoint(session, actor, endpoint_id)])[0]


def list_deliveries(session: Session, actor: Actor, filters: DeliveryFilters, *, cursor: str | None) -> Page[Delivery]:
    """Newest first, each with event and endpoint: one query. Raises Invalid for a wrong cursor."""
    try:
        endpoint_id = ids.parse("whk", filters.endpoint) if filters.endpoint else None
        order_id = ids.parse_any(("pin", "pout"), filters.order) if filters.order else None
    except NotFound:
        return Page([], None)
    live = filters.mode == "live" if filters.mode else None
    return queries.deliveries(session, actor, live=live, endpoint_id=endpoint_id, order_id=order_id,
                              state=filters.state or None, type=filters.type or None, cursor=cursor, limit=PAGE)


def _listed(session: Session, endpoints: Sequence[Endpoint]) -> list[Listed]:
    if not endpoints:
        return []
    stores: dict[UUID, str] = {row.id: row.name for row in session.execute(
        select(Store.id, Store.name).where(Store.id.in_({one.store_id for one in endpoints})))}
    heard = _heard(session, [one.id for one in endpoints])
    return [Listed(one, stores[one.store_id], heard.get(one.id)) for one in endpoints]


def _heard(session: Session, endpoint_ids: Sequence[UUID]) -> dict[UUID, Heard]:
    """Of each endpoint the newest delivery that was tried: a step down ix_webhook_deliveries_endpoint_id for each."""
    last = (select(Delivery.state, Delivery.response_status, Delivery.response_error, Delivery.last_attempt_at)
            .where(Delivery.endpoint_id == Endpoint.id, Delivery.last_attempt_at.is_not(None),
                   Delivery.created_at > clock.now() - queries.KEPT_FOR)
            .order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(1).lateral())
    rows = session.execute(select(Endpoint.id, last).join(last, true()).where(Endpoint.id.in_(endpoint_ids)))
    return {id: Heard(state, status, Outcome(status, error, None).error, at) for id, state, status, error, at in rows}
