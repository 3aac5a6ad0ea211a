"""Reference data that staff keep: currencies, payment methods, banks, rates."""
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base


class Currency(Timestamped, Base):
    __tablename__ = "currencies"
    __table_args__ = (
        CheckConstraint("kind IN ('fiat', 'crypto')", name="kind"),
        CheckConstraint("exponent BETWEEN 0 AND 9", name="exponent"),  # core.money.EXPONENT_MAX
        CheckConstraint("code ~ '^[A-Z0-9]{3,10}$'", name="code"),
    )
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    exponent: Mapped[int]  # never changes: trigger currency_point_stays
    kind: Mapped[LongText]
    sign: Mapped[LongText]  # ₽
    name: Mapped[LongText] = mapped_column(server_default="", default="")  # of an asset; those of ISO are in CLDR
    active: Mapped[bool] = mapped_column(default=True)


class Method(Timestamped, Base):
    """A local payment rail. `validator` names the check of a number in reference/validators.py, `rules` narrow it."""

    __tablename__ = "methods"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[LongText]
    name_ru: Mapped[LongText] = mapped_column(server_default="", default="")
    number_label: Mapped[LongText]  # "Card number"
    number_label_ru: Mapped[LongText] = mapped_column(server_default="", default="")
    validator: Mapped[LongText]  # card, phone, account
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    currencies: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)  # none: any
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Bank(Timestamped, Base):
    __tablename__ = "banks"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[LongText]
    name_ru: Mapped[LongText] = mapped_column(server_default="", default="")
    country: Mapped[LongText]  # ISO 3166 alpha-2
    position: Mapped[int] = mapped_column(default=0, server_default="0")
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
    source: Mapped[LongText]  # manual, or a feed's name; feeds age, manual rates do not
    at: Mapped[datetime] = mapped_column(default=clock.now)
    set_by: Mapped[UUID | None]
