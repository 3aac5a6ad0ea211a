"""What a store pays and a trader earns, by version: a changed tariff never touches a stored order.

A version counts from `valid_from` until `retired_at`; both may lie ahead.
"""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, Minor
from portal.core.db import Base


class ReserveTerms(Base):
    """What a store waits for of each settled payin: a share for so many days, and all the rest for a few. No row: for
    nothing. What was settled keeps the terms of its day.
    """

    __tablename__ = "reserve_terms"
    __table_args__ = (
        CheckConstraint("reserve_bps BETWEEN 0 AND 10000 AND reserve_days BETWEEN 0 AND 365"
                        " AND (reserve_bps = 0) = (reserve_days = 0)", name="reserve"),
        CheckConstraint("delay_days BETWEEN 0 AND 60", name="delay"),
    )
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    reserve_bps: Mapped[int]
    reserve_days: Mapped[int]
    delay_days: Mapped[int]


class Tariff(Base):
    """A store's fee: `fee_bps` of the settlement amount plus `fee_fixed_minor` of settlement currency.

    The most specific version of its time counts: method named before any, a narrower band before a wider.
    """

    __tablename__ = "tariffs"
    __table_args__ = (
        Index("ix_tariffs_store_id", "store_id", "valid_from"),  # a store's versions
        CheckConstraint("fee_bps BETWEEN 0 AND 10000 AND fee_fixed_minor >= 0", name="fee"),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
        CheckConstraint("retired_at >= valid_from", name="time"),
    )
    id: Mapped[Id]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    direction: Mapped[str] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(ForeignKey("methods.code"))
    currency: Mapped[str | None] = mapped_column(ForeignKey("currencies.code"))  # of the band
    from_minor: Mapped[int | None] = mapped_column(BigInteger)
    to_minor: Mapped[int | None] = mapped_column(BigInteger)
    fee_bps: Mapped[int]
    fee_fixed_minor: Mapped[Minor] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    valid_from: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]


class Reward(Base):
    """A trader's share of the settlement amount, in basis points plus a fixed part; chosen as a fee is."""

    __tablename__ = "rewards"
    __table_args__ = (
        Index("ix_rewards_trader_id", "trader_id", "direction", "valid_from"),  # what counts for a trader
        CheckConstraint("reward_bps BETWEEN 0 AND 10000 AND reward_fixed_minor >= 0", name="reward"),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
        CheckConstraint("retired_at >= valid_from", name="time"),
    )
    id: Mapped[Id]
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"))
    direction: Mapped[str] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(ForeignKey("methods.code"))
    currency: Mapped[str | None] = mapped_column(ForeignKey("currencies.code"))  # of the band
    from_minor: Mapped[int | None] = mapped_column(BigInteger)
    to_minor: Mapped[int | None] = mapped_column(BigInteger)
    reward_bps: Mapped[int]
    reward_fixed_minor: Mapped[Minor] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    valid_from: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]
