"""Findings: what a proof of the books, or of the audit, found wrong. Each stands until a later proof does not find it.

People say that they have looked at one, and why; that closes nothing. While one stands no money leaves (`stops`).
"""
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import audit, clock
from portal.core.access import Actor, Permission
from portal.core.columns import LongText, Serial
from portal.core.commands import Command
from portal.core.db import Base, locked_one
from portal.core.errors import Conflict, Denied, NotFound

SHOWN_MAX = 200
SUBJECT = re.compile(r"[a-z_]+ \S+?(?=[,:]?(?: |$))")


class FindingSettled(Conflict):
    """A later proof did not find this any more: there is nothing left to look at."""

    code = "finding_settled"


class Finding(Base):
    """One difference. `subject` is what it is about, as its sentence begins: `order 0195…`, `account 12`."""

    __tablename__ = "findings"
    __table_args__ = (
        # one stands for each subject of a check; and whether any stands is asked before money leaves
        Index("uq_findings_standing", "check_name", "subject", unique=True,
              postgresql_where=text("settled_at IS NULL")),
        CheckConstraint("(settled_at IS NULL) = (settled_in IS NULL)", name="settled_by_a_proof"),
        CheckConstraint("(looked_at IS NULL) = (looked_by IS NULL) AND (looked_at IS NULL) = (looked_name IS NULL)"
                        " AND (looked_at IS NULL) = (looked_reason IS NULL)", name="looked"),
    )
    id: Mapped[Serial]
    check_name: Mapped[LongText]
    subject: Mapped[LongText]
    difference: Mapped[LongText]  # the whole sentence, as the newest proof had it
    found_at: Mapped[datetime]
    found_in: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_proofs.id"))
    found_again_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    looked_by: Mapped[UUID | None]
    looked_name: Mapped[str | None] = mapped_column(Text)
    looked_reason: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    settled_in: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("ledger_proofs.id"))


class LookAtFinding(Command):
    """Somebody has seen it; `reason`: what they know of it, for their colleagues."""

    finding_id: Annotated[int, Field(ge=1)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


def any_stands(session: Session) -> bool:
    """One probe of a small index."""
    return session.scalar(select(Finding.id).where(Finding.settled_at.is_(None)).limit(1)) is not None


def standing(session: Session, *, limit: int = SHOWN_MAX) -> Sequence[Finding]:
    """Oldest first: what came later may follow from it."""
    return session.scalars(select(Finding).where(Finding.settled_at.is_(None)).order_by(Finding.id).limit(limit)).all()


def settled(session: Session, *, limit: int = 20) -> Sequence[Finding]:
    """The newest of those that are over."""
    return session.scalars(select(Finding).where(Finding.settled_at.is_not(None))
                           .order_by(Finding.id.desc()).limit(limit)).all()


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Finding).where(Finding.settled_at.is_(None))) or 0


def look_at(session: Session, actor: Actor, command: LookAtFinding) -> Finding:
    """Say that one has seen it, and what one knows. It goes on standing; a later word replaces this one.

    Raises Denied, NotFound, FindingSettled.
    """
    if not (actor.is_staff and actor.may(Permission.LEDGER_READ)):
        raise Denied()
    found = locked_one(session, select(Finding).where(Finding.id == command.finding_id))
    if found is None:
        raise NotFound()
    if found.settled_at is not None:
        raise FindingSettled()
    before = {"reason": found.looked_reason} if found.looked_reason else None
    found.looked_at, found.looked_by = clock.now(), actor.id
    found.looked_name, found.looked_reason = actor.name, command.reason
    audit.record(session, actor, "finding.looked_at", "finding", found.id, before=before, reason=command.reason,
                 after={"check": found.check_name, "subject": found.subject})
    return found


def subject_of(difference: str) -> str:
    """`order 0195…` of `order 0195…: no settle entry`: every check begins its sentences with a noun and its id."""
    found = SUBJECT.match(difference)
    assert found, f"says not what it is about: {difference}"
    return found.group()
