"""A thread of help about an order, what was said in it, and templates of replies."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base
from portal.orders.models import Order

PREFIX = "hlp"


class HelpThread(Base):
    """Somebody asks for help with an order: its customer, or a trader who has or had it. One open of each at a time."""

    __tablename__ = "help_threads"
    __table_args__ = (
        Index("uq_help_threads_open", "order_id", "side", "trader_id", unique=True, postgresql_nulls_not_distinct=True,
              postgresql_where=text("closed_at IS NULL")),
        Index("ix_help_threads_order_id", "order_id", "id"),
        Index("ix_help_threads_waiting", "said_at", postgresql_where=text("closed_at IS NULL")),  # the staff's list
        Index("ix_help_threads_closed", "id", postgresql_where=text("closed_at IS NOT NULL")),
        CheckConstraint("side IN ('customer', 'trader') AND (side = 'trader') = (trader_id IS NOT NULL)", name="side"),
        CheckConstraint("waits_for IN ('staff', 'asker')", name="waits_for"),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    live: Mapped[bool]
    side: Mapped[LongText]
    trader_id: Mapped[UUID | None]
    locale: Mapped[LongText]  # the asker's language
    waits_for: Mapped[LongText] = mapped_column(default="staff")
    said_at: Mapped[datetime] = mapped_column(default=clock.now)
    unanswered: Mapped[int] = mapped_column(default=0)  # by the asker, in a row
    closed_at: Mapped[datetime | None]
    closed_name: Mapped[str | None] = mapped_column(Text)
    order: Mapped[Order] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def closed(self) -> bool:
        return self.closed_at is not None


class HelpMessage(Base):
    """What was said; never changed."""

    __tablename__ = "help_messages"
    __table_args__ = (
        Index("ix_help_messages_thread_id", "thread_id", "id"),
        CheckConstraint("side IN ('customer', 'trader', 'staff')", name="side"),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("help_threads.id"))
    side: Mapped[LongText]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[LongText]
    text: Mapped[LongText]


class ReplyTemplate(Timestamped, Base):
    """Words that staff use again, in both languages: in a thread of help, as the ground of a dispute's decision."""

    __tablename__ = "reply_templates"
    __table_args__ = (
        Index("ix_reply_templates_use", "use", "name"),
        CheckConstraint("use IN ('help', 'dispute')", name="use"),
    )
    id: Mapped[Id]
    use: Mapped[LongText]
    name: Mapped[LongText]
    text_en: Mapped[LongText]
    text_ru: Mapped[LongText]
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def public_id(self) -> str:
        return ids.public("rpl", self.id)
