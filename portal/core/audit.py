"""The audit: who changed what, from where, before and after. Rows are only ever added; the database sees to it.

An order's steps are audited by their own event rows (`orders.models.OrderEvent`); everything else writes here.
"""
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.access import Actor
from portal.core.db import Base


class AuditRow(Base):
    """One act by anyone. Secrets and full numbers never stand in `before` and `after`."""

    __tablename__ = "audit_rows"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_audit_rows_created_at_id", "created_at", "id"),  # the audit page, newest first
        Index("ix_audit_rows_target", "target_kind", "target_id", "created_at"),  # a record's own history
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    transaction_id: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(INET)
    request_id: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)  # requisite.approved, user.logged_in
    target_kind: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)


def record(session: Session, actor: Actor, action: str, target_kind: str, target_id: object, *,
           before: dict[str, Any] | None = None, after: dict[str, Any] | None = None,
           reason: str | None = None) -> None:
    """Write one audit row in the caller's transaction."""
    session.add(AuditRow(
        actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name, role=actor.role, address=actor.address,
        request_id=actor.request_id, action=action, target_kind=target_kind, target_id=str(target_id),
        before=before, after=after, reason=reason))
