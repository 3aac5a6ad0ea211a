"""Stopping the desk and letting it go on; it also goes on by itself at its time. Each is audited and told."""
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, clock, jobs, page_events
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked
from portal.core.errors import Denied, Rejected
from portal.reference import cache
from portal.reference.pauses import DeskPause

JOB = "end_desk_pause"


class NotPaused(Rejected):
    """The desk takes orders: there is nothing to end."""

    code = "not_paused"


class PauseDesk(Command):
    """`reason` is for the staff, `message` for everybody who is shown that the desk stands still."""

    for_minutes: Annotated[int, Field(ge=1, le=2880)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    message: Annotated[str, StringConstraints(max_length=300)] | None = None


class ResumeDesk(Command):
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


def pause(session: Session, actor: Actor, command: PauseDesk) -> DeskPause:
    """No process takes a new order 5 seconds from now; open ones go on. One that holds already is replaced.

    Raises Denied.
    """
    _check(actor)
    now = clock.now()
    for earlier in _open(session):
        earlier.ended_at, earlier.ended_name = min(now, earlier.ends_at), actor.name
    made = DeskPause(began_at=now, began_by=actor.id, began_name=actor.name, reason=command.reason,
                     message=command.message, ends_at=now + timedelta(minutes=command.for_minutes))
    session.add(made)
    session.flush()
    audit.record(session, actor, "desk.paused", "desk", made.id, reason=command.reason, after={
        "until": clock.rfc3339(made.ends_at), "message": made.message})
    jobs.enqueue(session, JOB, made.id, run_at=made.ends_at)
    _tell(session)
    return made


def resume(session: Session, actor: Actor, command: ResumeDesk) -> None:
    """Orders are taken again, in every process within 5 seconds. Raises Denied, NotPaused."""
    _check(actor)
    now = clock.now()
    ending = [one for one in _open(session) if one.ends_at > now]
    if not ending:
        raise NotPaused()
    for one in ending:
        one.ended_at, one.ended_name = now, actor.name
        audit.record(session, actor, "desk.resumed", "desk", one.id, reason=command.reason)
    _tell(session)


def end_in_time(session: Session, due: Sequence[jobs.Claimed]) -> None:
    """Its time is over: orders are taken again already, now that is written down. Harmless twice."""
    ids = {job.reference for job in due}
    for one in _open(session):
        if one.id in ids and one.ends_at <= clock.now():
            one.ended_at, one.ended_name = one.ends_at, SYSTEM.name
            audit.record(session, SYSTEM, "desk.resumed", "desk", one.id, reason="Its time was over")
    _tell(session)


def _open(session: Session) -> Sequence[DeskPause]:
    return locked(session, select(DeskPause).where(DeskPause.ended_at.is_(None)).order_by(DeskPause.id))


def _tell(session: Session) -> None:
    session.flush()
    cache.changed(session)
    page_events.tell(session, "desk", ())


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.DESK_PAUSE))):
        raise Denied()
