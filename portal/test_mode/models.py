"""What somebody chose on the page of a test order, in the place of what its amount says."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
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
