"""Reference data that staff keep: currencies, payment methods, banks, rates."""
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, Timestamped, Words
from portal.core.db import Base


class Currency(Timestamped, Base):
    __tablename__ = "currencies"
    __table_args__ = (CheckConstraint("kind IN ('fiat', 'crypto')", name="kind"),)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    exponent: Mapped[int]  # as in core.money.EXPONENTS, which decides
    kind: Mapped[Words]
    sign: Mapped[Words]  # ₽
    active: Mapped[bool] = mapped_column(default=True)


class Method(Timestamped, Base):
    """A local payment rail. `validator` names the check of a number in reference/validators.py."""

    __tablename__ = "methods"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[Words]
    number_label: Mapped[Words]  # "Card number"
    validator: Mapped[Words]  # luhn16, phone, account20
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Bank(Timestamped, Base):
    __tablename__ = "banks"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[Words]
    country: Mapped[Words]  # ISO 3166 alpha-2
    active: Mapped[bool] = mapped_column(default=True)


class Rate(Base):
    """Quote units for one unit of base, from `at` on. The newest row of a pair counts; rows are never changed."""

    __tablename__ = "rates"
    __table_args__ = (
        Index("ix_rates_pair", "base", "quote", "at"),  # the newest of a pair
        CheckConstraint("rate > 0 AND rate < 'Infinity'::numeric", name="positive"),
    )
    id: Mapped[Id]
    base: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    quote: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    rate: Mapped[Decimal] = mapped_column(Numeric(30, 12))
    source: Mapped[Words]  # manual, or a feed's name; feeds age, manual rates do not
    at: Mapped[datetime] = mapped_column(default=clock.now)
    set_by: Mapped[UUID | None]
