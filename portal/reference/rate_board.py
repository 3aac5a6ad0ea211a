"""The rates as staff look after them: how old each is, whether it may still be used, and how it moved."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.errors import NotFound
from portal.reference import cache
from portal.reference.models import Rate
from portal.reference.quotes import MANUAL

HISTORY_MAX = 500


@dataclass(frozen=True)
class RateLine:
    """`rate` quote units for one unit of base. Stale: a feed's, older than the operator's limit, and refused."""

    base: str
    quote: str
    rate: Decimal
    source: str
    at: datetime

    @property
    def pair(self) -> str:
        return f"{self.base}/{self.quote}"

    @property
    def manual(self) -> bool:
        return self.source == MANUAL

    @property
    def stale(self) -> bool:
        return not self.manual and clock.now() - self.at > timedelta(seconds=cache.rate_max_age_s())


def present(session: Session) -> list[RateLine]:
    """The rate that counts for each pair, the stale ones first."""
    lines = [RateLine(rate.base, rate.quote, rate.rate, rate.source, rate.at)
             for rate in cache.snapshot(session).rates.values()]
    return sorted(lines, key=lambda line: (not line.stale, line.base, line.quote))


def history(session: Session, base: str, quote: str, *, since: datetime) -> Sequence[Rate]:
    """The pair's rates from `since` on, newest first, and the one that counted before them. Raises NotFound."""
    pair = select(Rate).where(Rate.base == base, Rate.quote == quote).order_by(Rate.at.desc(), Rate.id.desc())
    rows = [*session.scalars(pair.where(Rate.at >= since).limit(HISTORY_MAX))]
    if len(rows) < HISTORY_MAX:
        rows += session.scalars(pair.where(Rate.at < since).limit(1))
    if not rows:
        raise NotFound()
    return rows
