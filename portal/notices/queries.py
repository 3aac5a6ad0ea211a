"""A person's notices in the portal: how many are unread, the list, and reading them; the log for staff; forgetting."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session, joinedload

from portal.core import clock, ids, page_events
from portal.core.access import Actor, Permission
from portal.core.errors import Denied, NotFound
from portal.core.paging import Page, newest_ids_first
from portal.notices.catalogue import PORTAL
from portal.notices.models import Notice

PAGE_ROWS = 50
COUNT_MAX = 100
KEPT = timedelta(days=90)
FORGOTTEN_MAX = 5000


def visible_to(actor: Actor) -> Select[Notice]:
    """One's own, and only those of the portal."""
    return select(Notice).where(Notice.user_id == actor.id, Notice.channel == PORTAL)


def unread_count(session: Session, actor: Actor) -> int:
    """COUNT_MAX at most: a probe of `ix_notices_unread`."""
    rows = visible_to(actor).where(Notice.read_at.is_(None)).with_only_columns(Notice.id).limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def page(session: Session, actor: Actor, *, unread: bool = False, cursor: str | None = None) -> Page[Notice]:
    """The newest first."""
    rows = visible_to(actor).options(joinedload(Notice.happening))
    if unread:
        rows = rows.where(Notice.read_at.is_(None))
    return newest_ids_first(session, rows, Notice.id, cursor=cursor, limit=PAGE_ROWS)


@dataclass(frozen=True)
class LogFilter:
    """What of the log is wanted; empty: all of it."""

    email: str = ""
    channel: str = ""
    state: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.email or self.channel or self.state)


def log(session: Session, actor: Actor, wanted: LogFilter, *, cursor: str | None = None) -> Page[Notice]:
    """What was said to whom, by which channel, the newest first. Raises Denied."""
    if not (actor.is_staff and actor.may(Permission.AUDIT_READ)):
        raise Denied()
    rows = select(Notice).options(joinedload(Notice.happening))
    if wanted.email:
        rows = rows.where(Notice.user_id == session.execute(OF_EMAIL, {"email": wanted.email.lower()}).scalar())
    if wanted.channel:
        rows = rows.where(Notice.channel == wanted.channel)
    if wanted.state:
        rows = rows.where(Notice.state == wanted.state)
    return newest_ids_first(session, rows, Notice.id, cursor=cursor, limit=PAGE_ROWS)


def people(session: Session, notices: Sequence[Notice]) -> dict[UUID, str]:
    """Their e-mails, by id."""
    rows = session.execute(EMAILS, {"ids": list({one.user_id for one in notices if one.user_id is not None})})
    return {row.id: row.email for row in rows}


OF_EMAIL = text("SELECT id FROM users WHERE email = :email")
EMAILS = text("SELECT id, email FROM users WHERE id = ANY(:ids)")


def read(session: Session, actor: Actor, notice_id: str) -> Notice:
    """One is read. Harmless twice. Raises NotFound."""
    found = session.scalar(visible_to(actor).where(Notice.id == ids.parse("ntc", notice_id))
                           .options(joinedload(Notice.happening)))
    if found is None:
        raise NotFound()
    _read(session, actor, Notice.id == found.id)
    return found


def read_all(session: Session, actor: Actor) -> None:
    _read(session, actor)


def _read(session: Session, actor: Actor, *which: object) -> None:
    session.execute(update(Notice).where(Notice.user_id == actor.id, Notice.channel == PORTAL,
                                         Notice.read_at.is_(None), *which).values(read_at=clock.now()))  # type: ignore[arg-type]
    if actor.id is not None:
        page_events.tell(session, "notices", [page_events.user(actor.id)], staff=False)


def forget(session: Session, batch: object = None) -> None:
    """What is older than ninety days, with everybody's notices of it; a bounded number at a time."""
    session.execute(text("""DELETE FROM happenings WHERE id IN (
        SELECT id FROM happenings WHERE happened_at < :before ORDER BY happened_at LIMIT :most)"""),
        {"before": clock.now() - KEPT, "most": FORGOTTEN_MAX})
