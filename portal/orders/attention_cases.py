"""Why an order needs staff: a row for each reason, until the order moves on or staff have dealt with it.

What its own act ends (a confirmation, a dispute's decision) is over with that; the rest somebody says is dealt with.
"""
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager

from portal.core import audit, clock, page_events
from portal.core.access import Actor, Permission
from portal.core.errors import Conflict, Denied
from portal.orders import queries
from portal.orders.commands import OrderCommand, Reason
from portal.orders.facts import OrderFacts
from portal.orders.models import Assignment, AttentionCase, ByHand, Order
from portal.orders.states import AssignmentState, Status
from portal.requisites import freezing
from portal.requisites.models import Requisite

UNCONFIRMED, SUSPECTED, OTHER_AMOUNT = "unconfirmed", "suspected", "other_amount"
FROZEN, RECEIPT_SEEN, SILENT, UNSECURED, BESIDE, PAID_TWICE = (
    "frozen", "receipt_seen", "silent", "unsecured", "beside", "paid_twice")
LOOKING = (Status.NEW, Status.RETRYING)
LASTS: Mapping[str, frozenset[Status]] = {
    UNCONFIRMED: frozenset({Status.PAID, Status.DISPUTED}), SUSPECTED: frozenset({Status.PAID, Status.DISPUTED}),
    OTHER_AMOUNT: frozenset({Status.DISPUTED}), FROZEN: frozenset({
        *LOOKING, Status.ASSIGNED, Status.PAID, Status.DISPUTED})}
"""While the order stands so; another reason outlasts every step."""
OF_A_DISPUTE = (SILENT, UNSECURED, BESIDE)
COUNT_MAX = 10_000


class NotOpen(Conflict):
    """Somebody has dealt with this already."""

    code = "attention_not_open"


class DealWith(OrderCommand):
    """`reason`: what was found and done."""

    why: ByHand
    reason: Reason


def call(session: Session, order: Order, why: str) -> None:
    """Staff are to look, for this reason too. Harmless twice. The caller holds the order's lock."""
    order.needs_attention_at = clock.now()
    note(session, [order.id], why)


def note(session: Session, order_ids: Sequence[UUID], why: str) -> None:
    """The same without a lock: no step of the order ends it, staff deal with it."""
    if order_ids:
        session.execute(insert(AttentionCase).values([
            {"order_id": id, "why": why, "since": clock.now()} for id in order_ids]).on_conflict_do_nothing())


def moved_on(session: Session, order: OrderFacts, before: str) -> None:
    """After a step: what lasted only while the order stood as before is over. Asks nothing of an order never called."""
    if order.needs_attention_at is None or order.status == before:
        return
    ended = [why for why, lasts in LASTS.items() if before in lasts and order.status not in lasts]
    if order.status in LOOKING and not _lingers_on_frozen(session, order.id):
        ended.append(FROZEN)  # given back
    if ended:
        _over(session, order.id, ended)


def dispute_over(session: Session, order: Order) -> None:
    """It is decided: what called staff to it, and that a requisite is frozen, for no order goes on there after that."""
    assert order.status not in LASTS[FROZEN], "what is decided leads out of a dispute"
    _over(session, order.id, (*OF_A_DISPUTE, FROZEN))


def thawed(session: Session, order_ids: Sequence[UUID]) -> None:
    """The bank gave the requisite back that these were called for. The caller holds their locks."""
    if order_ids:
        session.execute(delete(AttentionCase).where(AttentionCase.order_id.in_(order_ids), AttentionCase.why == FROZEN))
        page_events.tell(session, "orders", ())


def _lingers_on_frozen(session: Session, order_id: UUID) -> bool:
    """Its payer was given another requisite, and may pay there all the same."""
    return session.scalar(select(Assignment.id).join(Requisite, Requisite.id == Assignment.requisite_id).where(
        Assignment.order_id == order_id, Assignment.state == AssignmentState.LINGERING,
        freezing.KEPT).limit(1)) is not None


def _over(session: Session, order_id: UUID, whys: Sequence[str]) -> None:
    session.execute(delete(AttentionCase).where(AttentionCase.order_id == order_id, AttentionCase.why.in_(whys)))


def deal_with(session: Session, actor: Actor, command: DealWith) -> None:
    """Off the desk's list; the audit keeps who said so and why. Raises NotFound, Denied, NotOpen."""
    order = queries.lock(session, actor, command.order_id)
    if not (actor.is_staff and actor.may(Permission.ORDER_CONFIRM_ANY)):
        raise Denied()
    gone = session.execute(delete(AttentionCase).where(
        AttentionCase.order_id == order.id, AttentionCase.why == command.why).returning(AttentionCase.why)).all()
    if not gone:
        raise NotOpen()
    audit.record(session, actor, "order.attended", "order", order.id, reason=command.reason,
                 after={"why": command.why})
    page_events.tell(session, "orders", ())


def of(session: Session, order: Order) -> Sequence[AttentionCase]:
    """Oldest first; a handful at most."""
    return session.scalars(select(AttentionCase).where(AttentionCase.order_id == order.id)
                           .order_by(AttentionCase.since, AttentionCase.why)).all()


def called(session: Session, order_ids: Sequence[UUID], *whys: str) -> set[UUID]:
    """Which of them staff were called to for one of these reasons, and it is not over."""
    return set(session.scalars(select(AttentionCase.order_id).where(
        AttentionCase.order_id.in_(order_ids), AttentionCase.why.in_(whys))))


def waiting(session: Session, *, limit: int) -> Sequence[AttentionCase]:
    """Oldest first, with order and store: by `ix_attention_cases_since`."""
    return session.scalars(
        select(AttentionCase).join(AttentionCase.order).join(Order.store)
        .options(contains_eager(AttentionCase.order).contains_eager(Order.store))
        .order_by(AttentionCase.since, AttentionCase.order_id, AttentionCase.why).limit(limit)).all()


def count(session: Session) -> int:
    """Orders that wait, of COUNT_MAX reasons: the figure that `/metrics` tells too."""
    some = select(AttentionCase.order_id).limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count(some.c.order_id.distinct()))) or 0
