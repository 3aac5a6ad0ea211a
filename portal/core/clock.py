"""The one place that reads the clock, so that a test can move it."""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from time import CLOCK_BOOTTIME, clock_gettime
from zoneinfo import ZoneInfo

STEP_S = 30.0  # further than NTP slews and than anybody's deadline minds
TRUSTED_AFTER_S = 120.0  # a clock that has stood in its new place for so long was put right, or nobody looks after it
_shift = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _shift


class Steps:
    """Whether this machine's clock was put forward or back under a running process, against the time since it booted,
    which nobody sets. Decision 0203: who finds that it was takes no new work until it is back or has stood for a while.
    """

    def __init__(self) -> None:
        self._trusted = self._seen = _since_boot()
        self._seen_at = clock_gettime(CLOCK_BOOTTIME)

    def stepped_s(self) -> float:
        """By how many seconds; 0.0 as long as it goes as it went."""
        here, at = _since_boot(), clock_gettime(CLOCK_BOOTTIME)
        if abs(here - self._trusted) < STEP_S:
            self._trusted = here  # slewed
            self._seen = here
            return 0.0
        if abs(here - self._seen) >= STEP_S:
            self._seen, self._seen_at = here, at
        if at - self._seen_at >= TRUSTED_AFTER_S:
            self._trusted = here
            return 0.0
        return here - self._trusted


def _since_boot() -> float:
    """When the machine was started, by its clock as it is now."""
    return now().timestamp() - clock_gettime(CLOCK_BOOTTIME)


def rfc3339(moment: datetime | None) -> str | None:
    """`2026-11-22T10:11:12.345Z`: UTC with milliseconds, as the gateway shows times."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-len("+00:00")] + "Z"


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """Tests only: the desk's clock runs `by` ahead inside the block."""
    global _shift
    before, _shift = _shift, _shift + by
    try:
        yield
    finally:
        _shift = before


_zone = ZoneInfo("UTC")


def use_zone(name: str) -> None:
    """The operator's time zone: whose midnight ends a day of limits."""
    global _zone
    _zone = ZoneInfo(name)


def zone_name() -> str:
    """For the database, which knows the same zones."""
    return _zone.key


def today() -> date:
    """The operator's day."""
    return now().astimezone(_zone).date()


def day_of(moment: datetime) -> date:
    """The operator's day that `moment` is of."""
    return moment.astimezone(_zone).date()


def midnight_after(day: date) -> datetime:
    """When the operator's `day` ends, in UTC. Where clocks leave midnight out, when they do; where twice, the first."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), _zone).astimezone(UTC)


def moment_on(day: date, minute: int) -> datetime:
    """When the operator's clocks show this minute of `day`, in UTC; the first of two, and where they leave it out as if
    they had not been put forward yet."""
    at = datetime.combine(day, time(minute // 60, minute % 60), _zone)
    return at.astimezone(UTC)


def local(moment: datetime) -> datetime:
    """What the operator's clocks show."""
    return moment.astimezone(_zone)


def midnight_before(day: date) -> datetime:
    """When the operator's `day` began, in UTC."""
    return midnight_after(day - timedelta(days=1))


def day_before(moment: datetime) -> datetime:
    """What the operator's clocks showed `moment` on the day before, in UTC: 23 to 25 hours earlier."""
    local = moment.astimezone(_zone)
    return datetime.combine(local.date() - timedelta(days=1), local.time(), _zone).astimezone(UTC)


def month_after(day: date) -> datetime:
    """When the operator's month of `day` ends, in UTC."""
    return midnight_before((day.replace(day=1) + timedelta(days=32)).replace(day=1))


steps = Steps()
"""Of this process."""
