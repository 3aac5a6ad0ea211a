"""Maintenance that a bank announces for certain days of the week: planned ahead as pauses of the bank, by a job.

A window is in the operator's time: `22:00–02:00` on Sundays ends on Monday. Each time that begins within a day is a row
of `desk_pauses` (`pausing.py`), so pages, the gateway, matching and traders know one kind of pause. One that staff end
early, or call off before it begins, is not planned again.
"""
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import audit, clock, ids, jobs, page_events
from portal.core.access import Actor, Permission
from portal.core.columns import Id, LongText
from portal.core.commands import Command
from portal.core.db import Base, locked, locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound
from portal.reference import cache
from portal.reference.pauses import DeskPause
from portal.reference.pausing import JOB

PREFIX, MOST = "bwn", 100
AHEAD = timedelta(hours=26)  # a day, and what the job may be late
KEPT_FOR, FORGOTTEN_MAX = timedelta(days=365), 500  # of times that were; hundreds a year for each window
AtTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class TooManyWindows(Conflict):
    """There are as many maintenance windows as there may be. Remove one that is not needed."""

    code = "too_many_windows"


class BankWindow(Base):
    """`days`: 1 Monday to 7 Sunday, on which it begins; minutes of the operator's day. Removed ones are kept."""

    __tablename__ = "bank_windows"
    __table_args__ = (
        Index("ix_bank_windows_open", "bank", postgresql_where=text("removed_at IS NULL")),
        CheckConstraint("begins_at BETWEEN 0 AND 1439 AND ends_at BETWEEN 0 AND 1439 AND begins_at <> ends_at",
                        name="minutes"),
        CheckConstraint("cardinality(days) BETWEEN 1 AND 7 AND days <@ '{1,2,3,4,5,6,7}'::int[]", name="days"),
    )
    id: Mapped[Id]
    bank: Mapped[str] = mapped_column(ForeignKey("banks.code"))
    days: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    begins_at: Mapped[int]
    ends_at: Mapped[int]  # on the day after where it is the smaller
    message: Mapped[str | None] = mapped_column(Text)  # for merchants, traders and payers
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_name: Mapped[LongText]
    removed_at: Mapped[datetime | None]
    removed_name: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)


class AddWindow(Command):
    """`days` as numbers, 1 Monday to 7 Sunday; `begin` and `end` as HH:MM."""

    bank: Annotated[str, StringConstraints(max_length=32)]
    days: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1, max_length=7)]
    begin: AtTime
    end: AtTime
    message: Annotated[str, StringConstraints(max_length=300)] | None = None


class RemoveWindow(Command):
    window_id: Annotated[str, StringConstraints(max_length=40)]


def add(session: Session, actor: Actor, command: AddWindow) -> BankWindow:
    """From its next time on; that is planned at once. Raises Denied, Invalid, TooManyWindows."""
    _check(actor)
    if cache.snapshot(session).banks.get(command.bank) is None:
        raise Invalid(fields=[FieldError("/bank", "unknown_bank", "There is no such bank.")])
    if command.begin == command.end:
        raise Invalid(fields=[FieldError("/end", "same_time", "It ends at another time than it begins.")])
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('bank_windows'))"))  # two people at once
    if session.scalar(select(func.count()).where(BankWindow.removed_at.is_(None))) >= MOST:  # type: ignore[operator]
        raise TooManyWindows()
    made = BankWindow(id=ids.new_id(), bank=command.bank, days=sorted(set(command.days)),
                      begins_at=_minute(command.begin), ends_at=_minute(command.end), message=command.message,
                      made_name=actor.name)
    session.add(made)
    session.flush()
    audit.record(session, actor, "bank_window.added", "bank", made.bank, after=_facts(made))
    plan(session)
    return made


