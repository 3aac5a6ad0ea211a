"""When a requisite takes orders: its trader sleeps, its bank books at night. In the operator's time."""
from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import audit, clock, ids
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.errors import FieldError, Invalid
from portal.requisites import queries
from portal.requisites.models import PREFIX, Requisite

AtTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_OUTSIDE = """CASE WHEN hours_from < hours_to THEN NOT (:minute >= hours_from AND :minute < hours_to)
                  ELSE :minute >= hours_to AND :minute < hours_from END"""
FOLLOW = text(f"""
    WITH turned AS MATERIALIZED (SELECT id FROM requisites
                     WHERE hours_from IS NOT NULL AND off_hours IS DISTINCT FROM ({_OUTSIDE})
                     ORDER BY id FOR NO KEY UPDATE)  -- in the order in which everybody locks them
    UPDATE requisites r SET off_hours = NOT off_hours FROM turned WHERE r.id = turned.id""")


class SetHours(Command):
    """`begin` and `end` as HH:MM; neither: always."""

    requisite_id: str
    begin: AtTime | None = None
    end: AtTime | None = None


def set_hours(session: Session, actor: Actor, command: SetHours) -> Requisite:
    """They hold at once: less than always is tighter, and always is what it was approved for.

    Raises NotFound, Invalid.
    """
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    if (command.begin is None) != (command.end is None):
        missing = "begin" if command.begin is None else "end"
        raise Invalid(fields=[FieldError(f"/{missing}", "missing", "Say both times, or neither.")])
    if command.begin is not None and command.begin == command.end:
        raise Invalid(fields=[FieldError("/end", "same_time", "It ends at another time than it begins.")])
    before = shown(requisite)
    requisite.hours_from, requisite.hours_to = _minute(command.begin), _minute(command.end)
    requisite.off_hours = outside(requisite)
    if shown(requisite) != before:
        audit.record(session, actor, "requisite.hours_set", "requisite", requisite.id,
                     before={"hours": before}, after={"hours": shown(requisite)})
    return requisite


def outside(requisite: Requisite) -> bool:
    """Just now."""
    begin, end = requisite.hours_from, requisite.hours_to
    if begin is None or end is None:
        return False
    minute = _now()
    return not begin <= minute < end if begin < end else end <= minute < begin


def begins_at(requisite: Requisite) -> datetime | None:
    """When its next hours begin; None where it takes orders always."""
    if requisite.hours_from is None:
        return None
    today = clock.today()
    at = clock.moment_on(today, requisite.hours_from)
    return at if at > clock.now() else clock.moment_on(today + timedelta(days=1), requisite.hours_from)


def follow(session: Session) -> None:
    """Those whose time has begun or is over since the last minute."""
    session.execute(FOLLOW, {"minute": _now()})


def shown(requisite: Requisite) -> str | None:
    """`09:00–22:30`; None where it is always."""
    if requisite.hours_from is None or requisite.hours_to is None:
        return None
    return "–".join(clock_face(minute) for minute in (requisite.hours_from, requisite.hours_to))


def clock_face(minute: int | None) -> str:
    """`09:00`; empty for none."""
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _now() -> int:
    local = clock.local(clock.now())
    return local.hour * 60 + local.minute


def _minute(typed: str | None) -> int | None:
    if typed is None:
        return None
    at = time.fromisoformat(typed)
    return at.hour * 60 + at.minute
