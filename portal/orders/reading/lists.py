"""Lists of orders: a page of rows, what they come to, and all of them for a file.

A filter that no index serves looks back over a bounded number of orders and says how far it looked, so that a rare
status among millions costs no more than a common one (docs/decisions/0045).
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, and_, cast, false, func, select, true, tuple_, union_all
from sqlalchemy.orm import Session, aliased, contains_eager

from portal.core import names
from portal.core.access import Actor, Role
from portal.core.errors import Denied
from portal.core.jobs import Job
from portal.core.money import Money
from portal.core.paging import Page, cursor_of, place_of
from portal.orders import queries
from portal.orders.models import OpenPlace, Order
from portal.orders.reading import pasted
from portal.orders.reading.customer_names import BEGINNING_MIN as NAME_MIN
from portal.orders.reading.customer_names import begins, name_of_customer
from portal.orders.reading.filters import Filters
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to

PAGE = 25
TOTAL_MAX = 10_000  # counted for the line below a list; beyond that it says "more"
BATCH = 2_000  # of an export
PROMISES = ("match_order", "settle_order")  # the jobs of an open order that has no place


class Cursor(NamedTuple):
    """Where in a list: everything after it is older."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class Listed(Page[Order]):
    """`looked_back_to`: the page ends there because enough was looked through, not because nothing older fits.
    `outside`: a whole id was asked for, and the other filters would have left it out."""

    looked_back_to: datetime | None = None
    outside: bool = False


@dataclass(frozen=True)
class Totals:
    """What the rows of a list come to by currency; `more` when only the newest were counted."""

    count: int
    sums: Sequence[Money]
    more: bool


def list_orders(session: Session, actor: Actor, filters: Filters, *, cursor: str | None) -> Listed:
    """Newest first, each with its store. An id wins: it is found whatever else is asked for."""
    if (wanted := pasted.order_id(filters.q)) is not None:
        found = _by_id(session, actor, wanted)
        fits = _narrowed(_in_days(queries.visible_to(actor).where(Order.id == wanted), filters), filters)
        if filters.store_id is not None:
            fits = fits.where(Order.store_id == filters.store_id)
        return Listed(found, None, None, bool(found) and session.scalar(fits.with_only_columns(Order.id)) is None)
    after = Cursor(*place_of(cursor, UUID)) if cursor else None
    rows, beyond, looked_back = _some(session, actor, filters, after, PAGE)
    return Listed(rows, cursor_of(*beyond) if beyond else None, beyond.at if beyond and looked_back else None)


def batch(session: Session, actor: Actor, filters: Filters,
          after: Cursor | None) -> tuple[Sequence[Order], Cursor | None]:
    """Some of all that fit, newest first, and where the next begin: a file is made of them, however long it takes."""
    if (wanted := pasted.order_id(filters.q)) is not None:
        return _by_id(session, actor, wanted), None
    rows, beyond, _ = _some(session, actor, filters, after, BATCH)
    return rows, beyond


def totals(session: Session, actor: Actor, filters: Filters) -> Totals:
    """Of the newest that fit, `TOTAL_MAX` at most."""
    if (wanted := pasted.order_id(filters.q)) is not None:
        found = _by_id(session, actor, wanted)
        return Totals(len(found), [order.amount for order in found], False)
    rows, order = _fitting(session, actor, filters, None, TOTAL_MAX)
    fitting = rows.with_only_columns(order.currency, order.amount_minor).limit(TOTAL_MAX + 1).subquery()
    sums = session.execute(select(fitting.c.currency, func.count(), func.sum(fitting.c.amount_minor))
                           .group_by(fitting.c.currency).order_by(fitting.c.currency)).all()
    count = sum(number for _, number, _ in sums)
    return Totals(min(count, TOTAL_MAX), [Money(int(minor), currency) for currency, _, minor in sums],
                  count > TOTAL_MAX)


def _by_id(session: Session, actor: Actor, id: UUID) -> Sequence[Order]:
    return session.scalars(queries.visible_to(actor).where(Order.id == id)
                           .join(Store, Store.id == Order.store_id).options(contains_eager(Order.store))).all()


def _some(session: Session, actor: Actor, filters: Filters, after: Cursor | None,
          limit: int) -> tuple[Sequence[Order], Cursor | None, bool]:
    """Rows, the place after which to go on (None: nothing is older), and whether it was the look back that ended."""
    fitting, order = _fitting(session, actor, filters, after, limit)
    rows = session.scalars(fitting.join(Store, Store.id == order.store_id).options(contains_eager(order.store))
                           .limit(limit + 1)).all()
    if len(rows) > limit:
        return rows[:limit], Cursor(rows[limit - 1].created_at, rows[limit - 1].id), False
    if not _scans(actor, filters):
        return rows, None, False
    end = session.execute(_recent(session, actor, filters, after, queries.LOOK_BACK)
                          .offset(queries.LOOK_BACK - 1).limit(1)).first()
    return rows, Cursor(end.created_at, end.id) if end else None, True


