"""What shows that money was sent, beside the receipts of a payout's trader: of the payer, or of the store.

A receipt decides nothing. The same file, or nearly the same picture, on another order brings the order before staff.
"""
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import files
from portal.core import audit, clock, page_events
from portal.core.access import Actor
from portal.core.errors import Conflict
from portal.orders import attention_cases, queries
from portal.orders.commands import OrderCommand
from portal.orders.facts import PAYERS_RECEIPTS_ON
from portal.orders.models import Assignment, Order
from portal.orders.payout_receipts import RECEIPT

ORDER = PAYERS_RECEIPTS_ON
RECEIPTS_MAX = 20  # of one order
AT_ONCE_MAX = 5
AFTER_THE_END = timedelta(days=30)


class TooManyReceipts(Conflict):
    """This order holds as many receipts as it can. Nothing was added."""

    code = "too_many_receipts"


class NothingToShow(Conflict):
    """A receipt belongs to an order that somebody has taken, until thirty days after its end."""

    code = "no_receipt_wanted"


class AddReceipts(OrderCommand):
    """`files`: ids of drafts of who asks."""

    files: tuple[Annotated[str, Field(max_length=60)], ...] = Field(max_length=AT_ONCE_MAX)


def _may_see(session: Session, actor: Actor, order_id: UUID) -> bool:
    """Whoever sees the order; of traders only the one who has it."""
    rows = queries.visible_to(actor).where(Order.id == order_id)
    if actor.trader_id is not None:
        rows = rows.join(Assignment, Assignment.id == Order.assignment_id).where(
            Assignment.trader_id == actor.trader_id)
    return session.scalar(rows.with_only_columns(Order.id)) is not None


files.visible_by(ORDER, _may_see)


def add(session: Session, actor: Actor, command: AddReceipts) -> list[files.File]:
    """The payer's, or the store's, in any state from the first assignment on. Harmless twice, and with no file.

    Raises NotFound, NothingToShow, TooManyReceipts, and what `files.attach` refuses.
    """
    order = queries.lock(session, actor, command.order_id)
    if not command.files:
        return []
    there = session.scalar(select(func.count()).select_from(files.File).where(
        files.File.subject_kind == ORDER, files.File.subject_id == order.id)) or 0
    if not _wanted(session, order):
        raise NothingToShow()
    if there + len(command.files) > RECEIPTS_MAX:
        raise TooManyReceipts()
    kept = files.attach(session, actor, command.files, ORDER, order.id)
    audit.record(session, actor, "order.receipts_added", "order", order.id, after={"receipts": len(kept)})
    if seen_elsewhere(session, order, kept):
        attention_cases.call(session, order, attention_cases.RECEIPT_SEEN)
    page_events.tell(session, "orders", {page_events.store(order.store_id), *_its_trader(session, order)})
    return kept


def of(session: Session, order: Order) -> list[files.File]:
    """Oldest first."""
    return files.of(session, ORDER, [order.id]).get(order.id, [])


def orders_of(session: Session, found: Iterable[files.File]) -> list[tuple[files.File, Order]]:
    """Receipts with the orders that they are of, whoever brought them."""
    found = [one for one in found if one.subject_id is not None and one.subject_kind in (ORDER, RECEIPT)]
    of_attempt = {one.subject_id for one in found if one.subject_kind == RECEIPT}
    attempts = {row.id: row.order_id for row in session.execute(
        select(Assignment.id, Assignment.order_id).where(Assignment.id.in_(of_attempt)))} if of_attempt else {}
    by_file = {one.id: attempts.get(one.subject_id, one.subject_id) for one in found if one.subject_id is not None}
    orders = {order.id: order for order in session.scalars(select(Order).where(
        Order.id.in_(set(by_file.values()))))} if by_file else {}
    return [(one, orders[by_file[one.id]]) for one in found if by_file[one.id] in orders]


def elsewhere(session: Session, order: Order,
              shown: Sequence[files.File]) -> dict[UUID, list[tuple[files.File, Order]]]:
    """Of these of its receipts, those of which the same file, or nearly the same picture, stands on other orders, and
    where. By file.
    """
    if not shown:
        return {}
    own = {order.id, *session.scalars(select(Assignment.id).where(Assignment.order_id == order.id))}
    also = {one.id: files.also_on(session, one, (ORDER, RECEIPT), but=own) for one in shown}
    orders = dict(orders_of(session, {other.id: other for found in also.values() for other in found}.values()))
    places = {id: [(one, orders[one]) for one in found if one in orders] for id, found in also.items()}
    return {id: there for id, there in places.items() if there}


def seen_elsewhere(session: Session, order: Order, kept: Sequence[files.File]) -> bool:
    """Whether one of these, which this transaction has attached, stands on another order, too."""
    files.one_at_a_time(session, kept)
    return bool(elsewhere(session, order, kept))


def _wanted(session: Session, order: Order) -> bool:
    if order.ended_at is not None and order.ended_at < clock.now() - AFTER_THE_END:
        return False
    return session.scalar(select(Assignment.id).where(Assignment.order_id == order.id).limit(1)) is not None


def _its_trader(session: Session, order: Order) -> list[str]:
    current = queries.current_assignment(session, order)
    return [] if current is None else [page_events.trader(current.trader_id)]
