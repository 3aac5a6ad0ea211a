"""Lists of orders: a page of rows, what they come to, and all of them for a file.

A filter that no index serves looks back over a bounded number of orders and says how far it looked, so that a rare
status among millions costs no more than a common one (docs/decisions/0045).
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased, contains_eager

from portal.core.access import Actor, Role
from portal.core.errors import Denied
from portal.core.jobs import Job
from portal.core.money import Money
from portal.core.paging import Page, cursor_of, newest_first, place_of
from portal.orders import queries
from portal.orders.filters import Filters
from portal.orders.models import OpenPlace, Order
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to

PAGE = 25
LOOK_BACK = 30_000  # orders one page looks through for those that fit
TOTAL_MAX = 10_000  # counted for the line below a list; beyond that it says "more"
BATCH = 2_000  # of an export
PROMISES = ("match_order", "settle_order")  # the jobs of an open order that has no place


class Place(NamedTuple):
    """Where in a list: everything after it is older."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class Listed(Page[Order]):
    """`looked_back_to`: the page ends there because enough was looked through, not because nothing older fits."""

    looked_back_to: datetime | None = None


@dataclass(frozen=True)
class Totals:
    """What the rows of a list come to by currency; `more` when only the newest were counted."""

    count: int
    sums: Sequence[Money]
    more: bool


def list_orders(session: Session, actor: Actor, filters: Filters, *, cursor: str | None) -> Listed:
    """Newest first, each with its store: one query, and another where the look back came to its end."""
    after = Place(*place_of(cursor, UUID)) if cursor else None
    order = _recent(session, actor, filters, after)
    page = newest_first(session, _with_store(_fitting(order, filters), order), order.created_at, order.id,
                        cursor=cursor, limit=PAGE)
    if page.next_cursor is not None:
        return Listed(page.rows, page.next_cursor)
    seen = aliased(Order, _in_range(session, actor, filters, after).subquery())
    last = session.execute(select(seen.created_at, seen.id).order_by(seen.created_at.desc(), seen.id.desc())
                           .offset(LOOK_BACK - 1).limit(1)).first()
    return Listed(page.rows, cursor_of(last.created_at, last.id) if last else None, last.created_at if last else None)


def totals(session: Session, actor: Actor, filters: Filters) -> Totals:
    """Of the newest that fit, `TOTAL_MAX` at most."""
    order = _recent(session, actor, filters, None)
    fitting = (_fitting(order, filters).with_only_columns(order.currency, order.amount_minor)
               .order_by(order.created_at.desc(), order.id.desc()).limit(TOTAL_MAX + 1).subquery())
    rows = session.execute(select(fitting.c.currency, func.count(), func.sum(fitting.c.amount_minor))
                           .group_by(fitting.c.currency).order_by(fitting.c.currency)).all()
    count = sum(number for _, number, _ in rows)
    return Totals(min(count, TOTAL_MAX), [Money(int(minor), currency) for currency, _, minor in rows],
                  count > TOTAL_MAX)


def batch(session: Session, actor: Actor, filters: Filters,
          after: Place | None) -> tuple[Sequence[Order], Place | None]:
    """Some of all that fit, newest first, and where the next begin: a file is made of them, however long it takes."""
    order = aliased(Order, _in_range(session, actor, filters, after).subquery())
    rows = session.scalars(_with_store(_fitting(order, filters), order)
                           .order_by(order.created_at.desc(), order.id.desc()).limit(BATCH)).all()
    return rows, Place(rows[-1].created_at, rows[-1].id) if len(rows) == BATCH else None


def _recent(session: Session, actor: Actor, filters: Filters, after: Place | None) -> Any:
    """The newest orders of the range, as many as are looked through. With a filter of its own index: all of them."""
    rows = _in_range(session, actor, filters, after)
    if filters.q or filters.only_open:
        return aliased(Order, rows.subquery())
    seen = aliased(Order, rows.subquery())
    return aliased(Order, select(seen).order_by(seen.created_at.desc(), seen.id.desc()).limit(LOOK_BACK).subquery())


def _in_range(session: Session, actor: Actor, filters: Filters, after: Place | None) -> Any:
    """The actor's orders of these days. A merchant's come store by store, each in the order of an index."""
    start, end = filters.moments
    sources: list[Select[Order]]
    if actor.role is Role.MERCHANT or filters.store_id is not None:
        wanted = stores_visible_to(actor).with_only_columns(Store.id)
        if filters.store_id is not None:
            wanted = wanted.where(Store.id == filters.store_id)
        stores = session.scalars(wanted).all()
        sources = [select(Order).where(Order.store_id == id, Order.live.is_(filters.live)) for id in stores]
        sources = sources or [select(Order).where(Order.id == UUID(int=0))]
    elif actor.is_staff or actor.is_system:
        sources = [queries.visible_to(actor)]
    else:
        raise Denied()
    bounded = [_after(rows.where(Order.created_at >= start, Order.created_at < end), after) for rows in sources]
    return bounded[0] if len(bounded) == 1 else union_all(*bounded)


def _after(rows: Select[Order], after: Place | None) -> Select[Order]:
    return rows if after is None else rows.where(tuple_(Order.created_at, Order.id) < tuple(after))


def _fitting(order: Any, filters: Filters) -> Select[Order]:
    rows = select(order).where(order.live.is_(filters.live))
    if filters.only_open:
        # open ones are few: found through what they wait for
        rows = rows.where(order.id.in_(select(OpenPlace.order_id).union_all(
            select(Job.reference).where(Job.kind.in_(PROMISES)))))
    if filters.statuses:
        rows = rows.where(order.status.in_(filters.statuses))
    if filters.q:
        rows = rows.where((order.external_id == filters.q) | (order.customer_id == filters.q)
                          | (order.id == queries.id_or_none(filters.q)))
    for column, value in ((order.method, filters.method), (order.currency, filters.currency)):
        if value:
            rows = rows.where(column == value)
    if filters.least is not None:
        rows = rows.where(order.amount_minor >= filters.least.minor)
    if filters.most is not None:
        rows = rows.where(order.amount_minor <= filters.most.minor)
    return rows


def _with_store(rows: Select[Order], order: Any) -> Select[Order]:
    return rows.join(Store, Store.id == order.store_id).options(contains_eager(order.store))
