"""Which approvals one may see: staff all of them, anybody else those they asked for."""
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.approvals.models import Approval
from portal.core import ids
from portal.core.access import Actor, Permission
from portal.core.errors import NotFound
from portal.core.paging import Page, newest_first

PAGE_ROWS = 50


def visible_to(actor: Actor) -> Select[Approval]:
    rows = select(Approval)
    if actor.is_system or (actor.is_staff and actor.may(Permission.APPROVAL_READ)):
        return rows
    return rows.where(Approval.asked_by == actor.id)


def page(session: Session, actor: Actor, *, state: str | None = None, kind: str | None = None, mine: bool = False,
         cursor: str | None = None) -> Page[Approval]:
    """The newest first; `state` or `kind` None: of any. `mine`: what the actor asked for."""
    rows = visible_to(actor)
    if mine:
        rows = rows.where(Approval.asked_by == actor.id)
    if state is not None:
        rows = rows.where(Approval.state == state)
    if kind is not None:
        rows = rows.where(Approval.kind == kind)
    return newest_first(session, rows, Approval.created_at, Approval.id, cursor=cursor, limit=PAGE_ROWS)


def pending_count(session: Session, actor: Actor) -> int:
    """How many wait for a second person."""
    waiting = visible_to(actor).where(Approval.state == "pending").with_only_columns(Approval.id).subquery()
    return session.scalar(select(func.count()).select_from(waiting)) or 0


def find(session: Session, actor: Actor, approval_id: str) -> Approval:
    """By its public id, as it is now. Raises NotFound."""
    found = session.scalar(visible_to(actor).where(Approval.id == ids.parse("apr", approval_id))
                           .execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def waiting_for(session: Session, target_kind: str, target_id: object, *, kind: str | None = None) -> list[Approval]:
    """What waits for a second person about one record, oldest first."""
    rows = select(Approval).where(Approval.target_kind == target_kind, Approval.target_id == str(target_id),
                                  Approval.state == "pending")
    if kind is not None:
        rows = rows.where(Approval.kind == kind)
    return list(session.scalars(rows.order_by(Approval.id).limit(PAGE_ROWS)))
