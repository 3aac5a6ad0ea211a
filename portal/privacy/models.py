"""What must not be purged nor erased for now."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base

PREFIX = "hol"


class LegalHold(Base):
    """On an order, a dispute (and so its order) or a person, who is a store's customer."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        CheckConstraint("kind IN ('order', 'dispute', 'person')", name="kind"),
        CheckConstraint("(kind = 'person') = (order_id IS NULL) AND (order_id IS NULL) = (store_id IS NOT NULL)"
                        " AND (store_id IS NULL) = (customer_id IS NULL)", name="target"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_name IS NULL)", name="lifted"),
        Index("ix_legal_holds_order_id", "order_id", postgresql_where=text("lifted_at IS NULL")),  # by the purge
        Index("ix_legal_holds_customer", "store_id", "customer_id", postgresql_where=text("lifted_at IS NULL")),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[LongText]
    shown: Mapped[LongText]  # the id as it was given: pin_…, dsp_…, or the customer's
    order_id: Mapped[UUID | None]
    store_id: Mapped[UUID | None]
    customer_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[LongText]
    made_name: Mapped[LongText]
    lifted_at: Mapped[datetime | None]
    lifted_name: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)
