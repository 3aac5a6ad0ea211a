"""Stopping the desk and letting it go on; it also goes on by itself at its time. Each is audited and told."""
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, ids, jobs, page_events
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked
from portal.core.errors import Denied, FieldError, Invalid, NotFound, Rejected
from portal.reference import cache
from portal.reference.pauses import DESK, DeskPause

JOB = "end_desk_pause"
N_ = str  # marks a sentence for translation


class NotPaused(Rejected):
    """The desk takes orders: there is nothing to end."""

    code = "not_paused"


class PauseDesk(Command):
    """`reason` is for the staff, `message` for everybody who is shown that the desk stands still.

    `what`: `desk`, or a part of it: `bank:alfa`, `method:card`, `direction:payout`, `store:` and its id.
    """

    what: Annotated[str, StringConstraints(max_length=80)] = DESK
    begins_in_minutes: Annotated[int, Field(ge=0, le=40_320)] = 0
    for_minutes: Annotated[int, Field(ge=1, le=2880)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    message: Annotated[str, StringConstraints(max_length=300)] | None = None


class ResumePart(Command):
    pause_id: Annotated[str, StringConstraints(max_length=40)]
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


class ResumeDesk(Command):
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


class StoreToPause(NamedTuple):
    id: UUID
    name: str
    merchant_id: UUID


FindStore = Callable[[str], StoreToPause]


def pause(session: Session, actor: Actor, command: PauseDesk, find_store: FindStore | None = None) -> DeskPause:
    """No process takes a new order, of that part, 5 seconds after it begins; open ones go on. One of the same that
    holds already, or is announced, is replaced, but not a bank's maintenance to come (`windows.py`). `find_store`: by
    its public id, for who stops one; raises NotFound.

    Raises Denied, Invalid.
    """
    _check(actor)
    now = clock.now()
    scope, target, name, merchant_id = _part(session, command.what, find_store)
    for earlier in _open(session):
        planned = earlier.window_id is not None and earlier.began_at > now
        if (earlier.scope, earlier.target) == (scope, target) and not planned:
            earlier.ended_at, earlier.ended_name = min(now, earlier.ends_at), actor.name
    begins_at = now + timedelta(minutes=command.begins_in_minutes)
    made = DeskPause(scope=scope, target=target, target_name=name, merchant_id=merchant_id, began_at=begins_at,
                     began_by=actor.id, began_name=actor.name, reason=command.reason, message=command.message,
                     ends_at=begins_at + timedelta(minutes=command.for_minutes))
    session.add(made)
    session.flush()
    audit.record(session, actor, "desk.paused" if scope == DESK else "desk.partly_paused", "desk", made.id,
                 reason=command.reason, after={"until": clock.rfc3339(made.ends_at), "message": made.message} | (
                     {} if scope == DESK else {"part": scope, "name": name, "from": clock.rfc3339(begins_at)}))
    jobs.enqueue(session, JOB, made.id, run_at=made.ends_at)
    _tell(session)
    _tell_people(session, actor, "pause.announced" if command.begins_in_minutes else "pause.began", made,
                 minutes=command.begins_in_minutes or None)
    return made


def resume(session: Session, actor: Actor, command: ResumeDesk) -> None:
    """Orders are taken again, in every process within 5 seconds. Raises Denied, NotPaused."""
    _check(actor)
    now = clock.now()
    ending = [one for one in _open(session) if one.ends_at > now and one.scope == DESK]
    if not ending:
        raise NotPaused()
    for one in ending:
        one.ended_at, one.ended_name = now, actor.name
        audit.record(session, actor, "desk.resumed", "desk", one.id, reason=command.reason)
        _tell_people(session, actor, "pause.ended", one)
    _tell(session)


def resume_part(session: Session, actor: Actor, command: ResumePart) -> None:
    """Its orders are taken again, or what was announced does not come. Raises Denied, NotPaused, NotFound."""
    _check(actor)
    id, now = ids.parse("pau", command.pause_id), clock.now()
    found = next((one for one in _open(session) if one.id == id and one.scope != DESK and one.ends_at > now), None)
    if found is None:
        raise NotPaused()
    found.ended_at, found.ended_name = now, actor.name
    audit.record(session, actor, "desk.partly_resumed", "desk", found.id, reason=command.reason,
                 after={"part": found.scope, "name": found.target_name})
    _tell(session)
    _tell_people(session, actor, "pause.ended", found)


def end_in_time(session: Session, due: Sequence[jobs.Claimed]) -> None:
    """Its time is over: orders are taken again already, now that is written down. Harmless twice."""
    due_ids = {job.reference for job in due}
    for one in _open(session):
        if one.id in due_ids and one.ends_at <= clock.now():
            one.ended_at, one.ended_name = one.ends_at, SYSTEM.name
            audit.record(session, SYSTEM, "desk.resumed" if one.scope == DESK else "desk.partly_resumed", "desk",
                         one.id, reason="Its time was over")
            if one.window_id is None:  # what recurs is no news
                _tell_people(session, SYSTEM, "pause.ended", one)
    _tell(session)


def _part(session: Session, what: str, find_store: FindStore | None) -> tuple[str, str, str, UUID | None]:
    """Scope, target, its name, whose store it is. Raises Invalid for what is no part of the desk."""
    scope, _, target = what.partition(":")
    known = cache.snapshot(session)
    match scope:
        case "desk" if not target:
            return DESK, "", "", None
        case "method" if target in known.methods:
            return scope, target, known.methods[target].name, None
        case "bank" if target in known.banks:
            return scope, target, known.banks[target].name, None
        case "direction" if target in ("payin", "payout"):
            return scope, target, target.capitalize(), None
        case "store" if find_store is not None:
            with suppress(NotFound):
                store = find_store(target)
                return scope, str(store.id), store.name, store.merchant_id
    raise Invalid(fields=[FieldError("/what", "literal_error", "There is no such choice.")])


def _open(session: Session) -> Sequence[DeskPause]:
    return locked(session, select(DeskPause).where(DeskPause.ended_at.is_(None)).order_by(DeskPause.id))


def _tell(session: Session) -> None:
    session.flush()
    cache.changed(session)
    page_events.tell(session, "desk", (page_events.EVERYBODY,))


def _tell_people(session: Session, actor: Actor, event: str, one: DeskPause, *, minutes: int | None = None) -> None:
    """Staff read why; a store that stands still alone reads what everybody is shown. Others see the banner."""
    what = one.target_name or N_("the whole desk")
    notices.notify(session, event, notices.STAFF, but=actor.id, what=what, reason=one.reason, desk="/admin/pause",
                   minutes=minutes)
    if one.scope == "store":
        notices.notify(session, event, notices.store(UUID(one.target)), what=what, reason=one.message,
                       home="/merchant/orders", minutes=minutes)


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.DESK_PAUSE))):
        raise Denied()
