"""The log of the staff's shifts: who came and went, what was noted, and what was open and went to whom.

A shift of the staff switches nothing on: who may act may always act. It is for who comes next.
"""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import notices
from portal.core import audit, clock
from portal.core.access import Actor, Permission
from portal.core.columns import Id, LongText
from portal.core.commands import Command
from portal.core.db import Base
from portal.core.errors import Conflict, Denied, FieldError, Invalid
from portal.core.paging import Page, newest_ids_first
from portal.parties import cases
from portal.parties.cases import Case, EndCase
from portal.parties.models import User

BEGAN, NOTED, ENDED = "began", "noted", "ended"
PAGE, LONGEST = 50, timedelta(hours=36)  # who came longer ago has forgotten to say that he went
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class ShiftMoved(Conflict):
    """Your shift has begun, or ended, already. Look at the log."""

    code = "shift_moved"


class ShiftEntry(Base):
    """One line; never changed. `handed`: how many matters went over with it, to whom."""

    __tablename__ = "shift_entries"
    __table_args__ = (
        Index("ix_shift_entries_user_id", "user_id", "id", postgresql_where=text("kind <> 'noted'")),
        CheckConstraint("kind IN ('began', 'noted', 'ended')", name="kind"),
        CheckConstraint("(kind = 'noted') <= (text IS NOT NULL)", name="text"),
    )
    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[LongText]
    kind: Mapped[LongText]
    text: Mapped[str | None] = mapped_column(Text)
    handed_name: Mapped[str | None] = mapped_column(Text)
    handed: Mapped[int] = mapped_column(default=0)


class NoteShift(Command):
    text: Words


class EndStaffShift(Command):
    """`text` is for who comes next; `to`: the colleague who gets what one is on."""

    text: Words | None = None
    to: UUID | None = None


def begin(session: Session, actor: Actor) -> ShiftEntry:
    """Raises Denied, ShiftMoved."""
    if on_shift(session, actor):
        raise ShiftMoved()
    return _write(session, actor, BEGAN)


def note(session: Session, actor: Actor, command: NoteShift) -> ShiftEntry:
    """Raises Denied."""
    _check(actor)
    return _write(session, actor, NOTED, text=command.text)


def end(session: Session, actor: Actor, command: EndStaffShift) -> ShiftEntry:
    """What one is on goes to the colleague who is named, as far as he sees such matters; the rest stays one's own.

    Raises Denied, ShiftMoved, Invalid (nobody is named, and matters are open).
    """
    if not on_shift(session, actor):
        raise ShiftMoved()
    mine = cases.open_cases(session, actor, mine=True)
    if mine and command.to is None and command.text is None:
        raise Invalid(fields=[FieldError("/to", "missing", "Name who gets what you are on, or say why nobody does.")])
    handed = [case for case in mine if command.to is not None and _handed(session, actor, case, command.to)]
    colleague = session.get(User, command.to) if command.to is not None and handed else None
    if command.to is not None and mine and colleague is None:
        raise Invalid(fields=[FieldError("/to", "unknown_colleague", "There is no such colleague.")])
    if colleague is not None:
        notices.notify(session, "shift.handed", notices.user(colleague.id), by=actor.name, matters=len(handed),
                       note=command.text or "")
    return _write(session, actor, ENDED, text=command.text, handed=len(handed),
                  handed_name=colleague.name if colleague is not None else None)


def on_shift(session: Session, actor: Actor) -> bool:
    """Whether one has begun and not ended. Raises Denied."""
    _check(actor)
    last = session.execute(select(ShiftEntry.kind, ShiftEntry.at).where(
        ShiftEntry.user_id == actor.id, ShiftEntry.kind != NOTED).order_by(ShiftEntry.id.desc()).limit(1)).first()
    return last is not None and last.kind == BEGAN and last.at > clock.now() - LONGEST


def page(session: Session, actor: Actor, *, cursor: str | None) -> Page[ShiftEntry]:
    """The newest first. Raises Denied, Invalid for a wrong cursor."""
    _check(actor)
    return newest_ids_first(session, select(ShiftEntry), ShiftEntry.id, cursor=cursor, limit=PAGE)


def colleagues(session: Session, actor: Actor) -> Sequence[User]:
    """Whom one's orders can be handed to."""
    return cases.colleagues(session, actor, "order")


def _handed(session: Session, actor: Actor, case: Case, to: UUID) -> bool:
    if to not in {one.id for one in cases.colleagues(session, actor, case.subject_kind)}:
        return False
    cases.release(session, actor, EndCase(subject_kind=case.subject_kind, subject_id=case.subject_id,  # type: ignore[arg-type]
                                          to=to))
    return True


def _write(session: Session, actor: Actor, kind: str, **more: object) -> ShiftEntry:
    made = ShiftEntry(user_id=actor.id, user_name=actor.name, kind=kind, **more)
    session.add(made)
    session.flush()
    audit.record(session, actor, f"staff_shift.{kind}", "user", actor.id)
    return made


def _check(actor: Actor) -> None:
    if actor.id is None or not (actor.is_staff and actor.may(Permission.ADMIN_PORTAL)):
        raise Denied()
