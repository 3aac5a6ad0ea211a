"""Approvals: a change that one person asks for and another decides."""
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.approvals import kinds
from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base


class Approval(Base):
    """What is to change (`before` → `after`, no secrets), why, who asked, who decided. Decided once, for ever."""

    __tablename__ = "approvals"
    __table_args__ = (
        Index("ix_approvals_state_created_at_id", "state", "created_at", "id"),  # staff's list
        Index("ix_approvals_target", "target_kind", "target_id"),  # a record's own
        CheckConstraint("decided_by <> asked_by", name="four_eyes"),
        CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL) AND (state = 'pending') = (decided_by IS NULL)",
                        name="decided"),
    )
    id: Mapped[Id]
    kind: Mapped[LongText]
    target_kind: Mapped[LongText]
    target_id: Mapped[LongText]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[LongText]
    state: Mapped[LongText] = mapped_column(default="pending")
    asked_by: Mapped[UUID | None]  # None: the system asked
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(Text)
    shown_once: ClassVar[str | None] = None  # what its effect tells the one who decides, and nobody again

    @property
    def public_id(self) -> str:
        return ids.public("apr", self.id)

    @property
    def title(self) -> str:
        return kinds.title_of(self.kind)
