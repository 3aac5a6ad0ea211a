"""What the desk announces to traders and merchants: on every page of theirs until each has said that it was read."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, Text, false, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import audit, clock, ids
from portal.core.access import Actor, Permission, Role
from portal.core.columns import Id, LongText
from portal.core.commands import Command
from portal.core.db import Base, locked_one
from portal.core.errors import Denied, NotFound

PREFIX, BANNERS_MAX, SHOWN_MAX, READERS_MAX = "ann", 3, 100, 500
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class Announcement(Base):
    """`audience`: traders, merchants, or both. Kept for good; out of sight after `ends_at`, or as it is withdrawn."""

    __tablename__ = "announcements"
    __table_args__ = (
        Index("ix_announcements_ends_at", "ends_at", postgresql_where=text("withdrawn_at IS NULL")),  # each page's look
        CheckConstraint("audience IN ('trader', 'merchant', 'both')", name="audience"),
    )
    id: Mapped[Id]
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_name: Mapped[LongText]
    audience: Mapped[LongText]
    text_en: Mapped[LongText]
    text_ru: Mapped[LongText]
    ends_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_name: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def holds(self) -> bool:
        return self.withdrawn_at is None and self.ends_at > clock.now()


class AnnouncementRead(Base):
    """Somebody said that he has read it."""

    __tablename__ = "announcement_reads"
    announcement_id: Mapped[UUID] = mapped_column(ForeignKey("announcements.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    read_at: Mapped[datetime] = mapped_column(default=clock.now)


class Announce(Command):
    """In both languages, shown for so many days at most."""

    audience: Literal["trader", "merchant", "both"]
    text_en: Words
    text_ru: Words
    days: Annotated[int, Field(ge=1, le=90)] = 14


class Receipt(NamedTuple):
    """One whom it is for, and when he read it; None: not yet."""

    name: str
    email: str
    role: str
    read_at: datetime | None


RECEIPTS = text("""
    SELECT u.name, u.email, u.role, r.read_at FROM users u
      LEFT JOIN announcement_reads r ON r.user_id = u.id AND r.announcement_id = :id
     WHERE u.role = ANY (CAST(:roles AS text[])) AND (u.active OR r.read_at IS NOT NULL)
     ORDER BY r.read_at DESC NULLS LAST, u.name, u.id LIMIT :most""")


def announce(session: Session, actor: Actor, command: Announce) -> Announcement:
    """On the pages of whom it is for from now on. Raises Denied."""
    _may_announce(actor)
    made = Announcement(id=ids.new_id(), made_name=actor.name, audience=command.audience, text_en=command.text_en,
                        text_ru=command.text_ru, ends_at=clock.now() + timedelta(days=command.days))
    session.add(made)
    session.flush()
    audit.record(session, actor, "announcement.made", "announcement", made.id, after={"audience": made.audience})
    return made


def withdraw(session: Session, actor: Actor, announcement_id: str) -> None:
    """Out of everybody's sight. Harmless twice. Raises Denied, NotFound."""
    _may_announce(actor)
    found = locked_one(session, select(Announcement).where(Announcement.id == ids.parse(PREFIX, announcement_id)))
    if found is None:
        raise NotFound()
    if found.withdrawn_at is None:
        found.withdrawn_at, found.withdrawn_name = clock.now(), actor.name
        audit.record(session, actor, "announcement.withdrawn", "announcement", found.id)


def read(session: Session, actor: Actor, announcement_id: str) -> None:
    """Its reader says so. Harmless twice. Raises NotFound, also for one that is for others."""
    found = session.scalar(visible_to(actor).where(Announcement.id == ids.parse(PREFIX, announcement_id)))
    if found is None or actor.id is None or actor.is_staff:
        raise NotFound()
    session.execute(insert(AnnouncementRead).values(
        announcement_id=found.id, user_id=actor.id, read_at=clock.now()).on_conflict_do_nothing())


def visible_to(actor: Actor) -> Select[Announcement]:
    """Staff see all, traders and merchants those that are for them."""
    if actor.is_staff:
        return select(Announcement)
    return select(Announcement).where(_for(actor))


def unread(session: Session, actor: Actor) -> Sequence[Announcement]:
    """For a page's head: those that hold and that this person has not read, the oldest first."""
    return session.scalars(select(Announcement).where(
        _for(actor), Announcement.withdrawn_at.is_(None), Announcement.ends_at > clock.now(),
        ~select(AnnouncementRead).where(AnnouncementRead.announcement_id == Announcement.id,
                                        AnnouncementRead.user_id == actor.id).exists())
        .order_by(Announcement.id).limit(BANNERS_MAX)).all()


def all_of(session: Session, actor: Actor) -> Sequence[Announcement]:
    """The newest first."""
    return session.scalars(visible_to(actor).order_by(Announcement.id.desc()).limit(SHOWN_MAX)).all()


def read_counts(session: Session, actor: Actor) -> dict[UUID, int]:
    """How many have read each. Staff alone."""
    wanted = [one.id for one in all_of(session, actor)] if actor.is_staff else []
    whose = AnnouncementRead.announcement_id
    counted = session.execute(select(whose, func.count().label("many")).where(whose.in_(wanted)).group_by(whose))
    return {row.announcement_id: row.many for row in counted}


def receipts(session: Session, actor: Actor, announcement_id: str) -> tuple[Announcement, list[Receipt]]:
    """Who has read it and who has not, for staff. Raises NotFound."""
    found = session.scalar(visible_to(actor).where(Announcement.id == ids.parse(PREFIX, announcement_id)))
    if found is None or not actor.is_staff:
        raise NotFound()
    roles = [Role.TRADER, Role.MERCHANT] if found.audience == "both" else [found.audience]
    rows = session.execute(RECEIPTS, {"id": found.id, "roles": [str(one) for one in roles], "most": READERS_MAX})
    return found, [Receipt(*row) for row in rows]


def _for(actor: Actor) -> ColumnElement[bool]:
    return Announcement.audience.in_((str(actor.role), "both")) if actor.is_owner else false()


def _may_announce(actor: Actor) -> None:
    if not (actor.is_staff and actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
