"""A day of the books that somebody has looked at and signed: what moved, what was left, what was still held."""
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import LongText, Minor
from portal.core.db import Base


class ClosedDay(Base):
    """One of the operator's days, one currency, live money. Never changed: what is found later is posted later, by an
    entry that names the day."""

    __tablename__ = "closed_days"
    __table_args__ = (CheckConstraint("began_at < ended_at AND ended_at <= closed_at", name="time"),)
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    began_at: Mapped[datetime]  # of what it covers: where the day closed before it ended
    ended_at: Mapped[datetime]
    entries: Mapped[Minor]
    # by sort of account ("store available"): opening, debits, credits, closing, in minor units
    trial: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    # what was held when it was signed, by sort and age: count and sum, in minor units
    holds: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    differences: Mapped[list[str]] = mapped_column(ARRAY(Text))  # of the last proof before it was signed
    proved_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    closed_by: Mapped[UUID | None]
    closed_name: Mapped[LongText]
    closed_at: Mapped[datetime] = mapped_column(default=clock.now)