def _scans(actor: Actor, filters: Filters) -> bool:
    """Whether rows must be read to see if they fit: no index knows what is asked for."""
    if filters.q or filters.only_open:
        return False
    asked = filters.statuses or filters.method or filters.currency or filters.amount_from or filters.amount_to
    # the index of all stores together knows neither mode nor direction
    return bool(asked) or not _by_store(actor, filters)


def _fitting(session: Session, actor: Actor, filters: Filters, after: Cursor | None,
             limit: int) -> tuple[Select[Order], Any]:
    """What is asked for, newest first, and the entity it comes as: among the newest, or by an index of its own."""
    if filters.q or filters.only_open:
        return _own_index(session, actor, filters, after), Order
    reach = queries.LOOK_BACK if _scans(actor, filters) else limit + 1
    recent = _recent(session, actor, filters, after, reach).subquery()
    # OFFSET 0 keeps the planner from joining all of them: one by one, and no further than the page
    order = aliased(Order, _narrowed(select(Order).where(Order.id == recent.c.id), filters).offset(0).lateral())
    return select(order).select_from(recent).join(order, true()).order_by(
        recent.c.created_at.desc(), recent.c.id.desc()), order


def _own_index(session: Session, actor: Actor, filters: Filters, after: Cursor | None) -> Any:
    rows: Any = _narrowed(_in_days(select(Order), filters), filters)
    if _by_store(actor, filters):
        rows = rows.where(Order.store_id.in_(_stores(session, actor, filters)))
    if filters.q:
        rows = rows.where(Order.id.in_(_named(session, actor, filters)))
    if filters.only_open:
        # open ones are few: found through what they wait for
        rows = rows.where(Order.id.in_(select(OpenPlace.order_id).union_all(
            select(Job.reference).where(Job.kind.in_(PROMISES)))))
    return _after(rows, after).order_by(Order.created_at.desc(), Order.id.desc())


def _named(session: Session, actor: Actor, filters: Filters) -> Any:
    """Ids of what the text may mean, each reading by its index: the store's id in any case, the customer's, the end of
    ours as lists show it, how the customer's name begins."""
    wanted, stores = filters.q, Order.store_id.in_(_stores(session, actor, filters))
    readings = [func.lower(Order.external_id) == wanted.lower(), and_(stores, Order.customer_id == wanted)]
    if ends := pasted.tails(wanted):
        readings.append(func.right(cast(Order.id, Text), 8).in_(ends))
    if len(wanted) >= NAME_MIN and not wanted[0].isdecimal():
        readings.append(and_(stores, Order.customer_name.is_not(None), *begins(name_of_customer(),
                                                                               names.canonical(wanted))))
    return union_all(*[select(Order.id).where(reading) for reading in readings])


def _in_days(rows: Any, filters: Filters) -> Any:
    start, end = filters.moments
    return rows.where(Order.created_at >= start, Order.created_at < end)


def _recent(session: Session, actor: Actor, filters: Filters, after: Cursor | None, limit: int) -> Any:
    """Id and moment of the actor's newest orders in these days: by indexes alone, store by store if need be."""
    start, end = filters.moments
    rows: Any = select(Order.id, Order.created_at).where(Order.created_at >= start, Order.created_at < end)
    rows = _after(rows, after)
    if not _by_store(actor, filters):
        return _newest(rows, limit)
    each = [_newest(rows.where(Order.store_id == id, Order.live.is_(filters.live), Order.direction == direction),
                    limit).subquery() for id in _stores(session, actor, filters) for direction in filters.directions]
    if not each:
        return _newest(rows.where(false()), limit)
    found = union_all(*[select(one.c.id, one.c.created_at) for one in each]).subquery()
    return select(found.c.id, found.c.created_at).order_by(found.c.created_at.desc(), found.c.id.desc()).limit(limit)


def _by_store(actor: Actor, filters: Filters) -> bool:
    """A merchant's orders, or one store's; staff see all. Raises Denied for anybody else."""
    if actor.role is Role.MERCHANT or (filters.store_id is not None and (actor.is_staff or actor.is_system)):
        return True
    if actor.is_staff or actor.is_system:
        return False
    raise Denied()


def _stores(session: Session, actor: Actor, filters: Filters) -> Sequence[UUID]:
    wanted = stores_visible_to(actor).with_only_columns(Store.id)
    return session.scalars(wanted if filters.store_id is None else wanted.where(Store.id == filters.store_id)).all()


def _narrowed(rows: Select[Order], filters: Filters) -> Select[Order]:
    rows = rows.where(Order.live.is_(filters.live), Order.direction.in_(filters.directions))
    if filters.statuses:
        rows = rows.where(Order.status.in_(filters.statuses))
    for column, value in ((Order.method, filters.method), (Order.currency, filters.currency)):
        if value:
            rows = rows.where(column == value)
    if filters.least is not None:
        rows = rows.where(Order.amount_minor >= filters.least.minor)
    if filters.most is not None:
        rows = rows.where(Order.amount_minor <= filters.most.minor)
    return rows


def _newest(rows: Any, limit: int) -> Any:
    return rows.order_by(Order.created_at.desc(), Order.id.desc()).limit(limit)


def _after(rows: Any, after: Cursor | None) -> Any:
    return rows if after is None else rows.where(tuple_(Order.created_at, Order.id) < tuple(after))
