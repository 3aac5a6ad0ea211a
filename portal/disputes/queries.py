"""Which disputes an actor may see; lists of sides and of staff, one with its thread, and past ones that are alike."""
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor, ActorKind, Permission, Role
from portal.core.db import locked_one
from portal.core.errors import NotFound
from portal.core.paging import Page, newest_ids_first
from portal.disputes.models import PREFIX, Dispute, Statement
from portal.disputes.reasons import Side
from portal.orders.matching.reservations import REPLACED
from portal.orders.models import Assignment
from portal.orders.states import AssignmentState
from portal.parties.models import Store, Trader
from portal.requisites.models import Requisite

PAGE, OPEN_MAX, ALIKE_MAX, THREAD_MAX = 50, 500, 5, 200

_EXCHANGED = or_(Assignment.state == AssignmentState.LINGERING, Assignment.end_reason == REPLACED)


def visible_to(actor: Actor, *, beside: bool = False) -> Select[Dispute]:
    """Another's dispute does not exist; of traders only the one it is about sees it.

    `beside`: also a trader whose requisite its payer had exchanged, for the money may have come to him. A look for each
    dispute, so not for lists of what is over.
    """
    seen = _seen(actor)
    if beside and actor.trader_id is not None and actor.may(Permission.ORDER_READ):
        seen = or_(seen, exists().where(
            Assignment.order_id == Dispute.order_id, Assignment.trader_id == actor.trader_id, _EXCHANGED))
    return select(Dispute).where(seen)


def stands_beside(actor: Actor, dispute: Dispute) -> bool:
    """He had the order before its payer exchanged him: he speaks with staff, and decides nothing."""
    return actor.trader_id is not None and actor.trader_id != dispute.trader_id


def has_one_beside(session: Session, dispute: Dispute) -> bool:
    """A trader stands beside: he reads what staff say to all."""
    return session.scalar(select(Assignment.id).where(
        Assignment.order_id == dispute.order_id, Assignment.trader_id != dispute.trader_id, _EXCHANGED)
        .limit(1)) is not None


def _seen(actor: Actor) -> ColumnElement[bool]:
    if actor.kind is ActorKind.SYSTEM:
        return true()
    if actor.kind is ActorKind.KEY:
        return and_(Dispute.store_id == actor.store_id, Dispute.live.is_(bool(actor.live)))
    if actor.kind is ActorKind.CUSTOMER:
        return Dispute.order_id == actor.order_id
    if not actor.may(Permission.ORDER_READ):
        return false()
    match actor.role:
        case Role.MERCHANT:
            return Dispute.store_id.in_(select(Store.id).where(Store.merchant_id == actor.merchant_id))
        case Role.TRADER:
            return Dispute.trader_id == actor.trader_id
    return true()


def find(session: Session, actor: Actor, dispute_id: str) -> Dispute:
    """One with its order, by its public id. Raises NotFound."""
    found = session.scalar(visible_to(actor, beside=True).where(Dispute.id == ids.parse(PREFIX, dispute_id))
                           .options(joinedload(Dispute.order)))
    if found is None:
        raise NotFound()
    return found


def open_of(session: Session, order_id: UUID, *, lock: bool = False) -> Dispute | None:
    """The order's lock guards it; `lock`: it is about to be changed."""
    wanted = select(Dispute).where(Dispute.order_id == order_id, Dispute.ended_at.is_(None))
    return locked_one(session, wanted) if lock else session.scalar(wanted)


def in_words(session: Session, places: Sequence[Assignment]) -> list[tuple[str, str]]:
    """Where money may have come, to choose from: the attempt's public id, whose requisite it is."""
    rows = session.execute(select(Requisite, Trader.name).join(Trader, Trader.id == Requisite.trader_id)
                           .where(Requisite.id.in_({one.requisite_id for one in places})))
    words = {requisite.id: f"{trader} · {requisite.mask}" for requisite, trader in rows}
    return [(one.public_id, words[one.requisite_id]) for one in places]


def of_order(session: Session, actor: Actor, order_id: UUID) -> Sequence[Dispute]:
    """Newest first; a bounded number."""
    return session.scalars(visible_to(actor, beside=True).where(Dispute.order_id == order_id)
                           .order_by(Dispute.id.desc()).limit(ALIKE_MAX)).all()


def thread(session: Session, actor: Actor, dispute: Dispute) -> Sequence[Statement]:
    """What was said, oldest first: notes of the staff only for them; a payer reads his own words and the staff's. So
    does a trader who stands beside, whom nobody but staff reads."""
    rows = select(Statement).where(Statement.dispute_id == dispute.id, readable(actor, dispute))
    return session.scalars(rows.order_by(Statement.id).limit(THREAD_MAX)).all()


def readable(actor: Actor, dispute: Dispute) -> ColumnElement[bool]:
    """Which statements of a dispute that the actor sees."""
    if actor.is_staff or actor.is_system:
        return true()
    open_ones = Statement.staff_only.is_(False)
    if actor.kind is ActorKind.CUSTOMER:
        return and_(open_ones, Statement.side.in_((Side.CUSTOMER, Side.STAFF)))
    if stands_beside(actor, dispute):
        return and_(open_ones, or_(Statement.side == Side.STAFF, Statement.trader_id == actor.trader_id))
    return and_(open_ones, func.coalesce(Statement.trader_id, dispute.trader_id) == dispute.trader_id)


def ended(session: Session, actor: Actor, *, cursor: str | None) -> Page[Dispute]:
    """Those that are over, newest first. Raises Invalid for a wrong cursor."""
    rows = visible_to(actor).where(Dispute.ended_at.is_not(None)).options(joinedload(Dispute.order))
    return newest_ids_first(session, rows, Dispute.id, cursor=cursor, limit=PAGE)


def running(session: Session, actor: Actor, *, waits_for: Collection[str] = ()) -> Sequence[Dispute]:
    """Those that are open, the next deadline first; at most OPEN_MAX."""
    rows = visible_to(actor, beside=True).where(Dispute.ended_at.is_(None))
    if waits_for:
        rows = rows.where(Dispute.waits_for.in_(waits_for))
    return session.scalars(rows.options(joinedload(Dispute.order))
                           .order_by(Dispute.answer_by, Dispute.id).limit(OPEN_MAX)).all()


def waiting_count(session: Session, actor: Actor) -> int:
    """How many wait for the actor's side."""
    side = Side.STAFF if actor.is_staff else Side.TRADER if actor.role == Role.TRADER else Side.STORE
    seen = visible_to(actor).where(Dispute.ended_at.is_(None), Dispute.waits_for == side)
    return session.scalar(select(func.count()).select_from(seen.with_only_columns(Dispute.id).subquery())) or 0


def alike(session: Session, dispute: Dispute) -> dict[str, Sequence[Dispute]]:
    """Other disputes of the same customer, requisite, holder, trader and store, newest first, a few of each."""
    shared: dict[str, ColumnElement[bool]] = {
        "requisite": Dispute.requisite_id == dispute.requisite_id, "holder": Dispute.holder_id == dispute.holder_id,
        "trader": Dispute.trader_id == dispute.trader_id, "store": Dispute.store_id == dispute.store_id}
    if dispute.customer_id:
        shared = {"customer": (Dispute.store_id == dispute.store_id) & (Dispute.customer_id == dispute.customer_id)
                  } | shared
    return {what: session.scalars(
        select(Dispute).where(Dispute.id != dispute.id, same).options(joinedload(Dispute.order))
        .order_by(Dispute.id.desc()).limit(ALIKE_MAX)).all() for what, same in shared.items()}
