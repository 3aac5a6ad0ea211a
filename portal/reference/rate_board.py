"""The rates as staff look after them: how old each is, and whether it may still be used."""
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


def line(session: Session, base: str, quote: str) -> RateLine:
    """The rate that counts for the pair, as the rows say it. Raises NotFound."""
    rate = session.scalar(select(Rate).where(Rate.base == base, Rate.quote == quote)
                          .order_by(Rate.at.desc(), Rate.id.desc()).limit(1))
    if rate is None:
        raise NotFound()
    return RateLine(rate.base, rate.quote, rate.rate, rate.source, rate.at)
