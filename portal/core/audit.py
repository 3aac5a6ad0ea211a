"""The audit: who changed what, from where, before and after. Rows are only ever added; the database sees to it.

An order's steps are audited by their own event rows (`orders.models.OrderEvent`); everything else writes here.
"""
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, Select, Text, false, select, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock, ids
from portal.core.access import Actor, Permission
from portal.core.db import Base
from portal.core.errors import NotFound
from portal.core.paging import Page, newest_first

PAGE = 50
VALUES_MAX = 200  # kinds of acts and of records shown to choose from


class AuditRow(Base):
    """One act by anyone. Secrets and full numbers never stand in `before` and `after`."""

    __tablename__ = "audit_rows"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_audit_rows_created_at_id", "created_at", "id"),  # the audit page, newest first
        Index("ix_audit_rows_target", "target_kind", "target_id", "created_at"),  # a record's own history
        Index("ix_audit_rows_actor", "actor_name", "created_at", "id"),  # the audit page: what somebody did
        Index("ix_audit_rows_action", "action", "created_at", "id"),  # the audit page: acts of a kind
        Index("ix_audit_rows_transaction", "transaction_id", postgresql_using="brin",  # what seals are made of
              postgresql_with={"pages_per_range": 16, "autosummarize": "'on'"}),
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


@dataclass(frozen=True)
class AuditFilter:
    """What the audit page narrows by; empty means all. `target`: an id, public or as it is stored."""

    actor: str = ""  # a whole name: an e-mail, a key's name
    action: str = ""
    kind: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def narrowed(self) -> bool:
        return bool(self.actor or self.action or self.kind or self.target or self.since or self.until)


def page(session: Session, actor: Actor, wanted: AuditFilter, *, cursor: str | None = None,
         limit: int = PAGE) -> Page[AuditRow]:
    """Newest first. Raises Invalid for a wrong cursor."""
    rows = visible_to(actor)
    for column, value in ((AuditRow.actor_name, wanted.actor), (AuditRow.action, wanted.action)):
        if value:
            rows = rows.where(column == value)
    if wanted.target:
        known = [wanted.kind] if wanted.kind else distinct(session, "target_kind")
        rows = rows.where(AuditRow.target_kind.in_(known), AuditRow.target_id == _stored(wanted.target))
    elif wanted.kind:
        rows = rows.where(AuditRow.target_kind == wanted.kind)
    if wanted.since is not None:
        rows = rows.where(AuditRow.created_at >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(AuditRow.created_at < wanted.until)
    return newest_first(session, rows, AuditRow.created_at, AuditRow.id, cursor=cursor, limit=limit)


def visible_to(actor: Actor) -> Select[AuditRow]:
    """Who may read the audit reads all of it; anybody else nothing."""
    may = actor.is_system or (actor.is_staff and actor.may(Permission.AUDIT_READ))
    return select(AuditRow) if may else select(AuditRow).where(false())


def distinct(session: Session, column: Literal["action", "target_kind"]) -> list[str]:
    """Every value there is: a probe of the column's index for each, however long the trail."""
    return list(session.scalars(text(f"""
        WITH RECURSIVE seen AS (
            SELECT min({column}) AS value FROM audit_rows
            UNION ALL SELECT (SELECT min({column}) FROM audit_rows WHERE {column} > s.value) FROM seen s
             WHERE s.value IS NOT NULL)
        SELECT value FROM seen WHERE value IS NOT NULL LIMIT {VALUES_MAX}""")))


def append_only(session: Session) -> bool:
    """Does the database refuse this role every change of a row that was written?"""
    return not session.scalar(text(
        "SELECT bool_or(has_table_privilege(t, 'UPDATE') OR has_table_privilege(t, 'DELETE') OR"
        " has_table_privilege(t, 'TRUNCATE')) FROM unnest(ARRAY['audit_rows', 'order_events', 'audit_seals']) AS t"))


def _stored(target: str) -> str:
    """`trd_01J…` as it is kept: the id behind it; anything else as it was written."""
    try:
        return str(ids.parse(target.rpartition("_")[0], target))
    except NotFound:
        return target
