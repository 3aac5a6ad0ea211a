"""When a delivery that failed is tried again, and when it is given up."""
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import SystemRandom

# seconds after the first, second, … failure: ten attempts over some three days
PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
SPREAD = 0.2
RETRY_AFTER_MAX = timedelta(hours=24)
_dice = SystemRandom()


def next_attempt(failures: int, now: datetime, retry_after: str | None = None) -> datetime | None:
    """When to try again after the `failures`th failure in a row; None when the schedule is over.

    A receiver may ask for a later moment (`Retry-After`, at most a day), never for an earlier one.
    """
    assert failures > 0
    if failures > len(PAUSES_S):
        return None
    pause = timedelta(seconds=PAUSES_S[failures - 1] * _dice.uniform(1 - SPREAD, 1 + SPREAD))
    return now + max(pause, min(_asked(retry_after, now), RETRY_AFTER_MAX))


def _asked(retry_after: str | None, now: datetime) -> timedelta:
    """Seconds or a date of HTTP; nonsense asks for nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**9))
    try:
        moment = parsedate_to_datetime(text)
        return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta(0))
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta(0)
