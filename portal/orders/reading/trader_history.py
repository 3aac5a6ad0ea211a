"""A trader's orders of all days: what was given to him, newest first, found by whatever a payer can tell him.

By his own history (ix_assignments_history). What no index knows, a state or a payer's name, is looked for among the
newest LOOK_BACK, and the page says how far it looked.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, Text, and_, cast, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from portal.core import names
from portal.core.access import Actor
from portal.core.date_range import Days
from portal.core.errors import FieldError, Invalid
from portal.core.paging import Page, cursor_of, place_of
from portal.orders.models import Assignment, Order
from portal.orders.reading import pasted
from portal.orders.reading.trader_queue import Queued, rows_of_queue
from portal.orders.states import AssignmentState
from portal.requisites.models import Requisite
from portal.requisites.numbers import fingerprints

PAGE = 25
LOOK_BACK = 20_000
BATCH = 2_000  # of an export
STATES = ("open", "done", "lost")
DONE = or_(Assignment.state == AssignmentState.CHOSEN, Assignment.end_reason == "settled")
IN_STATE = {"open": Assignment.state.in_((AssignmentState.OPEN, AssignmentState.LINGERING)), "done": DONE,
            "lost": and_(Assignment.state == AssignmentState.ENDED, Assignment.end_reason != "settled")}


@dataclass(frozen=True)
class Filters:
    """Empty means all. Days are the operator's, of when the order was given to him."""

    q: str = ""  # an order's id, an amount, a card or its last four digits, a payer's name
    state: str = ""
    day_from: date | None = None
    day_to: date | None = None

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid."""
        days, state = Days.of(sent), sent.get("state", "")
        if state and state not in STATES:
            raise Invalid("Please correct the filters.", fields=[
                FieldError("/state", "unknown_state", "There is no such choice.")])
        return cls(pasted.clean(sent.get("q", "")), state, days.first, days.last)

    @property
    def narrowed(self) -> bool:
        return self != type(self)()

    @property
    def days(self) -> Days:
        return Days(self.day_from, self.day_to)

    @property
    def asked(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class History(Page[Queued]):
    """`outside`: a whole id was asked for, and the other filters would have left it out."""

    looked_back_to: datetime | None = None
    outside: bool = False


def page(session: Session, actor: Actor, filters: Filters, *, cursor: str | None) -> History:
    """Newest first. Raises Invalid for a cursor that we did not make."""
    assert actor.trader_id is not None
    if (wanted := pasted.order_id(filters.q)) is not None:
        return _one(session, actor.trader_id, filters, wanted)
    rows, after, looked_back = _some(session, actor, filters, _place(cursor), PAGE)
    return History(rows, cursor_of(*after) if after else None, after[0] if after and looked_back else None)


def batch(session: Session, actor: Actor, filters: Filters,
          after: tuple[datetime, UUID] | None) -> tuple[Sequence[Queued], tuple[datetime, UUID] | None]:
    """Some of all that fit, and where the next begin: a file is made of them."""
    if pasted.order_id(filters.q) is not None:
        return page(session, actor, filters, cursor=None).rows, None
    rows, beyond, _ = _some(session, actor, filters, after, BATCH)
    return rows, beyond


def _one(session: Session, trader_id: UUID, filters: Filters, order_id: UUID) -> History:
    """An id wins: it is found whatever else is asked for."""
    his = rows_of_queue().where(Assignment.trader_id == trader_id, Assignment.order_id == order_id)
    found = _read(session, his.order_by(Assignment.created_at.desc()).limit(PAGE))
    fits = _read(session, _in_days(his, filters).where(*_in_state(filters)).limit(PAGE))
    return History(found, None, None, bool(found) and not fits)


def _some(session: Session, actor: Actor, filters: Filters, after: tuple[datetime, UUID] | None,
          limit: int) -> tuple[Sequence[Queued], tuple[datetime, UUID] | None, bool]:
    """Rows, where to go on (None: nothing is older), and whether it was the look back that ended."""
    newest = select(Assignment.id, Assignment.created_at).where(Assignment.trader_id == actor.trader_id)
    newest = _in_days(newest, filters)
    if after is not None:
        newest = newest.where(tuple_(Assignment.created_at, Assignment.id) < after)
    newest = newest.order_by(Assignment.created_at.desc(), Assignment.id.desc())
    scans = bool(filters.q or filters.state)  # rows must be read to see if they fit
    recent = newest.limit(LOOK_BACK if scans else limit + 1).subquery()
    fitting = rows_of_queue().where(Assignment.id == recent.c.id, *_in_state(filters))
    if filters.q:
        fitting = fitting.where(_fits(session, actor, filters.q))
    # OFFSET 0 keeps the planner from joining all of them: one by one, and no further than the page
    row = fitting.offset(0).lateral()
    rows = _read(session, select(*row.c).select_from(recent).join(row, true())
                 .order_by(recent.c.created_at.desc(), recent.c.id.desc()).limit(limit + 1))
    if len(rows) > limit:
        return rows[:limit], (rows[limit - 1].created_at, rows[limit - 1].id), False
    if not scans:
        return rows, None, False
    end = session.execute(newest.offset(LOOK_BACK - 1).limit(1)).first()
    return rows, (end.created_at, end.id) if end else None, True


def _in_days(rows: Any, filters: Filters) -> Any:
    if (since := filters.days.since) is not None:
        rows = rows.where(Assignment.created_at >= since)
    if (until := filters.days.until) is not None:
        rows = rows.where(Assignment.created_at < until)
    return rows


def _in_state(filters: Filters) -> list[Any]:
    return [IN_STATE[filters.state]] if filters.state else []


def _fits(session: Session, actor: Actor, wanted: str) -> Any:
    """Each reading of the text. Who pays an order that he lost is not his to know, so its payer finds nothing."""
    readings: list[Any] = [and_(~IN_STATE["lost"], names.folded(Order.customer_name).contains(
        names.canonical(wanted), autoescape=True))]
    if ends := pasted.tails(wanted):
        readings.append(func.right(cast(Order.id, Text), 8).in_(ends))
    his = select(Requisite.id).where(Requisite.trader_id == actor.trader_id)
    if (last_four := pasted.last_four(wanted)) is not None:
        readings.append(Assignment.requisite_id.in_(his.where(Requisite.number_last4 == last_four)))
    if numbers := pasted.numbers(wanted):
        marks = [mark for number in numbers for mark in fingerprints(number)]
        readings.append(Assignment.requisite_id.in_(his.where(Requisite.number_fingerprint.in_(marks))))
    readings += [and_(Assignment.amount_minor == minor, Order.currency.in_(codes))
                 for codes, minor in pasted.amounts(wanted)]
    return or_(*readings)


def _read(session: Session, rows: Select[*tuple[Any, ...]]) -> list[Queued]:
    return [Queued._make(row) for row in session.execute(rows)]


def _place(cursor: str | None) -> tuple[datetime, UUID] | None:
    return place_of(cursor, UUID) if cursor else None
