"""What the desk itself made of a day: by `treasury.result` from settled facts, and anew at any time."""
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.columns import LongText, Minor
from portal.core.db import Base


class ResultDay(Base):
    """One of the operator's days, from `began_at` (with) to `ended_at` (without). Days follow each other without a gap,
    also where the operator has moved to another time zone.
    """

    __tablename__ = "result_days"
    __table_args__ = (CheckConstraint("began_at < ended_at", name="time"),)
    day: Mapped[date] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    computed_at: Mapped[datetime]


class ResultLine(Base):
    """What one store's orders by one trader and method brought on a day, in settlement currency; and what was booked on
    the desk's fees by anything else, with whom it is about, if with anybody.

    `fee_minor` less `reward_minor` plus `other_minor` is what the fees account moved.
    """

    __tablename__ = "result_lines"
    day: Mapped[date] = mapped_column(ForeignKey("result_days.day"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    live: Mapped[bool]
    currency: Mapped[LongText]
    store_id: Mapped[UUID | None]
    trader_id: Mapped[UUID | None]
    method: Mapped[str | None] = mapped_column(Text)
    direction: Mapped[str | None] = mapped_column(Text)
    orders: Mapped[int]
    turnover_minor: Mapped[Minor]
    fee_minor: Mapped[Minor]
    reward_minor: Mapped[Minor]
    other_minor: Mapped[Minor]
