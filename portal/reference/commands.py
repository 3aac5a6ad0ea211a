"""What staff and feeds ask of reference data."""
import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from portal.core import typed
from portal.core.commands import Command

Code = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,10}$")]
_PLAIN = re.compile(r"[0-9]{1,18}(\.[0-9]{1,12})?", re.ASCII)  # numeric(30, 12)


class SetRate(Command):
    """`rate` quote units for one unit of base, as people type it. `force` accepts a tenfold jump."""

    base: CurrencyCode
    quote: CurrencyCode
    rate: Annotated[str, Field(max_length=31)]
    source: Annotated[str, Field(min_length=1, max_length=40)] = "manual"
    force: bool = False
    reason: Annotated[str, Field(max_length=500)] | None = None

    @field_validator("rate")
    @classmethod
    def _positive(cls, value: str) -> str:
        value = typed.number(value)
        if _PLAIN.fullmatch(value) is None:
            raise ValueError("A rate is a plain decimal number: 18 digits before the point and 12 after it at most.")
        if Decimal(value) == 0:
            raise ValueError("A rate is above zero.")
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


class Switch(Command):
    """Offer a currency, method or bank, or stop offering it."""

    kind: Literal["currency", "method", "bank"]
    code: Annotated[str, Field(min_length=1, max_length=32)]
    active: bool
