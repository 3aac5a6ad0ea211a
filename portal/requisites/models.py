"""Requisites with limits and counters, and the lanes matching walks along."""
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor, Timestamped
from portal.core.db import Base
from portal.core.money import Money
from portal.parties.models import Holder, Trader
from portal.requisites.states import Status

PREFIX = "rqs"


class Requisite(Timestamped, Base):
    """A trader's receiving or paying instrument. Limits and counters in minor units of `currency`.

    Counters say which day and month they count for, so nothing is reset at night: a pair of another day reads as zero.
    None of the columns that matching changes is indexed: those updates stay HOT.
    """

    __tablename__ = "requisites"
    __table_args__ = (
        Index("ix_requisites_trader_id", "trader_id", "created_at"),
        Index("ix_requisites_holder_id", "holder_id"),
        Index("ix_requisites_number_last4", "number_last4"),  # staff search
        # one live instrument is on the desk once
        Index("uq_requisites_number", "number_fingerprint", "currency", "live", unique=True,
              postgresql_where=text("status NOT IN ('rejected', 'archived')")),
        CheckConstraint("0 < min_minor AND min_minor <= max_minor", name="range"),
        CheckConstraint("weight BETWEEN 1 AND 20", name="weight"),
        CheckConstraint("open_orders >= 0 AND day_count >= 0 AND day_used_minor >= 0 AND month_used_minor >= 0",
                        name="counters"),
        CheckConstraint("status IN ('pending', 'active', 'paused', 'rejected', 'blocked', 'frozen', 'archived')",
                        name="status"),
        CheckConstraint("num_nonnulls(hours_from, hours_to) IN (0, 2) AND hours_from BETWEEN 0 AND 1439"
                        " AND hours_to BETWEEN 0 AND 1439 AND hours_from <> hours_to", name="hours"),
        Index("ix_requisites_hours", "id", postgresql_where=text("hours_from IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 60}},
    )
    id: Mapped[Id]
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"))
    live: Mapped[bool] = mapped_column(default=True)
    method: Mapped[str] = mapped_column(ForeignKey("methods.code"))
    bank: Mapped[str | None] = mapped_column(ForeignKey("banks.code"))
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    payin: Mapped[bool] = mapped_column(default=True)
    payout: Mapped[bool] = mapped_column(default=False)
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # with the trader's data key
    number_first6: Mapped[LongText]  # as the mask shows it; empty where the number is no card
    number_last4: Mapped[LongText]
    number_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[LongText] = mapped_column(default=Status.PENDING)
    robot: Mapped[bool] = mapped_column(default=False)  # exempt from slots, limits, cooldown and same amount
    weight: Mapped[int] = mapped_column(default=1)
    min_minor: Mapped[Minor]
    max_minor: Mapped[Minor]
    day_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    day_count_max: Mapped[int | None]
    month_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    open_orders_max: Mapped[int] = mapped_column(default=5)
    cooldown_s: Mapped[int] = mapped_column(default=0)
    # minutes of the operator's day between which it takes orders, over midnight where `to` is the smaller; none: always
    hours_from: Mapped[int | None]
    hours_to: Mapped[int | None]
    off_hours: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # just now; kept by a job
    # what matching keeps
    open_orders: Mapped[int] = mapped_column(default=0, server_default="0")
    day_on: Mapped[date | None]
    day_used_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    day_count: Mapped[int] = mapped_column(default=0, server_default="0")
    month_on: Mapped[date | None]
    month_used_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    cool_until: Mapped[datetime | None]
    # payers in a row whose attempts came to nothing, as `quarantine` knows them; how many there are quarantines it
    failed_payers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    quarantined_at: Mapped[datetime | None]  # too many of them: one small order at a time, until one is paid
    trader: Mapped[Trader] = relationship(lazy="raise")
    holder: Mapped[Holder] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def minimum(self) -> Money:
        return Money(self.min_minor, self.currency)

    @property
    def maximum(self) -> Money:
        return Money(self.max_minor, self.currency)

    @property
    def day_maximum(self) -> Money | None:
        return Money(self.day_max_minor, self.currency) if self.day_max_minor is not None else None

    @property
    def month_maximum(self) -> Money | None:
        return Money(self.month_max_minor, self.currency) if self.month_max_minor is not None else None

    @property
    def mask(self) -> str:
        """`220000******0004`; `•••• 0004` where the number is no card."""
        return mask_of(self.number_first6, self.number_last4)


Index("ix_requisites_short_id", func.right(cast(Requisite.id, Text), 8))  # staff search: how an id ends


def mask_of(first6: str, last4: str) -> str:
    """What is shown of a number, from what is kept of it in clear."""
    return f"{first6}******{last4}" if first6 else f"•••• {last4}"


class RequisiteFreeze(Base):
    """Its bank froze it: since when, out of which status, why, how much is stuck there (None: not known yet)."""

    __tablename__ = "requisite_freezes"
    __table_args__ = (
        Index("uq_requisite_freezes_open", "requisite_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("stuck_minor >= 0", name="stuck"),
        CheckConstraint("status_before IN ('active', 'paused', 'blocked')", name="status_before"),
        CheckConstraint("ended_at IS NOT NULL OR NOT kept", name="kept"),
    )
    id: Mapped[Id]
    requisite_id: Mapped[UUID] = mapped_column(ForeignKey("requisites.id"))
    status_before: Mapped[LongText]
    frozen_at: Mapped[datetime] = mapped_column(default=clock.now)
    frozen_name: Mapped[LongText]
    reason: Mapped[LongText]
    stuck_minor: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    ended_name: Mapped[str | None] = mapped_column(Text)
    kept: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # archived so, not given back
    requisite: Mapped[Requisite] = relationship(lazy="raise")

    @property
    def was_blocked(self) -> bool:
        """By staff: what its bank let go goes back to that."""
        return self.status_before == Status.BLOCKED

    @property
    def stuck(self) -> Money | None:
        """Needs its requisite read."""
        return None if self.stuck_minor is None else Money(self.stuck_minor, self.requisite.currency)


class Lane(Base):
    """A ring of requisites that could take a kind of order; `id` names its cursor, the sequence `lane_cursor_<id>`.

    Rebuilt only when somebody edits limits or goes on or off shift (migrations/sql says how).
    """

    __tablename__ = "lanes"
    __table_args__ = (UniqueConstraint("direction", "live", "method", "currency", "settlement_currency",
                                       "tier", "band"),)
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    direction: Mapped[LongText]
    live: Mapped[bool]
    method: Mapped[LongText]
    currency: Mapped[LongText]
    settlement_currency: Mapped[LongText]
    tier: Mapped[int]
    band: Mapped[int]  # floor(log2(amount in minor units)): a lane holds whoever takes some amount of the band


class LaneMember(Base):
    """One position on a lane; a weight of w has w positions, spread evenly over the lap (1 to 2^62)."""

    __tablename__ = "lane_members"
    __table_args__ = (Index("ix_lane_members_requisite_id", "requisite_id"),)
    lane_id: Mapped[int] = mapped_column(ForeignKey("lanes.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    requisite_id: Mapped[UUID] = mapped_column(ForeignKey("requisites.id"), primary_key=True)


class BankCap(Base):
    """How much may be open, and how much in dispute, on requisites of a bank in one currency (`requisites/caps.py`).

    Whoever matches an order there locks this row, so a bank without a cap costs nobody anything.
    """

    __tablename__ = "bank_caps"
    __table_args__ = (CheckConstraint("open_max_minor >= 0 AND disputed_max_minor >= 0", name="caps"),)
    bank: Mapped[str] = mapped_column(ForeignKey("banks.code"), primary_key=True)
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"), primary_key=True)
    open_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    disputed_max_minor: Mapped[int | None] = mapped_column(BigInteger)
