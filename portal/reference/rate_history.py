"""How a pair's rate moved over a period, of hours or of years, in a bounded number of points."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Self, get_args

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.date_range import Days
from portal.core.errors import FieldError, Invalid, NotFound
from portal.reference.models import Rate

POINTS_MAX = 120
STEP = timedelta(minutes=1)  # a point stands for whole minutes
DAYS_MAX = 366  # of a feed that asks as often as it may: three million changes
LATEST = 20  # changes shown one by one
Span = Literal["day", "week", "month", "year"]
SPANS: dict[str, timedelta] = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30),
                               "year": timedelta(days=365)}


@dataclass(frozen=True)
class Period:
    """From `since` until just before `until`. `span`: the one of the four that ends now; none for days chosen."""

    since: datetime
    until: datetime
    span: str | None = None

    @classmethod
    def of_span(cls, span: str) -> Self:
        """Raises NotFound."""
        if span not in get_args(Span):
            raise NotFound()
        now = clock.now()
        return cls(now - SPANS[span], now, span)

    @classmethod
    def of_days(cls, days: Days) -> Self:
        """The operator's days, both with; without a first one 30 before the last. Raises Invalid."""
        until = min(days.until or clock.now(), clock.now())
        since = days.since or until - SPANS["month"]
        if since >= until:
            raise Invalid(fields=[FieldError("/day_from", "invalid_period", "Choose days that have begun, in order.")])
        if until - since > timedelta(days=DAYS_MAX):
            raise Invalid(fields=[FieldError("/day_from", "too_long", "Choose at most %(most)s days.",
                                             {"most": DAYS_MAX})])
        return cls(since, until)

    @property
    def step(self) -> timedelta:
        """What a point stands for: whole minutes, so many that there are `POINTS_MAX` points at most."""
        return STEP * max(-(-(self.until - self.since) // (STEP * POINTS_MAX)), 1)


@dataclass(frozen=True)
class Point:
    """A stretch in which the rate changed: the last of it, since when that counted, and between what it moved."""

    at: datetime
    rate: Decimal
    lowest: Decimal
    highest: Decimal
    changes: int


@dataclass(frozen=True)
class History:
    """`points` oldest first; `before`: the rate that counted when the period began; `latest` newest first."""

    period: Period
    points: Sequence[Point]
    before: Rate | None
    latest: Sequence[Rate]

    @property
    def rates(self) -> list[Decimal]:
        return [one for point in self.points for one in (point.lowest, point.highest)] + (
            [self.before.rate] if self.before else [])

    @property
    def lowest(self) -> Decimal | None:
        return min(self.rates, default=None)

    @property
    def highest(self) -> Decimal | None:
        return max(self.rates, default=None)


def history(session: Session, base: str, quote: str, period: Period) -> History:
    """All changes of the pair in the period, drawn together by the database where there are more than points."""
    pair = (Rate.base == base) & (Rate.quote == quote)  # by ix_rates_pair, newest or oldest first
    newest = select(Rate).where(pair).order_by(Rate.at.desc(), Rate.id.desc())
    within = pair & (Rate.at >= period.since) & (Rate.at < period.until)
    return History(period, _points(session, within, period),
                   session.scalar(newest.where(Rate.at < period.since).limit(1)),
                   session.scalars(newest.where(within).limit(LATEST)).all())


def _points(session: Session, within: ColumnElement[bool], period: Period) -> Sequence[Point]:
    last = func.array_agg(aggregate_order_by(Rate.rate, Rate.at.desc(), Rate.id.desc()))[1]
    found = session.execute(
        select(func.max(Rate.at), last, func.min(Rate.rate), func.max(Rate.rate), func.count()).where(within)
        .group_by(func.date_bin(period.step, Rate.at, period.since)).order_by(func.max(Rate.at)))
    return [Point(*row) for row in found]
