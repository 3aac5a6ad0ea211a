"""Answers kept for forms that people sent: by their key, the second sending of one gets the first one's answer."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import LongText
from portal.core.db import Base


class FormKey(Base):
    """One sending of one person's form: what was in it, by a keyed fingerprint, and the answer, sealed.

    Written before the work and completed in the same transaction: nobody ever sees a row without its answer.
    """

    __tablename__ = "form_keys"
    __table_args__ = (
        Index("ix_form_keys_created_at", "created_at"),  # upkeep forgets forms sent long ago
        CheckConstraint("(status IS NULL) = (answer_sealed IS NULL)", name="answered"),
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    content_print: Mapped[bytes] = mapped_column(LargeBinary)  # HMAC-SHA-256: a form may hold a card number
    status: Mapped[int | None]
    location: Mapped[LongText | None]
    content_type: Mapped[LongText] = mapped_column(default="text/html")
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
