"""What a store does with its webhooks: name endpoints, change their secrets, try them, send again."""
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from portal.core import audit, clock, crypto, ids, jobs
from portal.core.access import Actor, ActorKind, Role
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound, judges
from portal.core.jobs import Job
from portal.notices import channels
from portal.parties.models import Store
from portal.webhooks import queries, signature
from portal.webhooks.announce import KIND, delivery_row, partition_of
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, DeleteEndpoint, Ping, Resend, RotateSecret
from portal.webhooks.event_types import PING
from portal.webhooks.models import Delivery, DeliveryState, Endpoint, EndpointKind, EndpointStatus, Event

ENDPOINTS_MAX = 16  # of a store in a mode: each step is told to all of them
ROTATES_FOR = timedelta(hours=24)


class TooManyEndpoints(Conflict):
    """A store can name sixteen endpoints. Delete one that is no longer used."""

    code = "webhook_endpoint_limit"


class EndpointDisabled(Conflict):
    """This endpoint is switched off. Turn it on first."""

    code = "webhook_endpoint_disabled"


class EndpointMade(Conflict):
    """This form was sent already and its endpoint is in the list. If you did not keep the secret, change it there."""

    code = "webhook_endpoint_already_made"


class InboxOfLive(Conflict):
    """An inbox takes test orders only. Name the address of your server for live ones."""

    code = "webhook_inbox_is_for_tests"


class InboxHasNoAddress(Conflict):
    """An inbox has no address of yours. Make an endpoint for your server."""

    code = "webhook_inbox_has_no_address"


class SecretChanged(Conflict):
    """The secret was changed since this page was opened. Change it again only if nobody kept the new one."""

    code = "webhook_secret_changed"


judges({"pk_webhook_endpoints": EndpointMade})


def create_endpoint(session: Session, actor: Actor, command: CreateEndpoint, *, store_id: UUID | None = None,
                    live: bool | None = None, id: UUID | None = None) -> tuple[Endpoint, str]:
    """A store names an address; its secret is told this once. Steps from now on are told to it.

    A key names endpoints of its own store and mode; people say which (`store_id`, `live`). `id`: of the form that asks,
    so that the same form makes one endpoint.
    Raises NotFound for a store that is not theirs, InboxOfLive, TooManyEndpoints, EndpointMade.
    """
    store = _store(session, actor, store_id)
    live = actor.live if actor.kind is ActorKind.KEY else live
    assert live is not None
    if live and EndpointKind(command.kind) is EndpointKind.INBOX:
        raise InboxOfLive()
    named = session.scalar(select(func.count()).where(
        Endpoint.store_id == store.id, Endpoint.live == live, Endpoint.status != EndpointStatus.DELETED))
    if (named or 0) >= ENDPOINTS_MAX:
        raise TooManyEndpoints()
    secret, endpoint_id = signature.new_secret(), id or ids.new_id()
    endpoint = Endpoint(id=endpoint_id, store_id=store.id, live=live, kind=command.kind, types=command.events,
                        url=command.url or _page(endpoint_id), description=command.description,
                        secret_sealed=_sealed(endpoint_id, secret), with_link=actor.may_open_links)
    session.add(endpoint)
    audit.record(session, actor, "webhook_endpoint.created", "webhook_endpoint", endpoint.public_id,
                 after=_facts(endpoint) | {"live": live})
    session.flush()
    return endpoint, secret


def change_endpoint(session: Session, actor: Actor, command: ChangeEndpoint) -> Endpoint:
    """Another address, other types, off or on again. Payment links go to an address of who may open them.

    Raises NotFound, InboxHasNoAddress.
    """
    endpoint = lock_endpoint(session, actor, command.endpoint_id)
    before = _facts(endpoint)
    if command.url is not None:
        if endpoint.kind == EndpointKind.INBOX:
            raise InboxHasNoAddress()
        endpoint.with_link = actor.may_open_links or (endpoint.with_link and command.url == endpoint.url)
        endpoint.url = command.url
    endpoint.types = command.events or endpoint.types
    if "description" in command.model_fields_set:
        endpoint.description = command.description
    if command.active is not None and command.active != endpoint.active:
        endpoint.status = EndpointStatus.ACTIVE if command.active else EndpointStatus.DISABLED
        endpoint.disabled_because = None if command.active else "merchant"
        endpoint.disabled_at = None if command.active else clock.now()
        endpoint.notice_pending = False
    audit.record(session, actor, "webhook_endpoint.changed", "webhook_endpoint", endpoint.public_id,
                 before=before, after=_facts(endpoint))
    return endpoint


def delete_endpoint(session: Session, actor: Actor, command: DeleteEndpoint) -> None:
    """Told nothing more, what waits for it included. Raises NotFound."""
    endpoint = lock_endpoint(session, actor, command.endpoint_id)
    before = _facts(endpoint)
    endpoint.status = EndpointStatus.DELETED
    endpoint.disabled_because, endpoint.disabled_at, endpoint.notice_pending = "merchant", clock.now(), False
    audit.record(session, actor, "webhook_endpoint.deleted", "webhook_endpoint", endpoint.public_id, before=before)


