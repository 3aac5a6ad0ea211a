"""What each person wants to be told of, by which channel and when: their own choices, kept where they differ."""
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import audit, typed_amounts
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.money import BadAmount
from portal.notices import catalogue, hours
from portal.notices.catalogue import DIGEST, MAIL, NOW, OFF, Event
from portal.notices.models import NoticeChoice, NoticePlan

N_ = str  # marks a sentence for translation
SOME_NIGHT = N_("Quiet hours begin and end, at different times.")
LOW_MAX = Decimal(10) ** 12
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class SetHours(Command):
    """Times of the person's own day, as 22:30. Both ends of the quiet hours or neither."""

    quiet_from: str | None = Field(None, pattern=TIME)
    quiet_until: str | None = Field(None, pattern=TIME)
    digest_at: str = Field(pattern=TIME)


class SetLow(Command):
    """In the settlement currency of the person's own balance, or of each of their stores."""

    low_amount: str | None = Field(None, max_length=40)


def ways(channel: str) -> tuple[str, ...]:
    """How a channel can be chosen: letters alone may wait for the day's one."""
    return (OFF, NOW, DIGEST) if channel == MAIL else (OFF, NOW)


def events_for(actor: Actor) -> dict[str, Event]:
    """Those that can reach this person: of their role, and within what they may."""
    assert actor.role is not None
    return {name: event for name, event in catalogue.chosen_by(actor.role).items() if actor.may(event.permission)}


def chosen(session: Session, actor: Actor) -> dict[str, dict[str, str]]:
    """Event → channel → how, for everything that can reach this person."""
    own: dict[str, dict[str, str]] = {}
    for row in session.scalars(select(NoticeChoice).where(NoticeChoice.user_id == actor.id)):
        own.setdefault(row.event, {})[row.channel] = row.how
    return {name: {channel: own.get(name, {}).get(channel, event.usually.get(channel, OFF))
                   if channel not in event.always else NOW for channel in catalogue.CHANNELS}
            for name, event in events_for(actor).items()}


def choose(session: Session, actor: Actor, group: str, wanted: Mapping[str, str]) -> None:
    """`wanted`: "event:channel" → how, of one group. What is not named stays. Harmless twice.

    Raises Invalid for a choice that there is not, NotFound for a group that cannot reach this person.
    """
    known = {name: event for name, event in events_for(actor).items() if event.group == group}
    if not known:
        raise NotFound()
    assert actor.id is not None
    for key, how in wanted.items():
        name, _, channel = key.rpartition(":")
        if name not in known or channel not in catalogue.CHANNELS or how not in ways(channel):
            raise Invalid(fields=[FieldError(f"/{key}", "enum", "There is no such choice.")])
        if channel not in known[name].always:
            _keep(session, actor.id, name, channel, how)
    audit.record(session, actor, "user.notices_set", "user", actor.id, after=dict(wanted))


def _keep(session: Session, user_id: UUID, event: str, channel: str, how: str) -> None:
    """As the catalogue has it: no row, so that a catalogue of tomorrow counts."""
    if how == catalogue.of(event).usually.get(channel, OFF):
        session.execute(delete(NoticeChoice).where(NoticeChoice.user_id == user_id, NoticeChoice.event == event,
                                                   NoticeChoice.channel == channel))
        return
    session.execute(insert(NoticeChoice).values(user_id=user_id, event=event, channel=channel, how=how)
                    .on_conflict_do_update(index_elements=["user_id", "event", "channel"], set_={"how": how}))


def plan(session: Session, actor: Actor) -> NoticePlan:
    """The person's own, or what holds without one (not kept)."""
    return session.get(NoticePlan, actor.id) or NoticePlan(user_id=actor.id, digest_at=hours.DIGEST_AT)


def set_hours(session: Session, actor: Actor, command: SetHours) -> None:
    """Counts for what happens from now on. Harmless twice. Raises Invalid for half a night, or an empty one."""
    quiet_from, quiet_until = minutes(command.quiet_from), minutes(command.quiet_until)
    if (quiet_from is None) != (quiet_until is None) or (quiet_from is not None and quiet_from == quiet_until):
        raise Invalid(fields=[FieldError("/quiet_until", "incomplete", SOME_NIGHT)])
    values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": minutes(command.digest_at)}
    session.execute(insert(NoticePlan).values(user_id=actor.id, **values)
                    .on_conflict_do_update(index_elements=["user_id"], set_=values))
    audit.record(session, actor, "user.notice_hours_set", "user", actor.id, after=values)


def set_low(session: Session, actor: Actor, command: SetLow) -> None:
    """Below what the person's balance is called low; nothing: never. Harmless twice. Raises Invalid."""
    if "balance.low" not in events_for(actor):
        raise NotFound()
    try:
        limit = None if command.low_amount is None else Decimal(typed_amounts.number(command.low_amount))
    except BadAmount as error:
        raise Invalid(fields=[typed_amounts.wrong("low_amount", error)]) from None
    if limit is not None and not 0 < limit < LOW_MAX:
        raise Invalid(fields=[FieldError("/low_amount", "invalid_amount", "Write an amount above nothing, as 250.")])
    values = {"low_amount": limit, "low_told_at": None}
    session.execute(insert(NoticePlan).values(user_id=actor.id, digest_at=hours.DIGEST_AT, **values)
                    .on_conflict_do_update(index_elements=["user_id"], set_=values))
    audit.record(session, actor, "user.notices_set", "user", actor.id, after={"low_amount": command.low_amount})


def minutes(wall: str | None) -> int | None:
    """`22:30` → 1350."""
    return None if wall is None else int(wall[:2]) * 60 + int(wall[3:])


def wall(of_day: int | None) -> str:
    """1350 → `22:30`; nothing for none."""
    return "" if of_day is None else f"{of_day // 60:02}:{of_day % 60:02}"
