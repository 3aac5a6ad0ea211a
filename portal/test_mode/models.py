"""What somebody chose on the page of a test order, and what a store has seen in test mode so far."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import LongText
from portal.core.db import Base


class TestChoice(Base):
    """The newest choice for one order. The order's lock guards it."""

    __tablename__ = "test_choices"
    __table_args__ = (CheckConstraint(
        "outcome IN ('exact', 'less', 'more', 'expires', 'late', 'declined', 'won', 'lost')", name="outcome"),)
    __test__ = False  # no test, whatever its name begins with
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    outcome: Mapped[LongText]
    chosen_at: Mapped[datetime] = mapped_column(default=clock.now)


class TestMilestone(Base):
    """What a store has seen happen to a test order, the first time that it did: the going-live list ticks by it."""

    __tablename__ = "test_milestones"
    __test__ = False
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    reached_at: Mapped[datetime] = mapped_column(default=clock.now)
