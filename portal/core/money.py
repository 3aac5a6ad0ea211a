"""Amounts: whole minor units of a currency. The only place that converts, rounds, parses and prints them."""
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import total_ordering

# Digits after the point. Reference data may switch a currency on or off but never move its point:
# a stored integer would change its meaning.
EXPONENTS: dict[str, int] = {
    "RUB": 2, "KZT": 2, "UAH": 2, "AZN": 2, "USD": 2, "EUR": 2, "USDT": 6, "USDC": 6, "BTC": 8,
}
BPS = 10_000  # hundredths of a percent in the whole
MINOR_MAX = 2**63 - 1  # bigint
_PLAIN = re.compile(r"(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,18}))?", re.ASCII)


AMOUNT_MAX = 10**15  # minor units of whatever one act asks for: nine thousand such fit in one balance (bigint)


class BadAmount(ValueError):
    """Not an amount of the currency. `sentence` holds %(places)s for `params`, translated where people read it."""

    def __init__(self, sentence: str, **params: object) -> None:
        super().__init__(sentence % params if params else sentence)
        self.sentence, self.params = sentence, params


@total_ordering
@dataclass(frozen=True)
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
        if found is None or len(found[2] or "") != EXPONENTS[currency]:
            raise BadAmount("Write the amount with exactly %(digits)s digits after the point.",
                            digits=EXPONENTS[currency])
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
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def share(self, bps: int, *, fixed_minor: int = 0) -> "Money":
        """The part that `bps` hundredths of a percent make, rounded half-even, and `fixed_minor`; at most all of it."""
        part, rest = divmod(self.minor * bps, BPS)
        if 2 * rest > BPS or (2 * rest == BPS and part % 2):
            part += 1
        return Money(min(self.minor, part + fixed_minor), self.currency)


def text_of(minor: int, currency: str) -> str:
    """`1500.00`: a decimal string with exactly the currency's digits. No currency here is without a point."""
    exponent = EXPONENTS[currency]
    digits = f"{abs(minor):0{exponent + 1}d}"
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def half_even(value: Decimal) -> int:
    """Round to a whole number, ties to the even one: the one rounding of the desk."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def convert(amount: Money, rate: Decimal, into: str) -> Money:
    """`amount` of the quote currency as base currency `into`, where `rate` is quote units for one base unit.

    1500.00 RUB at 92 RUB for a USDT → 16.304348 USDT; half-even to the target's minor unit.
    """
    assert rate > 0, "a rate is positive"
    scale = EXPONENTS[into] - EXPONENTS[amount.currency]
    return Money(half_even(Decimal(amount.minor).scaleb(scale) / rate), into)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Their sum; zero of `currency` when there are none."""
    return sum(amounts, start=Money.zero(currency))
