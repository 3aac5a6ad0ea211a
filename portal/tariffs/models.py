"""What a store pays and a trader earns, by version: a changed tariff never touches a stored order."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, Minor
from portal.core.db import Base


class Tariff(Base):
    """A store's fee: `fee_bps` of the settlement amount plus `fee_fixed_minor` of settlement currency.

    The most specific row that is not retired counts: method named before any, a narrower band before a wider.
    """

    __tablename__ = "tariffs"
    __table_args__ = (
        Index("ix_tariffs_store_id", "store_id", "direction", postgresql_where=text("retired_at IS NULL")),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000 AND fee_fixed_minor >= 0", name="fee"),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
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
    retired_at: Mapped[datetime | None]


class Reward(Base):
    """A trader's share of the settlement amount, in basis points plus a fixed part."""

    __tablename__ = "rewards"
    __table_args__ = (
        Index("ix_rewards_trader_id", "trader_id", "direction", postgresql_where=text("retired_at IS NULL")),
        CheckConstraint("reward_bps BETWEEN 0 AND 10000 AND reward_fixed_minor >= 0", name="reward"),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
    )
    id: Mapped[Id]
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"))
    direction: Mapped[str] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(ForeignKey("methods.code"))
    reward_bps: Mapped[int]
    reward_fixed_minor: Mapped[Minor] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]
