"""Which orders an actor may see, and finding one, a page of them, or one under lock. Every read starts here."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Select, Uuid, any_, literal, select, true, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from portal.core import ids
from portal.core.access import Actor, ActorKind, Role
from portal.core.db import locked, locked_one
from portal.core.errors import NotFound
from portal.core.paging import Page, cursor_of, newest_first, place_of
from portal.orders.directions import RULES
from portal.orders.facts import PREFIXES
from portal.orders.models import Assignment, Order
from portal.orders.states import AssignmentState, Party
from portal.parties.models import Store

WITH_A_PAGE = tuple(direction for direction, rules in RULES.items() if rules.has_payment_page)
LOOK_BACK = 20_000  # orders one page looks through for those of a status


def visible_to(actor: Actor) -> Select[Order]:
    """Another's order does not exist."""
    orders = select(Order)
    match actor.kind:
        case ActorKind.SYSTEM:
            return orders
        case ActorKind.KEY:
            return orders.where(Order.store_id == actor.store_id, Order.live == actor.live)
        case ActorKind.CUSTOMER:
            return orders.where(Order.id == actor.order_id, Order.direction.in_(WITH_A_PAGE))
    match actor.role:
        case Role.MERCHANT:
            return orders.where(Order.store_id.in_(select(Store.id).where(Store.merchant_id == actor.merchant_id)))
        case Role.TRADER:
            return orders.where(Order.id.in_(select(Assignment.order_id)
                                             .where(Assignment.trader_id == actor.trader_id)))
        case Role.SUPPORT | Role.ADMIN:
            return orders
    raise AssertionError(f"an actor without a role: {actor}")


def party_of(actor: Actor) -> Party:
    """As whom an actor takes a step. That the order is theirs, `visible_to` has seen to."""
    match actor.kind:
        case ActorKind.SYSTEM:
            return Party.SYSTEM
        case ActorKind.KEY:
            return Party.STORE
        case ActorKind.CUSTOMER:
            return Party.CUSTOMER
    return {Role.MERCHANT: Party.STORE, Role.TRADER: Party.TRADER}.get(actor.role, Party.STAFF)  # type: ignore[arg-type]


def find(session: Session, actor: Actor, order_id: str) -> Order:
    """One order with its store, by its public id. Raises NotFound."""
    found = session.scalar(_named(actor, order_id).options(joinedload(Order.store)))
    if found is None:
        raise NotFound()
    return found


def lock(session: Session, actor: Actor, order_id: str) -> Order:
    """The same, locked and fresh: every step begins here. Raises NotFound."""
    found = locked_one(session, _named(actor, order_id))
    if found is None:
        raise NotFound()
    return found


def _named(actor: Actor, order_id: str) -> Select[Order]:
    """`pin_…` names payins alone, `pout_…` payouts: what a door lets one do goes by its direction. Raises NotFound."""
    wanted = ids.parse_any(tuple(PREFIXES.values()), order_id)
    direction = next(direction for direction, prefix in PREFIXES.items() if order_id.startswith(f"{prefix}_"))
    return visible_to(actor).where(Order.id == wanted, Order.direction == direction)


def lock_many(session: Session, order_ids: list[UUID]) -> dict[UUID, Order]:
    """Orders of a batch, in id order."""
    wanted = select(Order).where(Order.id == any_(literal(order_ids, ARRAY(Uuid))))  # its text never changes
    rows = locked(session, wanted.order_by(Order.id))
    return {order.id: order for order in rows}


def current_assignment(session: Session, order: Order) -> Assignment | None:
    """The open or chosen one. The order's lock guards it."""
    return session.scalar(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.state.in_((AssignmentState.OPEN, AssignmentState.CHOSEN)))
        .execution_options(populate_existing=True))


def holding(session: Session, order: Order) -> Sequence[Assignment]:
    """All that are open, chosen or still payable, the newest first. The order's lock guards them."""
    return session.scalars(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.state != AssignmentState.ENDED)
        .order_by(Assignment.id.desc()).execution_options(populate_existing=True)).all()


def public_id_of(session: Session, payer: Actor) -> str:
    """The order behind a payment link. Raises NotFound."""
    found = session.scalar(visible_to(payer))
    if found is None:
        raise NotFound()
    return found.public_id


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """What the gateway's lists take; `created_to` is exclusive."""

    direction: str
    status: str | None = None
    external_id: str | None = None
    customer_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    ids: list[UUID] | None = None


def page(session: Session, actor: Actor, wanted: OrderFilter, *, cursor: str | None, limit: int) -> Page[Order]:
    """Newest first. Raises Invalid for a wrong cursor.

    By a status or the moment of the last step, which no index holds, LOOK_BACK orders are looked through: a page may
    then hold fewer rows than `limit`, or none, and still lead on.
    """
    rows = visible_to(actor)
    for column, value in ((Order.external_id, wanted.external_id), (Order.customer_id, wanted.customer_id)):
        if value is not None:
            rows = rows.where(column == value)
    if wanted.ids is not None:
        rows = rows.where(Order.id == any_(literal(wanted.ids, ARRAY(Uuid))))
    if wanted.created_from is not None:
        rows = rows.where(Order.created_at >= wanted.created_from)
    if wanted.created_to is not None:
        rows = rows.where(Order.created_at < wanted.created_to)
    if wanted.status is not None or wanted.updated_from is not None:
        return _looked_through(session, rows, wanted, cursor=cursor, limit=limit)
    rows = rows.where(Order.direction == wanted.direction)
    return newest_first(session, rows, Order.created_at, Order.id, cursor=cursor, limit=limit)


def _looked_through(session: Session, rows: Select[Order], wanted: OrderFilter, *, cursor: str | None,
                    limit: int) -> Page[Order]:
    """Those of the newest `rows`, found by indexes alone, that are of the direction, stand at the status, and took a
    step from then on."""
    if cursor is not None:
        rows = rows.where(tuple_(Order.created_at, Order.id) < place_of(cursor, UUID))
    newest: Any = rows.with_only_columns(Order.id, Order.created_at).order_by(Order.created_at.desc(), Order.id.desc())
    recent = newest.limit(LOOK_BACK).subquery()
    # OFFSET 0 keeps the planner from joining all of them: one by one, and no further than the page
    fitting = select(Order).where(Order.id == recent.c.id, Order.direction == wanted.direction)
    if wanted.status is not None:
        fitting = fitting.where(Order.status == wanted.status)
    if wanted.updated_from is not None:
        last_told = Order.steps[-1][1].astext.cast(DateTime(timezone=True))
        fitting = fitting.where(last_told >= wanted.updated_from)
    order = aliased(Order, fitting.offset(0).lateral())
    found = session.scalars(select(order).select_from(recent).join(order, true()).order_by(
        recent.c.created_at.desc(), recent.c.id.desc()).limit(limit + 1)).all()
    if len(found) > limit:
        return Page(found[:limit], cursor_of(found[limit - 1].created_at, found[limit - 1].id))
    end = session.execute(newest.offset(LOOK_BACK - 1).limit(1)).first()
    return Page(found, cursor_of(end.created_at, end.id) if end else None)
