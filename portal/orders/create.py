"""Taking an order in: one of the three hot statements, so it is one round trip, and no ORM object is flushed.

Order, its key and request hash, the event and the job are one statement. A key or an external id that is there already
leaves the statement without a row; what is there is then looked at, the key first.
"""
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import reference, tariffs, webhooks
from portal.core import clock, ids, jobs
from portal.core.access import Actor
from portal.core.errors import Conflict, FieldError, Invalid
from portal.core.money import convert
from portal.orders import view
from portal.orders.commands import CreatePayin
from portal.orders.models import Order
from portal.orders.states import Direction, Status
from portal.orders.terms import Terms, terms_of


class ExternalIdTaken(Conflict):
    """Another order of this store has this external id."""

    code = "external_id_taken"


@dataclass(frozen=True)
class Created:
    """`replayed`: the key was used before; `same_body`: with this very request."""

    order: Order
    replayed: bool
    same_body: bool

    @property
    def answer(self) -> dict[str, Any]:
        """The first answer, and every replay of it."""
        return view.created(self.order)


INSERT = text("""
    WITH made AS (
        INSERT INTO orders (id, direction, live, store_id, external_id, idempotency_key, request_hash, status, version,
            currency, amount_minor, amount_to_pay_minor, late, method, bank, customer_id, customer_name, customer_ip,
            description, return_url, metadata, settlement_currency, settlement_minor, fee_minor, rate, rate_at, rate_id,
            tariff_id, created_at, match_by, tries, steps)
        VALUES (:id, :direction, :live, :store_id, :external_id, :idempotency_key, :request_hash, :status, 1,
            :currency, :amount_minor, :amount_minor, false, :method, :bank, :customer_id, :customer_name,
            CAST(:customer_ip AS inet), :description, :return_url, CAST(:metadata AS jsonb), :settlement_currency,
            :settlement_minor, :fee_minor, :rate, :rate_at, :rate_id, :tariff_id, :now, :match_by, 0,
            CAST(:steps AS jsonb))
        ON CONFLICT DO NOTHING RETURNING id
    ), told AS (
        INSERT INTO order_events (id, created_at, order_id, version, type, to_status, actor_kind, actor_id, actor_name,
            role, address, request_id, details, payload)
        SELECT :event_id, :now, id, 1, :event_type, :status, :actor_kind, CAST(:actor_id AS uuid), :actor_name, :role,
            CAST(:address AS inet), :request_id, '{}', CAST(:payload AS jsonb) FROM made
    ), promised AS (
        INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
        SELECT 'match_order', id, CAST(id AS text), :now, :log_request_id, :now FROM made
    )
    SELECT id, EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.store_id = :store_id AND e.live = :live
                       AND e.status = 'active') AS somebody_listens FROM made""")


def request_hash(command: CreatePayin) -> bytes:
    """Of the canonical request: white space and the order of keys do not matter, nor fields left at their default."""
    body = command.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).digest()


def create(session: Session, actor: Actor, command: CreatePayin, *, idempotency_key: str) -> Created:
    """A store's system asks for a payin: freeze rate, tariff and fee, and have it matched.

    Raises StoreSuspended, Invalid (currency, method, limits, return address), RateUnavailable, AmountTooSmall,
    NoTariff, ExternalIdTaken, LockTimeout while the same key or external id is being taken elsewhere.
    """
    assert actor.store_id is not None
    assert actor.live is not None
    hash = request_hash(command)
    order = _order(session, actor, command, idempotency_key=idempotency_key, hash=hash)
    row = session.execute(INSERT, _parameters(actor, order)).one_or_none()
    if row is None:
        return _taken(session, order, hash)
    jobs.wake(session, "match_order")
    if row.somebody_listens:
        webhooks.announce(session, [webhooks.Announcement(
            store_id=order.store_id, live=order.live, type=f"{order.direction}.new", order_id=order.id, version=1,
            payload=view.created(order))])
    return Created(order, replayed=False, same_body=True)


