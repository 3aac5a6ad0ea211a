"""A period of whole days out of an address: `day_from` and `day_to`, the operator's days, both with."""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from portal.core import clock
from portal.core.errors import FieldError, Invalid


@dataclass(frozen=True)
class Days:
    """Empty: without that end."""

    first: date | None = None
    last: date | None = None

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid for what is no day."""
        found, wrong = {}, []
        for name in ("day_from", "day_to"):
            text = sent.get(name, "").strip()
            try:
                found[name] = _day(text) if text else None
            except ValueError:
                wrong.append(FieldError(f"/{name}", "invalid_date", "Write the day as 2026-11-22."))
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(found["day_from"], found["day_to"])

    @property
    def since(self) -> datetime | None:
        return clock.midnight_before(self.first) if self.first else None

    @property
    def until(self) -> datetime | None:
        return clock.midnight_after(self.last) if self.last else None

    @property
    def given(self) -> bool:
        return self.first is not None or self.last is not None


def _day(text: str) -> date:
    """Raises ValueError, also for a year whose midnight no clock or calendar can count from."""
    day = date.fromisoformat(text)
    if not 2000 <= day.year < 2200:
        raise ValueError(text)
    return day
