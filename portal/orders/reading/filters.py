"""What a list of orders can be narrowed by, out of an address: nothing unknown is clamped or ignored."""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID

from portal import reference
from portal.core import clock, ids, typed_amounts
from portal.core.date_range import Days
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.money import EXPONENTS, BadAmount, Money
from portal.orders.states import ENDED, Direction, Status

MODES = ("live", "test")
OPEN = tuple(status for status in Status if status not in ENDED)
GROUPS: dict[str, tuple[Status, ...]] = {
    "open": OPEN, "unpaid": (Status.EXPIRED, Status.CANCELLED, Status.FAILED)}
"""Several statuses under one name: the views of a list."""


@dataclass(frozen=True)
class Filters:
    """Empty means all. Days are the operator's; amounts are as people type them, of `currency`."""

    direction: str = ""
    status: str = ""
    mode: str = "live"
    q: str = ""  # our id in any wrapping or as lists show it, external id, customer's id or how the name begins
    day_from: date | None = None
    day_to: date | None = None
    store: str = ""  # public id
    method: str = ""
    currency: str = ""
    amount_from: str = ""
    amount_to: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid with everything that is wrong."""
        text = {name: sent.get(name, "").replace("\0", "").strip()[:255] for name in cls.__dataclass_fields__}
        wrong, days = list(_wrong(text)), Days()
        try:
            days = Days.of(text)
        except Invalid as error:
            wrong += error.fields
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(**{**text, "day_from": days.first, "day_to": days.last,  # type: ignore[arg-type]
                      "mode": text["mode"] or "live"})

    @property
    def narrowed(self) -> bool:
        return self != type(self)(mode=self.mode, direction=self.direction)

    @property
    def live(self) -> bool:
        return self.mode == "live"

    @property
    def statuses(self) -> tuple[str, ...]:
        """None named: every one."""
        return GROUPS.get(self.status, (self.status,) if self.status else ())

    @property
    def directions(self) -> tuple[str, ...]:
        return (self.direction,) if self.direction else tuple(Direction)

    @property
    def only_open(self) -> bool:
        return bool(self.statuses) and set(self.statuses) <= set(OPEN)

    @property
    def store_id(self) -> UUID | None:
        return ids.parse("str", self.store) if self.store else None

    @property
    def least(self) -> Money | None:
        return typed_amounts.read(self.amount_from, self.currency) if self.amount_from else None

    @property
    def most(self) -> Money | None:
        return typed_amounts.read(self.amount_to, self.currency) if self.amount_to else None

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From the first day's midnight to the last day's."""
        days = Days(self.day_from, self.day_to)
        return days.since or datetime(2000, 1, 1, tzinfo=UTC), days.until or clock.now() + timedelta(days=1)

    @property
    def asked(self) -> dict[str, str]:
        """As an address says it."""
        return {name: str(value) for name, value in vars(self).items() if value}


def _wrong(text: Mapping[str, str]) -> Iterator[FieldError]:
    if text["status"] and text["status"] not in {*Status, *GROUPS}:
        yield FieldError("/status", "unknown_status", "There is no such status.")
    if text["direction"] and text["direction"] not in tuple(Direction):
        yield FieldError("/direction", "unknown_direction", "There is no such choice.")
    if text["mode"] and text["mode"] not in MODES:
        yield FieldError("/mode", "unknown_mode", "Live or test.")
    if text["method"] and text["method"] not in reference.snapshot().methods:
        yield FieldError("/method", "unknown_method", "There is no such method.")
    if text["currency"] and text["currency"] not in EXPONENTS:
        yield FieldError("/currency", "unknown_currency", "There is no such currency.")
    if text["store"]:
        try:
            ids.parse("str", text["store"])
        except NotFound:
            yield FieldError("/store", "unknown_store", "There is no such store.")
    for name in ("amount_from", "amount_to"):
        if text[name] and text["currency"] not in EXPONENTS:
            yield FieldError(f"/{name}", "currency_missing", "Choose the currency of the amount.")
        elif text[name]:
            try:
                typed_amounts.read(text[name], text["currency"])
            except BadAmount as error:
                yield typed_amounts.wrong(name, error)