def _order(session: Session, actor: Actor, command: CreatePayin, *, idempotency_key: str, hash: bytes) -> Order:
    """As it will lie in the table; never added to the session."""
    terms = terms_of(session, actor.store_id)  # type: ignore[arg-type]
    method = _method(terms, command)
    amount, now = command.money, clock.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    quote = reference.quote(terms.settlement_currency, command.currency, session)
    settlement = convert(amount, quote.rate, terms.settlement_currency)
    if not settlement:
        raise tariffs.AmountTooSmall()
    fee = tariffs.fee(session, store_id=terms.store_id, direction=Direction.PAYIN, method=method, amount=amount,
                      settlement=settlement)
    customer = command.customer
    return Order(
        id=ids.new_id(), direction=Direction.PAYIN, live=actor.live, store_id=terms.store_id,
        external_id=command.external_id, idempotency_key=idempotency_key, request_hash=hash, status=Status.NEW,
        version=1, currency=command.currency, amount_minor=amount.minor, amount_to_pay_minor=amount.minor, late=False,
        method=method, bank=command.bank, customer_id=customer.id if customer else None,
        customer_name=customer.name if customer else None, customer_ip=customer.ip if customer else None,
        description=command.description, return_url=command.return_url, meta=command.metadata,
        settlement_currency=settlement.currency, settlement_minor=settlement.minor, fee_minor=fee.amount.minor,
        rate=quote.rate, rate_at=quote.at, rate_id=quote.id, tariff_id=fee.tariff_id, created_at=now,
        match_by=now + timedelta(seconds=terms.match_for_s), steps=[["payin.new", clock.rfc3339(now) or ""]])


def _method(terms: Terms, command: CreatePayin) -> str:
    """What the store takes, all that is wrong at once. Raises Invalid."""
    wrong, method = [], command.method
    taken = terms.currencies.get(command.currency)
    if taken is None or not taken.payin:
        wrong.append(FieldError("/currency", "currency_not_taken", "The store does not take this currency."))
    else:
        method = method or (taken.methods[0] if len(taken.methods) == 1 else None)
        if method is None:
            wrong.append(FieldError("/method", "missing", f"Name a method: {', '.join(taken.methods)}."))
        elif method not in taken.methods:
            wrong.append(FieldError("/method", "method_not_taken", "The store does not take this method."))
        if not taken.least <= command.money <= taken.most:
            wrong.append(FieldError("/amount", "amount_out_of_range",
                                    f"The store takes {taken.least.text} to {taken.most.text} {command.currency}."))
    if command.bank is not None and command.bank not in reference.snapshot().banks:
        wrong.append(FieldError("/bank", "unknown_bank", "The desk does not know this bank."))
    if command.return_url is not None and urlsplit(command.return_url).hostname not in terms.return_hosts:
        wrong.append(FieldError("/return_url", "host_not_listed", "The store has not listed this host."))
    if wrong:
        raise Invalid(fields=wrong)
    assert method is not None
    return method


def _taken(session: Session, order: Order, hash: bytes) -> Created:
    """The key first: a retry finds its own order, even when the external id is what stood in the way."""
    first = session.scalar(select(Order).where(
        Order.store_id == order.store_id, Order.live == order.live, Order.direction == order.direction,
        Order.idempotency_key == order.idempotency_key))
    if first is not None:
        return Created(first, replayed=True, same_body=bytes(first.request_hash) == hash)
    other = session.scalar(select(Order).where(
        Order.store_id == order.store_id, Order.live == order.live, Order.external_id == order.external_id))
    raise ExternalIdTaken(order_id=other.public_id if other else None)


def _parameters(actor: Actor, order: Order) -> dict[str, Any]:
    columns = ("id", "direction", "live", "store_id", "external_id", "idempotency_key", "request_hash", "status",
               "currency", "amount_minor", "method", "bank", "customer_id", "customer_name", "customer_ip",
               "description", "return_url", "settlement_currency", "settlement_minor", "fee_minor", "rate", "rate_at",
               "rate_id", "tariff_id", "match_by")
    return {name: getattr(order, name) for name in columns} | {
        "metadata": json.dumps(order.meta), "steps": json.dumps(order.steps), "now": order.created_at,
        "event_id": ids.new_id(), "event_type": f"{order.direction}.new", "actor_kind": actor.kind,
        "actor_id": actor.id, "actor_name": actor.name, "role": actor.role, "address": actor.address,
        "request_id": actor.request_id, "payload": json.dumps(view.created(order)),
        "log_request_id": structlog.contextvars.get_contextvars().get("request_id")}
