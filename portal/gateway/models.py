"""Answers kept for `Idempotency-Key` on POSTs that create no order; an order keeps its own key on its own row."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import LongText
from portal.core.db import Base


class IdempotencyKey(Base):
    """One key of a store: what was asked under it, and the answer, as sent.

    Written before the work and completed in the same transaction: nobody ever sees a row without its answer.
    The answer is sealed, for it may show a secret that is told once.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_created_at", "created_at"),  # upkeep forgets keys older than KEPT_FOR
        CheckConstraint("(status IS NULL) = (answer_sealed IS NULL)", name="answered"),
    )
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    live: Mapped[bool] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(Text, primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the canonical JSON
    status: Mapped[int | None]
    content_type: Mapped[LongText] = mapped_column(default="application/json")
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
