"""What the calls on payins and on payouts share: taking one in, a page of them, one step of one."""
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.access import Actor
from portal.core.commands import Command, bind
from portal.core.db import reader, transaction
from portal.core.errors import Denied, FieldError, Invalid, NotFound, PortalError, Unavailable
from portal.gateway import pages, payin_answers, schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import shown
from portal.gateway.errors import KeyReused
from portal.gateway.filters import OrderQuery
from portal.gateway.idempotency import REPLAYED, first_in_line, once, required_key, taking_key
from portal.ledger import InsufficientFunds
from portal.orders import queries
from portal.orders.commands import CreatePayin, CreatePayout, OrderCommand
from portal.orders.directions import RULES
from portal.orders.intake.create import Created, create, replay, request_hash
from portal.orders.models import Order
from portal.orders.states import Direction
from portal.tariffs import AmountTooSmall
from portal.test_mode import milestones

C = TypeVar("C", bound=OrderCommand)


def take_in(kind: type[CreatePayin] | type[CreatePayout]) -> Response:
    """Make an order of the body, once for each key. Raises KeyRequired, KeyReused and as `taking_key` and `create`."""
    key, command = required_key(), bind(kind, strict_json.body())
    with first_in_line(caller(), key), taking_key(Order.__tablename__):
        try:
            with transaction() as session:
                made = create(session, caller(), command, idempotency_key=key)
        except (Invalid, Denied, Unavailable, AmountTooSmall, InsufficientFunds) as refusal:
            made = _first(command, key, refusal)
    if not made.same_body:
        raise KeyReused()
    response = shown(made.answer, 201)
    if made.replayed:
        response.headers[REPLAYED] = "true"
        if not caller().live:
            with transaction() as session:
                milestones.note_replay(session, made.row)
    return response


def page_of(direction: Direction) -> Response:
    """A page of the caller's orders, by the query string."""
    wanted = strict_json.query(OrderQuery)
    found = queries.OrderFilter(direction=direction, ids=_ids(direction, wanted.ids),
                                **wanted.model_dump(exclude={"limit", "cursor", "ids"}))
    page = queries.page(reader(), caller(), found, cursor=wanted.cursor, limit=wanted.limit)
    rows = [for_its_reader(row) for row in payin_answers.masked(reader(), page.rows)]
    return pages.listed(rows, page.next_cursor)


def found(direction: Direction, shown_id: str) -> Order:
    """One of the caller's orders of that direction. Raises NotFound."""
    return queries.find(reader(), caller(), id_of(direction, shown_id))


def act(direction: Direction, shown_id: str, wanted: type[C], service: Callable[[Session, Actor, C], Order], *,
        body: type[Command] = schemas.Empty) -> Response:
    """One step of one order; fields of the body are the command's."""
    sent = bind(body, strict_json.body())
    command = wanted(order_id=id_of(direction, shown_id), **sent.model_dump(exclude_none=True))

    def step(session: Session) -> dict[str, Any]:
        return for_its_reader(payin_answers.masked(session, [service(session, caller(), command)])[0])

    return once(caller(), step)


def for_its_reader(order: dict[str, Any]) -> dict[str, Any]:
    """A key that only reads is not told a payment link: with it one cancels and claims."""
    return order if caller().may_open_links or "payment_url" not in order else order | {"payment_url": None}


def id_of(direction: Direction, shown_id: str) -> str:
    """The id of an order of that direction; one of anything else does not exist. Raises NotFound."""
    ids.parse(RULES[direction].prefix, shown_id)
    return shown_id


def _ids(direction: Direction, sent: str | None) -> list[UUID] | None:
    """Raises Invalid: what is spelled like no id of that direction is a mistake, not an empty list."""
    prefix = RULES[direction].prefix
    try:
        return None if sent is None else [ids.parse(prefix, each) for each in sent.split(",")]
    except NotFound:
        raise Invalid(fields=[FieldError("/ids", "invalid_id", f"An id begins with {prefix}_.")]) from None


def _first(command: CreatePayin | CreatePayout, key: str, refusal: PortalError) -> Created:
    """What is refused today may have been accepted under this very key: rates and limits have moved on since.

    Raises the refusal when nothing was.
    """
    store = caller()
    order = reader().scalars(select(Order).where(
        Order.store_id == store.store_id, Order.live == store.live, Order.direction == command.direction,
        Order.idempotency_key == key)).one_or_none()
    if order is None:
        raise refusal
    return replay(order, request_hash(command))
