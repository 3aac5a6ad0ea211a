"""One customer of a store: what the desk knows of them, as a file; their erasure, to which two of the staff agree."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.orm import Session

from portal import approvals, files
from portal.approvals import Approval
from portal.core import audit, clock
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked
from portal.core.errors import Denied, NotFound, Rejected
from portal.disputes.models import Dispute, Statement
from portal.disputes.service import EVIDENCE
from portal.help.models import HelpMessage, HelpThread
from portal.orders import forgetting, view
from portal.orders.facts import PAYERS_RECEIPTS_ON
from portal.orders.models import Order
from portal.parties import queries as parties
from portal.parties.commands import Reason
from portal.parties.models import Store
from portal.privacy.models import LegalHold
from portal.privacy.purge import FORGET_STATEMENTS, GONE

KIND = "customer_erasure"
ORDERS_MAX = 5000


class CustomerRuns(Rejected):
    """An order or a dispute of this customer still runs. Ask again when it has ended."""

    code = "customer_runs"


class CustomerHeld(Rejected):
    """A legal hold is on this customer or on one of their orders. Lift it first."""

    code = "customer_held"


class Erase(Command):
    store_id: str
    customer_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    reason: Reason


@dataclass(frozen=True)
class Known:
    """What is kept of a customer."""

    store: Store
    customer_id: str
    orders: int
    running: int
    disputes: int
    held: bool


def find(session: Session, actor: Actor, store_id: str, customer_id: str) -> Known:
    """Raises NotFound: no such store, or no order of such a customer."""
    _insist(actor)
    store = parties.store(session, actor, store_id)
    of = (Order.store_id == store.id, Order.customer_id == customer_id)
    orders, running = session.execute(
        select(func.count(), func.count().filter(Order.ended_at.is_(None))).where(*of)).one()
    if not orders:
        raise NotFound()
    disputes, open_ones = session.execute(
        select(func.count(), func.count().filter(Dispute.ended_at.is_(None)))
        .where(Dispute.store_id == store.id, Dispute.customer_id == customer_id)).one()
    return Known(store, customer_id, orders, running + open_ones, disputes, _held(session, store.id, customer_id))


def export(session: Session, actor: Actor, store_id: str, customer_id: str) -> dict[str, Any]:
    """All that is kept of them, numbers masked; that it was taken is audited. Raises NotFound."""
    known = find(session, actor, store_id, customer_id)
    orders = session.scalars(select(Order).where(Order.store_id == known.store.id, Order.customer_id == customer_id)
                             .order_by(Order.id).limit(ORDERS_MAX)).all()
    ids = [order.id for order in orders]
    said = session.scalars(select(Statement).join(Dispute, Dispute.id == Statement.dispute_id)
                           .where(Dispute.order_id.in_(ids), Statement.side == "customer").order_by(Statement.id)).all()
    helped = session.scalars(_said_to_support(ids).order_by(HelpMessage.id)).all()
    receipts = files.of(session, PAYERS_RECEIPTS_ON, ids)
    audit.record(session, actor, "customer.exported", "store", known.store.id,
                 after={"customer": customer_id, "orders": len(ids)})
    return {
        "store": known.store.name, "customer": customer_id, "made_at": clock.rfc3339(clock.now()),
        "orders": [view.public(order) | {
            "customer": {"id": order.customer_id, "name": order.customer_name,
                         "ip": None if order.customer_ip is None else str(order.customer_ip)},
            "description": order.description, "metadata": order.meta,
            "files": [one.name for one in receipts.get(order.id, ())]} for order in orders],
        "said_in_disputes": [{"at": clock.rfc3339(one.created_at), "text": one.text} for one in said],
        "said_to_support": [{"at": clock.rfc3339(one.created_at), "text": one.text} for one in helped]}


def ask_erasure(session: Session, actor: Actor, command: Erase) -> Approval:
    """A second person decides: nothing brings it back.

    Raises NotFound, CustomerRuns, CustomerHeld, AlreadyAsked.
    """
    known = find(session, actor, command.store_id, command.customer_id)
    _refuse(known)
    waiting = approvals.waiting_for(session, "store", known.store.id, kind=KIND)
    if any(one.after["customer"] == command.customer_id for one in waiting):
        raise approvals.AlreadyAsked()
    return approvals.ask(session, actor, kind=KIND, target_kind="store", target_id=known.store.id,
                         before={"name": known.store.name},
                         after={"customer": command.customer_id, "orders": known.orders}, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """They are a token from now on; the books stay. Raises CustomerRuns, CustomerHeld, StaleApproval."""
    store_id, customer_id = UUID(approval.target_id), str(approval.after["customer"])
    orders = locked(session, select(Order).where(Order.store_id == store_id, Order.customer_id == customer_id)
                    .order_by(Order.id).limit(ORDERS_MAX))
    if not orders:
        raise approvals.StaleApproval()
    ids = [order.id for order in orders]
    if any(order.ended_at is None for order in orders) or session.scalar(select(exists().where(
            Dispute.order_id.in_(ids), Dispute.ended_at.is_(None)))):
        raise CustomerRuns()
    if _held(session, store_id, customer_id):
        raise CustomerHeld()
    forgetting.forget(session, orders)
    session.execute(update(Dispute).where(Dispute.order_id.in_(ids)).values(customer_id=orders[0].customer_id))
    said = session.scalars(select(Statement.id).join(Dispute, Dispute.id == Statement.dispute_id).where(
        Dispute.order_id.in_(ids), Statement.side == "customer")).all()
    session.execute(FORGET_STATEMENTS, {"ids": list(said)})
    files.forget_of(session, EVIDENCE, said)
    for message in session.scalars(_said_to_support(ids)):
        message.text = GONE
    files.forget_of(session, PAYERS_RECEIPTS_ON, ids)
    audit.record(session, actor, "customer.erased", "store", store_id,
                 after={"token": orders[0].customer_id, "orders": len(ids)}, reason=approval.reason)


def _said_to_support(order_ids: Sequence[UUID]) -> Select[HelpMessage]:
    """By customers, who asked for help with these orders."""
    return select(HelpMessage).join(HelpThread, HelpThread.id == HelpMessage.thread_id).where(
        HelpThread.order_id.in_(order_ids), HelpMessage.side == "customer")


def _refuse(known: Known) -> None:
    if known.running:
        raise CustomerRuns()
    if known.held:
        raise CustomerHeld()


def _held(session: Session, store_id: UUID, customer_id: str) -> bool:
    return bool(session.scalar(select(exists().where(LegalHold.lifted_at.is_(None), (
        (LegalHold.store_id == store_id) & (LegalHold.customer_id == customer_id)) | LegalHold.order_id.in_(
        select(Order.id).where(Order.store_id == store_id, Order.customer_id == customer_id))))))


def _insist(actor: Actor) -> None:
    if not (actor.is_staff and actor.may(Permission.PRIVACY_MANAGE)):
        raise Denied()


approvals.register(KIND, apply=approved, title="Erasure of a customer")
