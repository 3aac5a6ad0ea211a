"""A dispute and what the sides say in it; `migrations/sql/disputes.sql` keeps one open dispute an order."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base
from portal.disputes.reasons import Side
from portal.orders.models import Order

PREFIX = "dsp"
SIDES = "('customer', 'store', 'trader', 'staff', 'system')"


class Dispute(Base):
    """Somebody objects to how an order stands. `waits_for`: whose word is next, by `answer_by`; None once it ended.

    The trader is the one whose assignment it is about. `silent`: the side that let its time pass.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        Index("uq_disputes_open", "order_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_disputes_order_id", "order_id", "id"),
        Index("ix_disputes_answer_by", "answer_by", "id", postgresql_where=text("ended_at IS NULL")),  # by deadline
        Index("ix_disputes_running_trader", "trader_id", postgresql_where=text("ended_at IS NULL")),  # caps
        Index("ix_disputes_running_store", "store_id", postgresql_where=text("ended_at IS NULL")),  # caps
        Index("ix_disputes_store_id", "store_id", "id"),
        Index("ix_disputes_trader_id", "trader_id", "id"),
        # past ones that are alike
        Index("ix_disputes_requisite_id", "requisite_id", "id"),
        Index("ix_disputes_holder_id", "holder_id", "id"),
        Index("ix_disputes_customer", "store_id", "customer_id", "id",
              postgresql_where=text("customer_id IS NOT NULL")),
        CheckConstraint(f"opened_by IN {SIDES}", name="opened_by"),
        CheckConstraint("waits_for IN ('store', 'trader', 'staff')", name="waits_for"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL) AND (ended_at IS NULL) = (waits_for IS NOT NULL)",
                        name="ended"),
        CheckConstraint("outcome IN ('complete', 'adjust', 'cancel', 'stands', 'correct')", name="outcome"),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    store_id: Mapped[UUID]
    trader_id: Mapped[UUID]
    assignment_id: Mapped[UUID]
    requisite_id: Mapped[UUID]
    holder_id: Mapped[UUID]
    customer_id: Mapped[str | None] = mapped_column(Text)  # as the store knows them
    live: Mapped[bool]
    reason: Mapped[LongText]  # of disputes.reasons
    opened_by: Mapped[LongText]
    opener_id: Mapped[UUID | None]  # a user or a key; None for customer and system
    opener_name: Mapped[LongText]
    waits_for: Mapped[str | None] = mapped_column(Text)
    answer_by: Mapped[datetime | None]
    silent: Mapped[str | None] = mapped_column(Text)
    # its trader has the money and no collateral for it: no money leaves him and no order goes to him until it ends
    unsecured: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None] = mapped_column(Text)
    ground: Mapped[str | None] = mapped_column(Text)  # why it was decided so, for all sides
    decided_name: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(lazy="raise")
    statements: Mapped[list["Statement"]] = relationship(lazy="raise", order_by="Statement.id")

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


class Statement(Base):
    """What a side said, with files. `staff_only`: a note that no side sees."""

    __tablename__ = "dispute_statements"
    __table_args__ = (
        Index("ix_dispute_statements_dispute_id", "dispute_id", "id"),
        CheckConstraint(f"side IN {SIDES}", name="side"),
        CheckConstraint("NOT staff_only OR side = 'staff'", name="staff_only"),
        CheckConstraint("shows <@ ARRAY['receipt', 'statement', 'recipient', 'conversation']", name="shows"),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    dispute_id: Mapped[UUID] = mapped_column(ForeignKey("disputes.id"))
    side: Mapped[LongText]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[LongText]
    trader_id: Mapped[UUID | None]  # of a trader's: its own trader, or one whom its payer had exchanged
    text: Mapped[LongText]
    staff_only: Mapped[bool] = mapped_column(default=False)
    shows: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # what its files are, says who brought them

    @property
    def of_staff(self) -> bool:
        return self.side == Side.STAFF
