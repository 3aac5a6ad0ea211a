"""A rate that may be used for an order now."""
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.errors import Unavailable
from portal.reference import cache

MANUAL = "manual"


class RateUnavailable(Unavailable):
    """There is no fresh exchange rate for these currencies just now. Try again in a minute."""

    code = "rate_unavailable"
    retry_after_s = 60


@dataclass(frozen=True)
class Quote:
    """`rate` quote units for one unit of base."""

    rate: Decimal
    at: datetime
    id: UUID
    source: str


def quote(base: str, quote: str, session: Session | None = None) -> Quote:
    """The newest rate of the pair. Feeds age by the operator's limit; a manual rate does not.

    Raises RateUnavailable.
    """
    found = cache.snapshot(session).rates.get((base, quote))
    if found is None:
        raise RateUnavailable(base=base, quote=quote)
    if found.source != MANUAL and clock.now() - found.at > timedelta(seconds=cache.rate_max_age_s()):
        raise RateUnavailable(base=base, quote=quote, at=found.at)
    return Quote(found.rate, found.at, found.id, found.source)
