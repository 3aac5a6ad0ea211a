"""What traders and staff ask of requisites. Amounts are of the requisite's currency, as people type them."""
from typing import Annotated
from uuid import UUID

from pydantic import Field

from portal.core import typed_amounts
from portal.core.commands import Command
from portal.core.errors import FieldError, Invalid
from portal.core.money import BadAmount
from portal.core.names import Name

Amount = Annotated[str, Field(min_length=1, max_length=60)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class Limits(Command):
    """What one requisite may take. Absent: no such limit."""

    min_amount: Amount
    max_amount: Amount
    day_max: Amount | None = None
    day_count_max: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    month_max: Amount | None = None
    open_orders_max: Annotated[int, Field(ge=1, le=1000)] = 5
    cooldown_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    weight: Annotated[int, Field(ge=1, le=20)] = 1

    def columns(self, currency: str) -> dict[str, int | None]:
        """As the table keeps them: minor units of `currency`. Raises Invalid with every field that is wrong."""
        wrong: list[FieldError] = []
        minor: dict[str, int | None] = {}
        for name in ("min_amount", "max_amount", "day_max", "month_max"):
            text = getattr(self, name)
            try:
                minor[name] = None if text is None else typed_amounts.read(text, currency).minor
            except BadAmount as error:
                wrong.append(typed_amounts.wrong(name, error))
        low, high = minor.get("min_amount"), minor.get("max_amount")
        if low == 0:
            wrong.append(FieldError("/min_amount", "not_positive", "The minimum is above zero."))
        if low is not None and high is not None and low > high:
            wrong.append(FieldError("/max_amount", "below_minimum", "The maximum is not below the minimum."))
        if wrong:
            raise Invalid(fields=wrong)
        return {"min_minor": low, "max_minor": high, "day_max_minor": minor["day_max"],
                "day_count_max": self.day_count_max, "month_max_minor": minor["month_max"],
                "open_orders_max": self.open_orders_max, "cooldown_s": self.cooldown_s, "weight": self.weight}


class AddRequisite(Limits):
    """A new instrument. `trader_id` is for staff; a trader adds their own."""

    trader_id: UUID | None = None
    method: Annotated[str, Field(max_length=32)]
    bank: Annotated[str, Field(max_length=32)] | None = None
    currency: Annotated[str, Field(max_length=10)]
    number: Annotated[str, Field(min_length=4, max_length=80)]
    holder: Annotated[Name, Field(min_length=2)]
    payin: bool = True
    payout: bool = False


class SetLimits(Limits):
    """Other limits. Tighter ones hold at once, wider ones wait for a second person.

    `seen`: what `limits.seen` gave for those that the form showed; who sees older ones is refused.
    """

    requisite_id: str
    reason: Reason | None = None
    seen: str | None = None


class SetHolderLimits(Command):
    """What all requisites of one person may take together. Absent: no such limit. `seen`: as in SetLimits."""

    holder_id: str
    currency: Annotated[str, Field(max_length=8)] | None = None
    day_max: Amount | None = None
    day_count_max: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    month_max: Amount | None = None
    reason: Reason
    seen: str | None = None

    def columns(self) -> dict[str, int | str | None]:
        """As the table keeps them. Raises Invalid with every field that is wrong."""
        wrong: list[FieldError] = []
        found: dict[str, int | str | None] = {"day_count_max": self.day_count_max}
        if self.currency is None and (self.day_max or self.month_max or self.day_count_max):
            raise Invalid(fields=[FieldError("/currency", "missing", "Say in which currency these limits count.")])
        for name in ("day_max", "month_max"):
            text = getattr(self, name)
            try:
                found[f"{name}_minor"] = None if text is None else typed_amounts.read(text, self.currency or "").minor
            except BadAmount as error:
                wrong.append(typed_amounts.wrong(name, error))
        if wrong:
            raise Invalid(fields=wrong)
        limited = any(value is not None for value in found.values())
        return {"currency": self.currency if limited else None, **found}


class MoveRequisite(Command):
    """Pause, resume, block, unblock or archive; which one is the service's name."""

    requisite_id: str
    reason: Reason | None = None


class MoveByStaff(MoveRequisite):
    """The same by staff, who say why."""

    reason: Reason


class ShowNumber(Command):
    """Show the number in full, to its trader."""

    requisite_id: str