def rotate_secret(session: Session, actor: Actor, command: RotateSecret) -> tuple[Endpoint, str]:
    """A new secret, told this once; for a day both sign, so that the receiver changes over when it likes. One that does
    not open signs no more: to rotate it is how its store heals it.

    Raises NotFound, SecretChanged.
    """
    endpoint = lock_endpoint(session, actor, command.endpoint_id)
    if command.seen is not None and command.seen != endpoint.secret_version:
        raise SecretChanged()
    secret = signature.new_secret()
    endpoint.previous_secret_sealed, endpoint.previous_until = None, clock.now()
    with suppress(crypto.CannotOpen):
        previous = crypto.open_sealed(endpoint.secret_sealed, place=place(endpoint.id))
        endpoint.previous_secret_sealed = crypto.seal(previous, place=place(endpoint.id, previous=True))
        endpoint.previous_until = clock.now() + ROTATES_FOR
    endpoint.secret_sealed = _sealed(endpoint.id, secret)
    audit.record(session, actor, "webhook_endpoint.secret_rotated", "webhook_endpoint", endpoint.public_id)
    return endpoint, secret


def ping(session: Session, actor: Actor, command: Ping) -> Delivery:
    """A `test.ping` on its way to this endpoint alone. Raises NotFound, EndpointDisabled."""
    endpoint = queries.endpoint(session, actor, command.endpoint_id)
    if not endpoint.active:
        raise EndpointDisabled()
    now, event_id = clock.now(), ids.new_id()
    session.execute(insert(Event), [{
        "id": event_id, "created_at": now, "store_id": endpoint.store_id, "live": endpoint.live, "type": PING,
        "order_id": None, "version": None, "payload": {"endpoint": endpoint.public_id}}])
    row = delivery_row(event_id, now, endpoint.id, endpoint.store_id, endpoint.live, PING, now)
    session.execute(insert(Delivery), [row])
    jobs.enqueue(session, KIND, row["id"], partition=partition_of(endpoint.store_id, endpoint.id))
    audit.record(session, actor, "webhook_endpoint.pinged", "webhook_endpoint", endpoint.public_id)
    return queries.delivery(session, actor, ids.public("dlv", row["id"]))


def resend(session: Session, actor: Actor, command: Resend) -> Delivery:
    """The same event, under the same webhook-id, once more and at once; asked again before it was tried, once.

    Raises NotFound, EndpointDisabled.
    """
    seen = queries.delivery(session, actor, command.delivery_id)
    if not seen.endpoint.active:
        raise EndpointDisabled()
    delivery = locked_one(session, select(Delivery).where(Delivery.id == seen.id,
                                                          Delivery.created_at == seen.created_at))
    if delivery is None:
        raise NotFound()
    if command.after_attempts is not None and delivery.attempts > command.after_attempts:
        return delivery  # a second press of the same button: what it asked for has been done
    now, state = clock.now(), delivery.state
    if state == DeliveryState.PENDING and delivery.attempts == delivery.begun_at_attempt and (
            delivery.next_attempt_at or now) <= now:
        return delivery  # on its way
    delivery.state, delivery.next_attempt_at = DeliveryState.PENDING, now
    delivery.begun_at, delivery.begun_at_attempt = now, delivery.attempts
    audit.record(session, actor, "webhook_delivery.resent", "webhook_delivery", delivery.public_id,
                 before={"state": state})
    session.flush()
    jobs.enqueue(session, KIND, delivery.id, partition=partition_of(delivery.store_id, delivery.endpoint_id))
    # one that waits for its next attempt is due now instead; one that is being sent is left to its sender
    session.execute(update(Job).where(Job.kind == KIND, Job.unique_key == str(delivery.id), Job.lease.is_(None))
                    .values(run_at=jobs.at_once(now), dead_at=None).execution_options(synchronize_session=False))
    return delivery


def place(endpoint_id: UUID, *, previous: bool = False) -> str:
    """Where a secret lies sealed."""
    return f"webhook_endpoints|{'previous_secret' if previous else 'secret'}|{endpoint_id}"


def _page(endpoint_id: UUID) -> str:
    """Where an inbox is read."""
    return channels.link(f"/merchant/developers/endpoints/{ids.public('whk', endpoint_id)}")


def _sealed(endpoint_id: UUID, secret: str) -> bytes:
    return crypto.seal(secret, place=place(endpoint_id))


def _store(session: Session, actor: Actor, store_id: UUID | None) -> Store:
    """The store an endpoint is made for, locked: two requests must not both be its sixteenth. Raises NotFound."""
    rows = select(Store)
    if actor.kind is ActorKind.KEY:
        rows = rows.where(Store.id == actor.store_id)
    elif actor.is_system or actor.is_staff:
        rows = rows.where(Store.id == store_id)
    elif actor.role is Role.MERCHANT:
        rows = rows.where(Store.id == store_id, Store.merchant_id == actor.merchant_id)
    else:
        raise NotFound()
    store = locked_one(session, rows)
    if store is None:
        raise NotFound()
    return store


def lock_endpoint(session: Session, actor: Actor, endpoint_id: str) -> Endpoint:
    """One of theirs. Raises NotFound."""
    rows = queries.endpoints_visible_to(actor).where(Endpoint.id == ids.parse("whk", endpoint_id))
    endpoint = locked_one(session, rows)
    if endpoint is None:
        raise NotFound()
    return endpoint


def _facts(endpoint: Endpoint) -> dict[str, object]:
    return {"url": endpoint.url, "events": endpoint.types, "status": str(endpoint.status),
            "payment_links": endpoint.with_link}
