"""How amounts, times and numbers are written for people, in their language and their time zone."""
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from flask_babel import format_date, format_datetime, format_time, format_timedelta, get_locale, gettext

from portal.core import clock, signs
from portal.core.money import EXPONENTS, Money, half_even
from portal.web import devices
from portal.web.reference_choices import FILTERS as OFFERED

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
BRIGHT = 150  # of 255: dark letters read better from here on
FIAT_DIGITS_MAX = 4  # up to here every digit is shown, as on a bank's paper
DIGITS_MIN = 2  # a crypto amount shows two digits at least and never hides one that is not zero


def digits(money: Money, fixed: bool = False) -> str:
    """`12 500.00`, in Russian `12 500,00`: grouped, exact, without the currency.

    `fixed`: all of the currency's digits, as in a column, where the points stand below each other.
    """
    text = money.text.lstrip("-")
    whole, _, fraction = text.partition(".")
    fraction = fraction if fixed else _shown(fraction)
    grouped = _grouped(whole)
    point = "," if _russian() else "."
    return (MINUS if money.minor < 0 else "") + grouped + (point + fraction if fraction else "")


def glance(money: Money) -> Money:
    """For a figure at a glance: a crypto amount rounded to the hundredth. Its own page shows it whole."""
    surplus = EXPONENTS[money.currency] - DIGITS_MIN
    if EXPONENTS[money.currency] <= FIAT_DIGITS_MAX or abs(money.minor) < 10**surplus:
        return money
    unit: int = 10**surplus
    return Money(half_even(money.minor, unit) * unit, money.currency)


def money(value: Money | None) -> str:
    """An amount as plain text: `12 500.00 ₽`. Where it is shown as a figure, use the macro `ui.money`."""
    return f"{digits(value)}{NBSP}{signs.shown(value.currency)}" if value is not None else "—"


def number(value: int) -> str:
    """`1 284 310`"""
    return (MINUS if value < 0 else "") + _grouped(str(abs(value)))


def file_size(bytes_: int) -> str:
    """`340 kB`, `1.2 MB`; never less than one kilobyte."""
    if bytes_ < 1_000_000:
        return str(gettext("%(size)s kB", size=max(1, round(bytes_ / 1024))))
    return str(gettext("%(size)s MB", size=plain(Decimal(bytes_ * 10 // 1024**2) / 10)))


def bps(value: int) -> str:
    """Hundredths of a percent as percent: 250 → `2.5 %`."""
    text = f"{(Decimal(value) / 100).normalize():f}"
    return f"{text.replace('.', ',') if _russian() else text}{NBSP}%"


def plain(value: Decimal) -> str:
    """A rate without the zeros that its column's scale adds: `92.5`, in Russian `92,5`."""
    text = f"{value.normalize():f}"
    return text.replace(".", ",") if _russian() else text


def percent(value: Decimal | int | None) -> str:
    """A share of one hundred with one digit after the point: `96.4 %`.

    All and nothing are said of all and nothing only: 99.97 is `> 99.9 %`, 0.02 is `< 0.1 %`.
    """
    if value is None:
        return "—"
    text = "> 99.9" if 99.9 < value < 100 else "< 0.1" if 0 < value < 0.1 else f"{value:.1f}"
    text = text.replace(" ", NBSP)
    return f"{text.replace('.', ',') if _russian() else text}{NBSP}%"


def moment(value: datetime | None) -> str:
    """`22 Nov 2026, 23:10`, in the reader's time zone."""
    return format_datetime(value, "d MMM y, HH:mm") if value is not None else "—"


def moment_exact(value: datetime | None) -> str:
    """With seconds, for timelines and audit: `22 Nov 2026, 23:10:07`."""
    return format_datetime(value, "d MMM y, HH:mm:ss") if value is not None else "—"


def day(value: datetime | date | None) -> str:
    """`22 Nov 2026`"""
    return format_date(value, "d MMM y") if value is not None else "—"


def month(value: date) -> str:
    """`March 2021`"""
    return str(format_date(value, "LLLL y"))


def time_of_day(value: datetime | None) -> str:
    """`23:10`"""
    return format_time(value, "HH:mm") if value is not None else "—"


def iso(value: datetime) -> str:
    """For `<time datetime>`: UTC, to the second."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(value: datetime | None) -> str:
    """`3 minutes ago`, `in 2 hours`."""
    return format_timedelta(value - clock.now(), add_direction=True) if value is not None else "—"


def seconds_left(deadline: datetime) -> int:
    """Whole seconds until the deadline, never below zero."""
    return max(0, round((deadline - clock.now()).total_seconds()))


def mm_ss(seconds: int) -> str:
    """`14:20`"""
    return f"{seconds // 60}:{seconds % 60:02d}"


def duration(value: timedelta | int | None) -> str:
    """How long something took: `12 s`, from a hundred seconds on `3:20`, from an hour on `26 h`."""
    if value is None:
        return "—"
    seconds = round(value.total_seconds()) if isinstance(value, timedelta) else value
    if seconds >= 3600:
        return f"{number(seconds // 3600)}{NBSP}{gettext('h')}"
    return mm_ss(seconds) if seconds >= 100 else f"{seconds}{NBSP}{gettext('s')}"


def milliseconds(value: int) -> str:
    """How long an answer took: `1 240 ms`."""
    unit = gettext("ms")  # outside of the f-string, or it is not found for translation
    return f"{number(value)}{NBSP}{unit}"


def epoch(value: datetime) -> int:
    return int(value.timestamp())


def short_id(value: object) -> str:
    """The end of a public id, enough to tell two rows apart: `pin_01J9…` → `…7K3QF2`."""
    text = str(value)
    return text if len(text) <= 10 else f"…{text[-6:]}"


def masked(last_four: object) -> str:
    """`•••• 4821`: a number of which only the end is shown."""
    return f"••••{NBSP}{last_four}"


def grouped_number(value: str) -> str:
    """A card number in fours, as it stands on the card; anything else as it is."""
    if value.isdecimal() and len(value) in (16, 18, 19):
        return NBSP.join(value[at:at + 4] for at in range(0, len(value), 4))
    return value


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on `#rrggbb`: by its brightness (the Y of YIQ, 0 to 255)."""
    red, green, blue = (int(color[at:at + 2], 16) for at in (1, 3, 5))
    return "#000" if (299 * red + 587 * green + 114 * blue) // 1000 > BRIGHT else "#fff"


def _shown(fraction: str) -> str:
    if len(fraction) <= FIAT_DIGITS_MAX:
        return fraction
    return fraction[:DIGITS_MIN] + fraction[DIGITS_MIN:].rstrip("0")


def _grouped(whole: str) -> str:
    return f"{int(whole):,}".replace(",", NBSP)


def _russian() -> bool:
    return getattr(get_locale(), "language", "en") == "ru"


FILTERS = {
    "money": money, "digits": digits, "sign": signs.shown, "number": number, "bps": bps, "percent": percent,
    "file_size": file_size,
    "plain": plain, "moment": moment, "moment_exact": moment_exact, "day": day, "month": month,
    "time_of_day": time_of_day, "iso": iso,
    "ago": ago, "seconds_left": seconds_left, "mm_ss": mm_ss, "duration": duration,
    "milliseconds": milliseconds, "epoch": epoch,
    **OFFERED, "glance": glance,
    "short_id": short_id, "masked": masked, "grouped_number": grouped_number,
    "ink_on": ink_on, "browser_name": devices.browser_name,
}
