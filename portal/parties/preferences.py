"""One's own account: the language and time zone it is written in, and its other browsers."""
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.db import locked_one
from portal.core.errors import FieldError, Invalid, NotFound
from portal.parties.commands import Locale
from portal.parties.models import User, UserSession


class SetPreferences(Command):
    """`time_zone` by its name in the tz database: Europe/Moscow."""

    locale: Locale
    time_zone: str


@cache
def time_zones() -> tuple[str, ...]:
    """Those of places, and UTC: what a person chooses from."""
    areas = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
             "Pacific/")
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(areas)))


def set_preferences(session: Session, actor: Actor, command: SetPreferences) -> User:
    """How a person's pages are written from now on. Harmless twice. Raises Invalid for no such zone, NotFound."""
    user = locked_one(session, select(User).where(User.id == actor.id, User.active))
    if user is None:
        raise NotFound()
    if command.time_zone not in time_zones() and command.time_zone != user.time_zone:
        raise Invalid(fields=[FieldError("/time_zone", "unknown_time_zone", "There is no such time zone.")])
    before = {"locale": user.locale, "time_zone": user.time_zone}
    after = {"locale": command.locale, "time_zone": command.time_zone}
    if before != after:
        user.locale, user.time_zone = command.locale, command.time_zone
        audit.record(session, actor, "user.preferences_set", "user", user.id, before=before, after=after)
    return user


def end_other_sessions(session: Session, actor: Actor, here: UUID) -> int:
    """Every browser of theirs but this one is out at once. Returns how many; harmless twice."""
    ended = session.scalars(
        update(UserSession).where(UserSession.user_id == actor.id, UserSession.id != here,
                                  UserSession.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because="ended_by_owner").returning(UserSession.id)).all()
    if ended:
        audit.record(session, actor, "session.others_ended", "user", actor.id,
                     after={"sessions": sorted(str(id) for id in ended)})
    return len(ended)
