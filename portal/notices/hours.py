"""When a notice may reach a person: after their quiet hours, or with the day's others."""
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DIGEST_AT = 9 * 60  # minutes of the day, where a person chose none


def due_at(now: datetime, *, zone: str, digest_at: int | None, quiet: tuple[int, int] | None) -> datetime:
    """The next `digest_at` (None: at once), moved to the end of the quiet hours where it lies within them."""
    there = ZoneInfo(zone)
    wanted = now if digest_at is None else _next(now, digest_at, there)
    if quiet is None or not _within(wanted.astimezone(there), quiet):
        return wanted
    return _next(wanted, quiet[1], there)


def _within(local: datetime, quiet: tuple[int, int]) -> bool:
    minute, (begin, end) = local.hour * 60 + local.minute, quiet
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def _next(after: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """The first moment after it at which the clock on the wall there shows these minutes."""
    day, wall = after.astimezone(zone).date(), time(minutes // 60, minutes % 60)
    for later in range(3):
        found = datetime.combine(day + timedelta(days=later), wall, zone).astimezone(UTC)
        if found > after:
            return found
    raise AssertionError("a day has all its minutes or the next one has")
