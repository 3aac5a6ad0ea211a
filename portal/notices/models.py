"""What happened that people are told of, the notice of each person by each channel, and what each has chosen."""
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, Text, UniqueConstraint, desc, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base


class Happening(Base):
    """Something that people are told of: written in the transaction in which it happened, told by a job after it.

    `facts` are short words for its sentence: no secrets, no full numbers. `once`: a second one with it is none.
    """

    __tablename__ = "happenings"
    __table_args__ = (
        UniqueConstraint("once"),
        Index("ix_happenings_happened_at", "happened_at"),  # upkeep forgets
        CheckConstraint("audience IN ('user', 'trader', 'merchant', 'store', 'staff')"
                        " AND (audience = 'staff') = (audience_id IS NULL)", name="audience"),
    )
    id: Mapped[Id]
    event: Mapped[LongText]
    audience: Mapped[LongText]
    audience_id: Mapped[UUID | None]
    but_user_id: Mapped[UUID | None]  # who did it knows it
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    once: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(default=clock.now)
    told_at: Mapped[datetime | None]


class Notice(Base):
    """One happening to one person by one channel; without a person to the operator's own address.

    `waiting` until `due_at` (quiet hours, a digest), then `sent`, or `failed`. In the portal it is there at once.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("happening_id", "user_id", "channel"),
        Index("uq_notices_operator", "happening_id", unique=True, postgresql_where=text("user_id IS NULL")),
        Index("ix_notices_user_id", "user_id", desc("id")),  # a person's list, newest first
        Index("ix_notices_unread", "user_id", postgresql_where=text("channel = 'portal' AND read_at IS NULL")),
        Index("ix_notices_waiting", "due_at", postgresql_where=text("state = 'waiting'")),  # what is due
        CheckConstraint("channel IN ('portal', 'mail', 'telegram', 'push', 'operator')", name="channel"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state"),
        CheckConstraint("(channel = 'operator') = (user_id IS NULL)", name="user"),
    )
    id: Mapped[Id]
    happening_id: Mapped[UUID] = mapped_column(ForeignKey("happenings.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    channel: Mapped[LongText]
    state: Mapped[LongText]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    happening: Mapped[Happening] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public("ntc", self.id)


class NoticeChoice(Base):
    """What a person wants to hear by which channel, where it is not as the catalogue says."""

    __tablename__ = "notice_choices"
    __table_args__ = (
        Index("ix_notice_choices_event", "event", "user_id"),  # who wishes to hear of what comes with every order
        CheckConstraint("how IN ('off', 'now', 'digest')", name="how"),
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    event: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    how: Mapped[LongText]


class NoticePlan(Base):
    """When a person may be disturbed, in minutes of the day of their zone, and where their Telegram is."""

    __tablename__ = "notice_plans"
    __table_args__ = (
        UniqueConstraint("telegram_code"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from <> quiet_until"
                        " AND quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439"
                        " AND digest_at BETWEEN 0 AND 1439", name="minutes"),
        CheckConstraint("low_amount > 0", name="low_amount"),
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    quiet_from: Mapped[int | None]
    quiet_until: Mapped[int | None]
    digest_at: Mapped[int] = mapped_column(default=9 * 60)
    low_amount: Mapped[Decimal | None] = mapped_column(Numeric(24, 8))  # of their settlement currency: less is low
    low_told_at: Mapped[datetime | None]  # and it has not recovered since
    telegram_chat: Mapped[str | None] = mapped_column(Text)
    telegram_since: Mapped[datetime | None]
    telegram_code: Mapped[str | None] = mapped_column(Text)  # SHA-256 of the code that is to come from them
    telegram_code_until: Mapped[datetime | None]


class PushBrowser(Base):
    """A browser that a person has named: its push service's address, and what messages to it are sealed with."""

    __tablename__ = "push_browsers"
    __table_args__ = (
        UniqueConstraint("endpoint"),  # one browser, one person
        Index("ix_push_browsers_user_id", "user_id"),
    )
    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    endpoint: Mapped[LongText]
    public: Mapped[bytes] = mapped_column(LargeBinary)  # a point of P-256
    auth: Mapped[bytes] = mapped_column(LargeBinary)
    called: Mapped[str | None] = mapped_column(Text)  # as its person knows it
    added_at: Mapped[datetime] = mapped_column(default=clock.now)
    told_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public("psh", self.id)
