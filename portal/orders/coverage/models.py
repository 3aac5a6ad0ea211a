"""Hours of what was asked for, and holes: sizes that are asked for and nobody could take."""
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money
from portal.orders.coverage import bands


class DemandHour(Base):
    """Live orders made in one hour, of one direction, currency, method, band (see `bands`) and bank that they named.

    `bank`: empty where they named none. `served`: somebody took it.
    """

    __tablename__ = "demand_hours"
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    direction: Mapped[LongText] = mapped_column(primary_key=True)
    currency: Mapped[LongText] = mapped_column(primary_key=True)
    method: Mapped[LongText] = mapped_column(primary_key=True)
    band: Mapped[int] = mapped_column(primary_key=True)
    bank: Mapped[LongText] = mapped_column(primary_key=True, default="")
    asked: Mapped[int]
    served: Mapped[int]
    asked_minor: Mapped[Minor]


class CoverageHole(Base):
    """From when to when nobody could take orders of a size that is asked for at that hour."""

    __tablename__ = "coverage_holes"
    __table_args__ = (
        Index("uq_coverage_holes_open", "direction", "currency", "method", "band", unique=True,
              postgresql_where=text("ended_at IS NULL")),
        Index("ix_coverage_holes_began_at", "began_at"),
        CheckConstraint("ended_at >= began_at", name="range"),
    )
    id: Mapped[Id]
    direction: Mapped[LongText]
    currency: Mapped[LongText]
    method: Mapped[LongText]
    band: Mapped[int]
    expected: Mapped[int]  # orders an hour, as of its beginning
    began_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]

    @property
    def least(self) -> Money:
        return bands.begins(self.band, self.currency)
