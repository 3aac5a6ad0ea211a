"""Which requisites an actor may see, and how much of their limits is used."""
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import NotFound
from portal.core.money import Money
from portal.core.paging import Page, newest_first
from portal.requisites.models import PREFIX, Requisite

PAGE = 50


def visible_to(actor: Actor) -> Select[Requisite]:
    """A trader sees their own, staff and the desk itself all, anybody else none."""
    if actor.is_staff or actor.is_system:
        return select(Requisite)
    if actor.trader_id is not None:
        return select(Requisite).where(Requisite.trader_id == actor.trader_id)
    return select(Requisite).where(false())


def find(session: Session, actor: Actor, requisite_id: str) -> Requisite:
    """By its public id, with trader and holder. Raises NotFound, also for somebody else's."""
    found = session.scalar(_with_people(visible_to(actor)).where(Requisite.id == ids.parse(PREFIX, requisite_id)))
    if found is None:
        raise NotFound()
    return found


def lock(session: Session, actor: Actor, id: UUID) -> Requisite:
    """Locked and fresh. Raises NotFound, also for somebody else's."""
    found = locked_one(session, visible_to(actor).where(Requisite.id == id))
    if found is None:
        raise NotFound()
    return found


def page(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE,
         trader_id: UUID | None = None, status: str | None = None, method: str | None = None,
         currency: str | None = None, robots: bool = False) -> Page[Requisite]:
    """Newest first, with trader and holder. Raises Invalid for a bad cursor."""
    rows = _with_people(visible_to(actor))
    if trader_id is not None:
        rows = rows.where(Requisite.trader_id == trader_id)
    for column, value in ((Requisite.status, status), (Requisite.method, method), (Requisite.currency, currency)):
        if value is not None:
            rows = rows.where(column == value)
    if not robots:
        rows = rows.where(Requisite.robot.is_(False))
    return newest_first(session, rows, Requisite.created_at, Requisite.id, cursor=cursor, limit=limit)


@dataclass(frozen=True)
class Used:
    """What counts against the limits on a day and in its month."""

    day: Money
    day_count: int
    month: Money
    open_orders: int


def used(requisite: Requisite, on: date | None = None) -> Used:
    """Read from the counters: a pair kept for another day or month is zero today."""
    on = on or clock.today()
    this_day, this_month = counts_on(requisite.day_on, on), counts_in_month(requisite.month_on, on)
    return Used(
        day=Money(requisite.day_used_minor if this_day else 0, requisite.currency),
        day_count=requisite.day_count if this_day else 0,
        month=Money(requisite.month_used_minor if this_month else 0, requisite.currency),
        open_orders=requisite.open_orders)


def counts_on(day_on: date | None, day: date) -> bool:
    """Whether a counter of `day_on` counts: also one that has begun the next day, as matching sees it."""
    return day_on in (day, day + timedelta(days=1))


def counts_in_month(month_on: date | None, day: date) -> bool:
    month = day.replace(day=1)
    return month_on in (month, (month + timedelta(days=31)).replace(day=1))


def _with_people(rows: Select[Requisite]) -> Select[Requisite]:
    return rows.options(joinedload(Requisite.trader), joinedload(Requisite.holder))
