"""Who of the staff is on it: whatever waits can be taken, handed over and released. Others may still decide."""
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import CheckConstraint, Index, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import audit, clock, ids, page_events
from portal.core.access import Actor, Permission, Role
from portal.core.columns import Id, LongText
from portal.core.commands import Command
from portal.core.db import Base, locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, judges
from portal.parties.models import User, UserPermission

SHOWN_MAX, PEOPLE_MAX = 200, 200
SubjectKind = Literal["order", "approval", "job", "application", "help"]
SEEN_BY = {"order": Permission.ORDER_READ, "approval": Permission.APPROVAL_READ, "job": Permission.JOB_READ,
           "application": Permission.APPLICATION_READ, "help": Permission.DISPUTE_OPEN}


class CaseTaken(Conflict):
    """A colleague has taken this already. Talk to them, or take it over."""

    code = "case_taken"


class Case(Base):
    """Somebody is on a matter since `taken_at`; at most one at a time. A hand-over ends one and begins another."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("uq_cases_open", "subject_kind", "subject_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_cases_taken_by", "taken_by", postgresql_where=text("ended_at IS NULL")),  # "mine"
        CheckConstraint("subject_kind IN ('order', 'approval', 'job', 'application', 'help')", name="subject_kind"),
    )
    id: Mapped[Id]
    subject_kind: Mapped[LongText]
    subject_id: Mapped[UUID]
    taken_by: Mapped[UUID]
    taken_name: Mapped[LongText]
    taken_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    ended_name: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public("cas", self.id)


judges({"uq_cases_open": CaseTaken})


def id_of_job(number: int) -> UUID:
    """Work of the queue is numbered; a case names it by this."""
    return UUID(int=number)


class TakeCase(Command):
    """`over`: the case of a colleague that the form showed, to be taken over."""

    subject_kind: SubjectKind
    subject_id: UUID
    over: Annotated[str, StringConstraints(max_length=40)] | None = None


class EndCase(Command):
    """Release it, or hand it `to` a colleague."""

    subject_kind: SubjectKind
    subject_id: UUID
    to: UUID | None = None


def take(session: Session, actor: Actor, command: TakeCase) -> Case:
    """It is the actor's from now on, and everybody sees it. Harmless twice. Raises Denied, CaseTaken."""
    _check(actor)
    present = _open(session, command.subject_kind, command.subject_id)
    if present is not None and present.taken_by == actor.id:
        return present
    if (present.public_id if present else None) != command.over:
        raise CaseTaken(by=present.taken_name if present else "")
    if present is not None:
        _end(session, present, actor)
    assert actor.id is not None
    return _begin(session, actor, command.subject_kind, command.subject_id, actor.id, actor.name,
                  before=present.taken_name if present else None)


def release(session: Session, actor: Actor, command: EndCase) -> None:
    """Nobody is on it any more, or the colleague it was handed to. Raises Denied, CaseTaken for another's, Invalid."""
    _check(actor)
    present = _open(session, command.subject_kind, command.subject_id)
    if present is None:
        return
    if present.taken_by != actor.id:
        raise CaseTaken(by=present.taken_name)
    colleague = None
    if command.to is not None:
        able = colleagues(session, actor, command.subject_kind)
        colleague = next((one for one in able if one.id == command.to), None)
        if colleague is None:
            raise Invalid(fields=[FieldError("/to", "unknown_colleague", "There is no such colleague.")])
    _end(session, present, actor)
    if colleague is not None:
        _begin(session, actor, command.subject_kind, command.subject_id, colleague.id, colleague.email,
               before=present.taken_name)
    else:
        audit.record(session, actor, "case.released", command.subject_kind, _audited(present),
                     before={"by": present.taken_name})


def colleagues(session: Session, actor: Actor, subject_kind: str) -> Sequence[User]:
    """Whom a matter can be handed to: the active staff who see such matters, but oneself, by name."""
    able = select(UserPermission.user_id).where(UserPermission.permission == SEEN_BY[subject_kind])
    return session.scalars(select(User).where(
        User.active, User.role.in_((Role.ADMIN, Role.SUPPORT)), User.id != actor.id, User.id.in_(able))
                           .order_by(User.name, User.id).limit(PEOPLE_MAX)).all()


def of(session: Session, subject_kind: SubjectKind, subject_ids: Iterable[UUID]) -> dict[UUID, Case]:
    """Who is on which of these."""
    wanted = list(subject_ids)
    if not wanted:
        return {}
    return {case.subject_id: case for case in session.scalars(
        select(Case).where(Case.subject_kind == subject_kind, Case.subject_id.in_(wanted), Case.ended_at.is_(None))
        .execution_options(populate_existing=True))}


def open_cases(session: Session, actor: Actor, *, mine: bool) -> Sequence[Case]:
    """The newest first. Raises Denied."""
    _check(actor)
    rows = select(Case).where(Case.ended_at.is_(None))
    if mine:
        rows = rows.where(Case.taken_by == actor.id)
    return session.scalars(rows.order_by(Case.id.desc()).limit(SHOWN_MAX)).all()


def _begin(session: Session, actor: Actor, kind: str, subject_id: UUID, by: UUID, name: str, *,
           before: str | None) -> Case:
    made = Case(subject_kind=kind, subject_id=subject_id, taken_by=by, taken_name=name)
    session.add(made)
    session.flush()
    audit.record(session, actor, "case.taken" if by == actor.id else "case.handed_over", kind, _audited(made),
                 before={"by": before} if before else None, after={"by": name})
    page_events.tell(session, "cases", ())
    return made


def _audited(case: Case) -> UUID | int:
    """As other acts on the same thing name it in the audit."""
    return case.subject_id.int if case.subject_kind == "job" else case.subject_id


def _end(session: Session, case: Case, actor: Actor) -> None:
    case.ended_at, case.ended_name = clock.now(), actor.name
    session.flush()
    page_events.tell(session, "cases", ())


def _open(session: Session, kind: str, subject_id: UUID) -> Case | None:
    return locked_one(session, select(Case).where(Case.subject_kind == kind, Case.subject_id == subject_id,
                                                  Case.ended_at.is_(None)))


def _check(actor: Actor) -> None:
    if actor.id is None or not (actor.is_staff and actor.may(Permission.ADMIN_PORTAL)):
        raise Denied()
