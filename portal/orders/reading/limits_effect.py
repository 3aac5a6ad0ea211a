"""What other limits of a requisite, or of a person over all theirs, would have made of yesterday's orders there.

The assignments of the operator's yesterday are put, in the order in which they came, to the limits that are asked for:
range, sums and number of the day, sum of the month, open orders at once, rest between orders; a person has those of sum
and number alone. An order that is kept away counts for nothing afterwards. Bounded: the first ASSIGNMENTS_MAX of the
day, by the traders' histories.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, joinedload

from portal.core import clock
from portal.core.money import MINOR_MAX, Money
from portal.orders.models import Assignment, Order
from portal.orders.states import Status
from portal.parties.models import Holder
from portal.requisites.models import Requisite

ASSIGNMENTS_MAX, SHOWN_MAX = 2_000, 10
RANGE, DAY, DAY_COUNT, MONTH, SLOTS, COOLDOWN = "range", "day", "day_count", "month", "slots", "cooldown"


@dataclass
class LimitsEffect:
    """Of `orders` that came to it yesterday: how many the limits would have kept away, by which, and what became of
    those. `more_room`: limits that were the end of it yesterday and would not be."""

    currency: str
    day: date
    orders: int = 0
    kept_away: dict[str, int] = field(default_factory=dict)
    completed_minor: int = 0  # of those kept away
    shown: list[Order] = field(default_factory=list)
    cut: bool = False
    more_room: list[str] = field(default_factory=list)

    @property
    def kept_away_in_all(self) -> int:
        return sum(self.kept_away.values())

    @property
    def completed(self) -> Money:
        return Money(self.completed_minor, self.currency)


def effect(session: Session, requisite: Requisite, limits: Mapping[str, Any]) -> LimitsEffect:
    """`limits`: as `requisites.commands.Limits.columns` gives them. One read over one day, not of the history."""
    found, rows = _tried(session, Requisite.id == requisite.id, requisite.currency, limits)
    found.more_room = _more_room(requisite, limits, rows, smallest=requisite.min_minor)
    return found


def effect_of_person(session: Session, holder: Holder, limits: Mapping[str, Any]) -> LimitsEffect | None:
    """Over all requisites of theirs, of every trader. `limits`: as `SetHolderLimits.columns` gives them; None where
    there are to be none, and none are."""
    currency = limits["currency"] or holder.currency
    if currency is None:
        return None
    whose = and_(Requisite.holder_id == holder.id, Requisite.currency == currency, ~Requisite.robot)
    found, rows = _tried(session, whose, currency, limits)
    if holder.currency == currency:
        found.more_room = _more_room(holder, limits, rows, smallest=session.scalar(
            select(func.min(Requisite.min_minor)).where(whose)) or 1)
    return found


def _tried(session: Session, whose: ColumnElement[bool], currency: str, limits: Mapping[str, Any]
           ) -> tuple[LimitsEffect, Sequence[Assignment]]:
    day = clock.today() - timedelta(days=1)
    rows = session.scalars(_since(day, whose).where(Assignment.created_at < clock.midnight_after(day)).options(
        joinedload(Assignment.order)).order_by(Assignment.created_at, Assignment.id).limit(ASSIGNMENTS_MAX + 1)).all()
    found = LimitsEffect(currency, day, cut=len(rows) > ASSIGNMENTS_MAX)
    past = _Past(limits, month_minor=_month_before(session, whose, day) if limits["month_max_minor"] else 0)
    for one in rows[:ASSIGNMENTS_MAX]:
        found.orders += 1
        if (why := past.keeps_away(one)) is None:
            continue
        found.kept_away[why] = found.kept_away.get(why, 0) + 1
        found.shown = [*found.shown, one.order][:SHOWN_MAX]
        if one.order.status == Status.COMPLETED and one.earned:
            found.completed_minor += one.amount_minor
    return found, rows


class _Past:
    """What counted against the limits as each order came."""

    def __init__(self, limits: Mapping[str, Any], *, month_minor: int) -> None:
        self._limits, self._taken, self._month = limits, list[Assignment](), month_minor

    def keeps_away(self, one: Assignment) -> str | None:
        """By which limit; None: it is taken, and counts."""
        limits, at = self._limits, one.created_at
        counting = [other for other in self._taken if _still_counts(other, at)]
        minor = sum(other.amount_minor for other in counting)
        checks = (
            (RANGE, limits.get("min_minor", 0) <= one.amount_minor <= limits.get("max_minor", MINOR_MAX)),
            (DAY, _within(minor + one.amount_minor, limits["day_max_minor"])),
            (DAY_COUNT, _within(len(counting) + 1, limits["day_count_max"])),
            (MONTH, _within(self._month + minor + one.amount_minor, limits["month_max_minor"])),
            (SLOTS, _within(sum(_is_open(other, at) for other in counting) + 1, limits.get("open_orders_max"))),
            (COOLDOWN, not self._taken or
             self._taken[-1].created_at + timedelta(seconds=limits.get("cooldown_s", 0)) <= at))
        why = next((name for name, holds in checks if not holds), None)
        if why is None:
            self._taken.append(one)
        return why


def _within(value: int, most: int | None) -> bool:
    return most is None or value <= most


def _still_counts(one: Assignment, at: datetime) -> bool:
    """One that ended without money was given back by then."""
    return one.ended_at is None or one.ended_at > at or not one.lost


def _is_open(one: Assignment, at: datetime) -> bool:
    """Its slot was taken: until it was confirmed, or ended."""
    until = one.order.confirmed_at if one.earned else one.ended_at
    return until is None or until > at


def _since(day: date, whose: ColumnElement[bool]) -> Select[Assignment]:
    """Along each trader's history (ix_assignments_history)."""
    return select(Assignment).join(Requisite, and_(
        Requisite.id == Assignment.requisite_id, Requisite.trader_id == Assignment.trader_id)).where(
        whose, Assignment.created_at >= clock.midnight_before(day))


def _month_before(session: Session, whose: ColumnElement[bool], day: date) -> int:
    """What that month had come to before the day; of a month that is over it is not known any more, and read."""
    return session.scalar(_since(day.replace(day=1), whose).where(
        Assignment.created_at < clock.midnight_before(day),
        (Assignment.ended_at.is_(None)) | (Assignment.end_reason == "settled")).with_only_columns(
        func.coalesce(func.sum(Assignment.amount_minor), 0), maintain_column_froms=True)) or 0


def _more_room(present_limits: Requisite | Holder, limits: Mapping[str, Any], rows: Sequence[Assignment], *,
               smallest: int) -> list[str]:
    """Present limits that yesterday's orders had used up, and that would be wider. `smallest`: order there may be."""
    counting = [one for one in rows if not one.lost]
    used = {"day_max_minor": sum(one.amount_minor for one in counting), "day_count_max": len(counting)}
    names = {"day_max_minor": DAY, "day_count_max": DAY_COUNT}
    found = []
    for column, minor in used.items():
        present, wanted = getattr(present_limits, column), limits[column]
        least = smallest if column == "day_max_minor" else 1
        if present is not None and minor + least > present and (wanted is None or wanted > present):
            found.append(names[column])
    return found