def remove(session: Session, actor: Actor, command: RemoveWindow) -> None:
    """No more of it: what is planned is called off, what holds ends now. Harmless twice. Raises Denied, NotFound."""
    _check(actor)
    found = locked_one(session, select(BankWindow).where(BankWindow.id == ids.parse(PREFIX, command.window_id)))
    if found is None:
        raise NotFound()
    if found.removed_at is not None:
        return
    now = clock.now()
    found.removed_at, found.removed_name = now, actor.name
    for one in locked(session, select(DeskPause).where(DeskPause.window_id == found.id, DeskPause.ended_at.is_(None))
                      .order_by(DeskPause.id)):
        one.ended_at, one.ended_name = now, actor.name
    audit.record(session, actor, "bank_window.removed", "bank", found.bank, before=_facts(found))
    _tell(session)


def plan(session: Session) -> int:
    """Work of a recurring job: every time that begins within a day, or is under way, and is not planned yet.

    Harmless twice and by two at once. Returns how many were planned.
    """
    now, banks = clock.now(), cache.snapshot(session).banks
    rows = [{"id": ids.new_id(), "scope": "bank", "target": window.bank, "target_name": banks[window.bank].name,
             "began_at": begin, "ends_at": end, "began_name": window.made_name, "reason": "Maintenance of the bank",
             "message": window.message, "window_id": window.id}
            for window in windows(session)
            for begin, end in times(window, clock.day_of(now - timedelta(days=1)), days=4)
            if begin <= now + AHEAD and end > now and end > window.made_at]
    made = session.execute(insert(DeskPause).values(rows).on_conflict_do_nothing().returning(
        DeskPause.id, DeskPause.ends_at)).all() if rows else []
    for id, ends_at in made:
        jobs.enqueue(session, JOB, id, run_at=ends_at)
    if made:
        _tell(session)
    return len(made)


def forget(session: Session) -> None:
    """Work of the same job: its times of long ago. A stop by hand is kept; the audit tells of both."""
    old = select(DeskPause.id).where(DeskPause.window_id.is_not(None), DeskPause.ended_at < clock.now() - KEPT_FOR
                                     ).order_by(DeskPause.ended_at).limit(FORGOTTEN_MAX)
    session.execute(delete(DeskPause).where(DeskPause.id.in_(old)))


def windows(session: Session) -> Sequence[BankWindow]:
    """Those there are, by bank."""
    return session.scalars(select(BankWindow).where(BankWindow.removed_at.is_(None))
                           .order_by(BankWindow.bank, BankWindow.begins_at, BankWindow.id).limit(MOST)).all()


def planned(session: Session) -> dict[UUID, list[DeskPause]]:
    """By window: what is planned or under way, the next first."""
    found: dict[UUID, list[DeskPause]] = {}
    for one in session.scalars(select(DeskPause).where(
            DeskPause.window_id.is_not(None), DeskPause.ended_at.is_(None), DeskPause.ends_at > clock.now())
            .order_by(DeskPause.began_at).limit(MOST * 3)):
        assert one.window_id is not None
        found.setdefault(one.window_id, []).append(one)
    return found


def times(window: BankWindow, first: date, *, days: int) -> list[tuple[datetime, datetime]]:
    """When it begins and ends, in UTC, of those that begin on one of so many days. Where clocks are put forward over
    all of it, it is none."""
    found = []
    for day in (first + timedelta(days=n) for n in range(days)):
        if day.isoweekday() in window.days:
            over_midnight = window.ends_at < window.begins_at
            begin = clock.moment_on(day, window.begins_at)
            end = clock.moment_on(day + timedelta(days=over_midnight), window.ends_at)
            if begin < end:
                found.append((begin, end))
    return found


def _facts(window: BankWindow) -> dict[str, object]:
    return {"days": list(window.days), "from": f"{window.begins_at // 60:02}:{window.begins_at % 60:02}",
            "to": f"{window.ends_at // 60:02}:{window.ends_at % 60:02}", "message": window.message}


def _minute(typed: str) -> int:
    hours, minutes = typed.split(":")
    return int(hours) * 60 + int(minutes)


def _tell(session: Session) -> None:
    session.flush()
    cache.changed(session)
    page_events.tell(session, "desk", (page_events.EVERYBODY,))


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.DESK_PAUSE))):
        raise Denied()
