"""Which approvals one may see: staff all of them, anybody else those they asked for."""
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.approvals.models import Approval
from portal.core.access import Actor, Permission
from portal.core.paging import Page, newest_first

PAGE_ROWS = 50


def visible_to(actor: Actor) -> Select[Approval]:
    rows = select(Approval)
    if actor.is_system or (actor.is_staff and actor.may(Permission.APPROVAL_READ)):
        return rows
    return rows.where(Approval.asked_by == actor.id)


def page(session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None) -> Page[Approval]:
    """The newest first; `state` None: of any."""
    rows = visible_to(actor)
    if state is not None:
        rows = rows.where(Approval.state == state)
    return newest_first(session, rows, Approval.created_at, Approval.id, cursor=cursor, limit=PAGE_ROWS)


def pending_count(session: Session, actor: Actor) -> int:
    """How many wait for a second person."""
    waiting = visible_to(actor).where(Approval.state == "pending").with_only_columns(Approval.id).subquery()
    return session.scalar(select(func.count()).select_from(waiting)) or 0
