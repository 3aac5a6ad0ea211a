"""What staff and feeds ask of reference data."""
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import Field, field_validator

from portal.core.commands import Command

Code = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+\Z")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,5}\Z")]
DIGITS_MAX, PLACES_MAX = 18, 12  # numeric(30, 12)


class SetRate(Command):
    """`rate` quote units for one unit of base, as decimal text. `force` accepts a tenfold jump."""

    base: CurrencyCode
    quote: CurrencyCode
    rate: Annotated[str, Field(max_length=31)]
    source: Annotated[str, Field(min_length=1, max_length=40)] = "manual"
    force: bool = False
    reason: Annotated[str, Field(max_length=500)] | None = None

    @field_validator("rate")
    @classmethod
    def _positive(cls, value: str) -> str:
        try:
            rate = Decimal(value) if value.isascii() else Decimal("NaN")
        except InvalidOperation:
            rate = Decimal("NaN")
        if not rate.is_finite() or "_" in value or "e" in value.lower():
            raise ValueError("A rate is a plain decimal number.")
        if rate <= 0:
            raise ValueError("A rate is above zero.")
        whole, _, places = value.partition(".")
        if len(places) > PLACES_MAX or len(whole.lstrip("+0")) > DIGITS_MAX:
            raise ValueError("A rate has at most 18 digits before the point and 12 after it.")
        return value

    @property
    def number(self) -> Decimal:
        return Decimal(self.rate)


class AddMethod(Command):
    """A payment rail. `validator` says how its numbers look."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=80)]
    number_label: Annotated[str, Field(min_length=1, max_length=80)]
    validator: Literal["luhn16", "phone", "account20"]


class AddBank(Command):
    """A bank of a country (ISO 3166 alpha-2)."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=80)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}\Z")]


class Switch(Command):
    """Offer a currency, method or bank, or stop offering it."""

    kind: Literal["currency", "method", "bank"]
    code: Annotated[str, Field(min_length=1, max_length=32)]
    active: bool
