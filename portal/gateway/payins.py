"""Payins over JSON: the same services that stand behind the pages."""
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.access import Actor, Permission
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import Denied, Invalid, NotFound, PortalError, Unavailable
from portal.core.lifecycle import InvalidTransition
from portal.gateway import payin_answers, schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.gateway.errors import KeyReused
from portal.gateway.filters import OrderQuery
from portal.gateway.idempotency import REPLAYED, first_in_line, once, required_key
from portal.orders import queries, service
from portal.orders.commands import CancelOrder, CreatePayin, MarkPaid, OrderCommand
from portal.orders.intake.create import Created, ExternalIdTaken, create, replay, request_hash
from portal.orders.models import Order
from portal.orders.service import OrderExpired
from portal.orders.states import Direction
from portal.reference import RateUnavailable
from portal.reference.pauses import DeskPaused
from portal.tariffs import AmountTooSmall

C = TypeVar("C", bound=OrderCommand)
PAYIN = "pin"


@call("POST", "/payins", Permission.ORDER_CREATE, summary="Take a payment from a customer", body=CreatePayin,
      answer=schemas.Payin, status=201, moves_money=True,
      errors=(ExternalIdTaken, RateUnavailable, AmountTooSmall, DeskPaused))
def create_payin() -> Response:
    key, command = required_key(), bind(CreatePayin, strict_json.body())
    with first_in_line(caller(), key):
        try:
            with transaction() as session:
                made = create(session, caller(), command, idempotency_key=key)
        except (Invalid, Denied, Unavailable, AmountTooSmall) as refusal:
            made = _first(command, key, refusal)
    return _created(made)


@call("GET", "/payins", Permission.ORDER_READ, summary="Payins, newest first, numbers masked", query=OrderQuery,
      answer=schemas.Page[schemas.Payin])
def list_payins() -> Response:
    wanted = strict_json.query(OrderQuery)
    found = queries.OrderFilter(direction=Direction.PAYIN, **wanted.model_dump(exclude={"limit", "cursor"}))
    page = queries.page(reader(), caller(), found, cursor=wanted.cursor, limit=wanted.limit)
    rows = [_for_its_reader(row) for row in payin_answers.masked(reader(), page.rows)]
    return shown({"data": rows, "next_cursor": page.next_cursor})


@call("GET", "/payins/<payin_id>", Permission.ORDER_READ, summary="A payin, its requisite in full while it can be paid",
      answer=schemas.Payin, errors=(NotFound,))
def get_payin(payin_id: str) -> Response:
    order = queries.find(reader(), caller(), _payin(payin_id))
    return shown(_for_its_reader(payin_answers.in_full(reader(), order)))


@call("POST", "/payins/<payin_id>/cancel", Permission.ORDER_CANCEL, summary="Call it off while no money has moved",
      body=schemas.Empty, answer=schemas.Payin, errors=(NotFound, InvalidTransition))
def cancel_payin(payin_id: str) -> Response:
    return _act(payin_id, CancelOrder, service.cancel)


@call("POST", "/payins/<payin_id>/mark-paid", Permission.ORDER_MARK_PAID, summary="The customer says it is paid",
      body=schemas.Empty, answer=schemas.Payin, errors=(NotFound, InvalidTransition, OrderExpired))
def mark_payin_paid(payin_id: str) -> Response:
    return _act(payin_id, MarkPaid, service.mark_paid)


def _for_its_reader(order: dict[str, Any]) -> dict[str, Any]:
    """A key that only reads is not told the link: with it one cancels and claims."""
    return order if caller().may_open_links else order | {"payment_url": None}


def _created(made: Created) -> Response:
    """Raises KeyReused."""
    if not made.same_body:
        raise KeyReused()
    response = shown(made.answer, 201)
    if made.replayed:
        response.headers[REPLAYED] = "true"
    return response


def _first(command: CreatePayin, key: str, refusal: PortalError) -> Created:
    """What is refused today may have been accepted under this very key: rates and limits have moved on since.

    Raises the refusal when nothing was.
    """
    store = caller()
    order = reader().scalars(select(Order).where(
        Order.store_id == store.store_id, Order.live == store.live, Order.direction == Direction.PAYIN,
        Order.idempotency_key == key)).one_or_none()
    if order is None:
        raise refusal
    return replay(order, request_hash(command))


def _act(payin_id: str, wanted: type[C], service: Callable[[Session, Actor, C], Order]) -> Response:
    """One step of one payin; the body is an empty object."""
    bind(schemas.Empty, strict_json.body())
    command = wanted(order_id=_payin(payin_id))

    def act(session: Session) -> dict[str, Any]:
        return payin_answers.masked(session, [service(session, caller(), command)])[0]

    return once(caller(), act)


def _payin(shown_id: str) -> str:
    """The id of a payin; one of anything else does not exist. Raises NotFound."""
    ids.parse(PAYIN, shown_id)
    return shown_id
