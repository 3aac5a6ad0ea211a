"""Amounts: whole minor units of a currency. The only place that converts, rounds, parses and prints them."""
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering

from portal.core.iso4217 import MINOR_UNITS

BPS = 10_000  # hundredths of a percent in the whole
MINOR_MAX = 2**63 - 1  # bigint
AMOUNT_MAX = 10**15  # minor units of whatever one act asks for: nine thousand such fit in one balance (bigint)
EXPONENT_MAX = 9  # of AMOUNT_MAX that is a million whole units; an asset has fewer digits here than on its chain
_CODE = re.compile(r"[A-Z0-9]{3,10}", re.ASCII)
_PLAIN = re.compile(r"(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,18}))?", re.ASCII)


class _Exponents(dict[str, int]):
    """Digits after the point, by code. What is not of ISO is asked for once: a point never moves, so it is kept.

    Moving it would change the meaning of every stored integer; the database refuses it too.
    """

    def __init__(self) -> None:
        super().__init__(MINOR_UNITS | {"USDT": 6, "USDC": 6, "BTC": 8})  # which every desk begins with
        self.asked: Callable[[str], int | None] = lambda code: None

    def __contains__(self, code: object) -> bool:
        return super().__contains__(code) or self._found(code) is not None

    def __missing__(self, code: str) -> int:
        if (digits := self._found(code)) is None:
            raise KeyError(code)
        return digits

    def _found(self, code: object) -> int | None:
        digits = self.asked(code) if isinstance(code, str) and _CODE.fullmatch(code) else None
        if digits is not None:
            self[str(code)] = digits
        return digits


EXPONENTS = _Exponents()


def ask_for_exponents(asked: Callable[[str], int | None]) -> None:
    """Who knows the digits of assets that ISO does not; called once by `create_app`."""
    EXPONENTS.asked = asked


class BadAmount(ValueError):
    """Not an amount of the currency. `sentence` holds %(places)s for `params`, translated where people read it."""

    def __init__(self, sentence: str, **params: object) -> None:
        super().__init__(sentence % params if params else sentence)
        self.sentence, self.params = sentence, params


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """`minor` whole units of 10^-exponent of `currency`; may be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        assert type(self.minor) is int, "money is whole minor units"
        assert self.currency in EXPONENTS, f"unknown currency {self.currency}"

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Exactly the currency's digits (`"1500.00"`): ASCII, no sign, nothing stripped, nothing rounded.

        Raises BadAmount.
        """
        if currency not in EXPONENTS:
            raise BadAmount("The desk does not know this currency.")
        found = _PLAIN.fullmatch(text)
        exponent = EXPONENTS[currency]
        if found is None or len(found[2] or "") != exponent:
            raise BadAmount("Write the amount with exactly %(digits)s digits after the point.",
                            digits=exponent) if exponent else BadAmount("Write the amount as a whole number.")
        minor = int(found[1] + (found[2] or ""))
        if minor > MINOR_MAX:
            raise BadAmount("The amount is too large.")
        return cls(minor, currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    @property
    def text(self) -> str:
        """`1500.00`: a decimal string with exactly the currency's digits."""
        return text_of(self.minor, self.currency)

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise ValueError("currencies do not mix", self.currency, other.currency)
        return other.minor

    def share(self, bps: int, *, fixed_minor: int = 0) -> "Money":
        """The part that `bps` hundredths of a percent make, rounded half-even, and `fixed_minor`; at most all of it."""
        part = half_even(self.minor * bps, BPS)
        return Money(min(self.minor, part + fixed_minor), self.currency)


def text_of(minor: int, currency: str) -> str:
    """`1500.00`: a decimal string with exactly the currency's digits; `1500` for one without a point."""
    exponent = EXPONENTS[currency]
    if not exponent:
        return str(minor)
    digits = f"{abs(minor):0{exponent + 1}d}"
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def half_even(parts: int, whole: int) -> int:
    """`parts / whole` as a whole number, ties to the even one: the one rounding of the desk."""
    value, rest = divmod(parts, whole)
    return value + (2 * rest > whole or (2 * rest == whole and value % 2))


def convert(amount: Money, rate: Decimal, into: str) -> Money:
    """`amount` of the quote currency as base currency `into`, where `rate` is quote units for one base unit.

    1500.00 RUB at 92 RUB for a USDT → 16.304348 USDT; half-even to the target's minor unit.
    """
    assert rate > 0, "a rate is positive"
    shift = EXPONENTS[into] - EXPONENTS[amount.currency]
    units, base_units = rate.as_integer_ratio()  # whole numbers: no two scales are too far apart for them
    return Money(half_even(amount.minor * base_units * 10**max(shift, 0), units * 10**max(-shift, 0)), into)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Their sum; zero of `currency` when there are none."""
    return sum(amounts, start=Money.zero(currency))
