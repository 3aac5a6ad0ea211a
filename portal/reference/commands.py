"""What staff and feeds ask of reference data."""
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from portal.core import typed_amounts
from portal.core.commands import Command
from portal.core.money import EXPONENT_MAX
from portal.reference.accounts import is_picture
from portal.reference.cards import NETWORKS
from portal.reference.validators import VALIDATORS

Code = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,10}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Named = Annotated[str, Field(min_length=1, max_length=80)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
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
        value = typed_amounts.number(value)
        if _PLAIN.fullmatch(value) is None:
            raise ValueError("A rate is a plain decimal number: 18 digits before the point and 12 after it at most.")
        if Decimal(value) == 0:
            raise ValueError("A rate is above zero.")
        return value

    @property
    def number(self) -> Decimal:
        return Decimal(self.rate)


class Switch(Command):
    """Offer a currency, method or bank, or stop offering it."""

    kind: Literal["currency", "method", "bank"]
    code: Annotated[str, Field(min_length=1, max_length=32)]
    active: bool
    reason: Reason | None = None


class AskAsset(Command):
    """A crypto asset: `digits` after its point are what amounts are kept in, and never change."""

    code: CurrencyCode
    name: Named
    digits: Annotated[int, Field(ge=0, le=18)]
    reason: Reason

    @field_validator("digits")
    @classmethod
    def _room(cls, value: int) -> int:
        if value > EXPONENT_MAX:
            raise ValueError("Keep at most 9 digits: with more, large amounts have no room. The last ones are cut off.")
        return value


class Rail(Command):
    """What people read of a payment rail, what narrows its numbers, and for which currencies it is; none: for all."""

    name: Named
    name_ru: Annotated[str, Field(max_length=80)] = ""
    number_label: Named
    number_label_ru: Annotated[str, Field(max_length=80)] = ""
    networks: tuple[str, ...] = ()
    countries: tuple[Country, ...] = ()
    pattern: Annotated[str, Field(max_length=120)] = ""
    currencies: tuple[CurrencyCode, ...] = ()
    position: Annotated[int, Field(ge=0, le=9999)] = 0
    reason: Reason | None = None

    @field_validator("networks")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not set(value) <= set(NETWORKS):
            raise ValueError("There is no such choice.")
        return value

    @field_validator("pattern")
    @classmethod
    def _picture(cls, value: str) -> str:
        if value and not is_picture(value):
            raise ValueError("Write 9 for a digit, A for a letter, * for either, as in 9{20} or AAAA0*{6}.")
        return value

    @property
    def rules(self) -> dict[str, Any]:
        """As the table keeps them."""
        kept = {"networks": list(self.networks), "countries": list(self.countries), "pattern": self.pattern}
        return {name: value for name, value in kept.items() if value}


class AddMethod(Rail):
    """A payment rail. `validator` says how its numbers look, for good."""

    code: Code
    validator: Annotated[str, Field(max_length=32)]

    @field_validator("validator")
    @classmethod
    def _check(cls, value: str) -> str:
        if value not in VALIDATORS:
            raise ValueError("There is no such choice.")
        return value


class SetMethod(Rail):
    """Other words, order or limits of a rail; requisites that are there keep their numbers."""

    code: Code


class BankNames(Command):
    """A bank of one country, by its name in both languages."""

    name: Named
    name_ru: Annotated[str, Field(max_length=80)] = ""
    country: Country
    position: Annotated[int, Field(ge=0, le=9999)] = 0
    reason: Reason | None = None


class AddBank(BankNames):
    code: Code


class SetBank(BankNames):
    code: Code
