"""Which threads of help an actor sees: a customer his order's, a trader his own, staff all; a store none."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor, ActorKind, Permission
from portal.core.errors import NotFound
from portal.core.paging import Page, newest_ids_first
from portal.help.models import PREFIX, HelpMessage, HelpThread

SHOWN_MAX, THREAD_MAX, PAGE = 200, 200, 50


def visible_to(actor: Actor) -> Select[HelpThread]:
    """Another's thread does not exist."""
    threads = select(HelpThread)
    if actor.is_system or (actor.is_staff and actor.may(Permission.ORDER_READ)):
        return threads
    if actor.kind is ActorKind.CUSTOMER:
        return threads.where(HelpThread.order_id == actor.order_id, HelpThread.side == "customer")
    if actor.trader_id is not None:
        return threads.where(HelpThread.trader_id == actor.trader_id)
    return threads.where(false())


def find(session: Session, actor: Actor, thread_id: str) -> HelpThread:
    """With its order. Raises NotFound."""
    found = session.scalar(visible_to(actor).where(HelpThread.id == ids.parse(PREFIX, thread_id))
                           .options(joinedload(HelpThread.order)))
    if found is None:
        raise NotFound()
    return found


def of_order(session: Session, actor: Actor, order_id: UUID) -> Sequence[HelpThread]:
    """The actor's own about an order, newest first; staff see everybody's."""
    return session.scalars(visible_to(actor).where(HelpThread.order_id == order_id)
                           .order_by(HelpThread.id.desc()).limit(20)).all()


def said(session: Session, threads: Sequence[HelpThread]) -> Sequence[HelpMessage]:
    """Oldest first, of all of them; the newest where there are too many."""
    rows = select(HelpMessage).where(HelpMessage.thread_id.in_([one.id for one in threads]))
    return list(reversed(session.scalars(rows.order_by(HelpMessage.id.desc()).limit(THREAD_MAX)).all()))


def running(session: Session, actor: Actor) -> Sequence[HelpThread]:
    """Those that are open, who waits for staff first, the longest waiting before others."""
    return session.scalars(visible_to(actor).where(HelpThread.closed_at.is_(None))
                           .options(joinedload(HelpThread.order))
                           .order_by(HelpThread.waits_for.desc(), HelpThread.said_at, HelpThread.id)
                           .limit(SHOWN_MAX)).all()


def closed(session: Session, actor: Actor, *, cursor: str | None) -> Page[HelpThread]:
    """The newest first. Raises Invalid for a wrong cursor."""
    rows = visible_to(actor).where(HelpThread.closed_at.is_not(None)).options(joinedload(HelpThread.order))
    return newest_ids_first(session, rows, HelpThread.id, cursor=cursor, limit=PAGE)


def waiting_count(session: Session, actor: Actor) -> int:
    """How many wait for staff."""
    seen = visible_to(actor).where(HelpThread.closed_at.is_(None), HelpThread.waits_for == "staff")
    return session.scalar(select(func.count()).select_from(seen.with_only_columns(HelpThread.id).subquery())) or 0
