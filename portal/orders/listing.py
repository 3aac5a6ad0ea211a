"""Lists of orders as pages show them: filters out of an address, a page of rows with their stores."""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from sqlalchemy.orm import Session, contains_eager

from portal.core import clock
from portal.core.access import Actor
from portal.core.errors import FieldError, Invalid
from portal.core.paging import Page, newest_first
from portal.orders import queries
from portal.orders.models import Order
from portal.orders.states import Status

PAGE = 25
MODES = ("live", "test")


@dataclass(frozen=True)
class Filters:
    """What the address asks for; empty means all. Days are the operator's."""

    status: str = ""
    mode: str = "live"
    q: str = ""  # external id or customer id, whole
    day_from: date | None = None
    day_to: date | None = None

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid: an unknown value is said, never clamped."""
        status, mode = sent.get("status", "").strip(), sent.get("mode", "").strip() or "live"
        wrong = []
        if status and status not in set(Status):
            wrong.append(FieldError("/status", "unknown_status", "There is no such status."))
        if mode not in MODES:
            wrong.append(FieldError("/mode", "unknown_mode", "Live or test."))
        days: dict[str, date | None] = {}
        for name in ("day_from", "day_to"):
            try:
                days[name] = _day(text) if (text := sent.get(name, "").strip()) else None
            except ValueError:
                wrong.append(FieldError(f"/{name}", "invalid_date", "Write the day as 2026-11-22."))
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(status, mode, sent.get("q", "").replace("\0", "").strip()[:255], days["day_from"], days["day_to"])

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.q or self.day_from or self.day_to)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From the first day's midnight to the last day's."""
        start = clock.midnight_before(self.day_from) if self.day_from else datetime(2000, 1, 1, tzinfo=UTC)
        end = clock.midnight_after(self.day_to) if self.day_to else clock.now() + timedelta(days=1)
        return start, end


def list_orders(session: Session, actor: Actor, filters: Filters, *, cursor: str | None) -> Page[Order]:
    """Newest first, each with its store: one query."""
    start, end = filters.moments
    rows = (queries.visible_to(actor).join(Order.store).options(contains_eager(Order.store))
            .where(Order.live.is_(filters.mode == "live"), Order.created_at >= start, Order.created_at < end))
    if filters.status:
        rows = rows.where(Order.status == filters.status)
    if filters.q:
        rows = rows.where((Order.external_id == filters.q) | (Order.customer_id == filters.q)
                          | (Order.id == queries.id_or_none(filters.q)))
    return newest_first(session, rows, Order.created_at, Order.id, cursor=cursor, limit=PAGE)


def _day(text: str) -> date:
    """Raises ValueError, also for a year whose midnight no clock or calendar can count from."""
    day = date.fromisoformat(text)
    if not 2000 <= day.year < 2200:
        raise ValueError(text)
    return day
