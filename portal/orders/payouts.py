"""What is done to a payout, beside what payouts share with payins (`service`: cancel, decline).

Its trader accepts it, is shown whom to pay, sends the money and attaches the receipt; then the store agrees, by its
word or by saying nothing for a while, as it chose. Never two traders at once: whoever did not act in time has lost it,
and is never asked again, before somebody else sees the recipient.
"""
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import files
from portal.core import clock, ids, jobs
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.errors import Conflict, Denied, FieldError, Invalid
from portal.core.jobs import Claimed, RetryAt
from portal.ledger import stops
from portal.orders import attention_cases, queries, receipts, service
from portal.orders.agreement import agree, outcome
from portal.orders.commands import AcceptPayout, ConfirmPayout, PayPayout
from portal.orders.facts import PREFIXES
from portal.orders.judging import at_money
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.payout_receipts import RECEIPT
from portal.orders.service import AssignmentChanged
from portal.orders.states import Action, Direction, Status
from portal.orders.steps import Steps
from portal.parties import traders
from portal.parties.models import Store
from portal.risk.facts import Moment

PREFIX = PREFIXES[Direction.PAYOUT]


class NotAccepted(Conflict):
    """Accept this payout first: only then do you see whom to pay."""

    code = "not_accepted"


def accept(session: Session, actor: Actor, command: AcceptPayout) -> Order:
    """Its trader takes it on: from now on it is not cancelled any more, and the time to send the money runs.

    Harmless twice. Raises NotFound, AssignmentChanged, InvalidTransition, NotYours, MoneyOutStopped.
    """
    order, assignment = _his(session, actor, command.order_id, command.assignment_id)
    if order.status == Status.ASSIGNED and order.accepted_at is not None:
        return order
    if order.live:
        stops.refuse_while_stopped(session)
    steps, now = Steps(session, actor), clock.now()
    order.accepted_at = now
    traders.acted(session, assignment.trader_id)
    store = session.get_one(Store, order.store_id)
    order.expires_at = assignment.expires_at = now + timedelta(seconds=store.payout_pay_for_s)
    steps.take(order, Action.ACCEPT, details={"assignment": assignment.public_id, "number_shown_to": "its trader"})
    steps.write()
    jobs.cancel(session, "expire_order", str(assignment.id))
    jobs.enqueue(session, "expire_order", assignment.id, run_at=assignment.expires_at)
    return order


def pay(session: Session, actor: Actor, command: PayPayout) -> Order:
    """Its trader has sent the money and shows the receipt; what follows is as the store chose. A receipt that stands on
    another order, too, agrees to nothing by itself: the store says so, and staff look.

    Raises NotFound, AssignmentChanged, NotAccepted, InvalidTransition, NotYours, and what `files.attach` refuses.
    """
    order, assignment = _his(session, actor, command.order_id, command.assignment_id)
    if order.status == Status.ASSIGNED and order.accepted_at is None:
        raise NotAccepted()
    steps = Steps(session, actor)
    store = session.get_one(Store, order.store_id)
    order.confirm_by = clock.now() + timedelta(seconds=store.payout_window_s)
    steps.take(order, Action.MARK_PAID, details={"assignment": assignment.public_id, "receipts": len(command.receipts)})
    kept = files.attach(session, actor, command.receipts, RECEIPT, assignment.id)
    seen = receipts.seen_elsewhere(session, order, kept)
    if seen:
        attention_cases.call(session, order, attention_cases.RECEIPT_SEEN)
    steps.write()
    jobs.cancel(session, "expire_order", str(assignment.id))
    if (found := at_money.suspicion(session, Moment.CLAIM, order, assignment)) is not None:
        at_money.call_staff(session, order, found)
        return order
    match "store" if seen else store.payout_confirm:
        case "at_once":
            _confirmed(session, SYSTEM, order, assignment)
        case "window":
            jobs.enqueue(session, "confirm_payout", order.id, run_at=order.confirm_by)
        case _:
            jobs.enqueue(session, "flag_unconfirmed", order.id, run_at=order.confirm_by)
    return order


def confirm(session: Session, actor: Actor, command: ConfirmPayout) -> Order:
    """The store agrees that its recipient has the money, or staff do in its place and say why. What rules of risk find
    wrong by now stays as it is and waits for staff.

    Raises NotFound, Denied, Invalid, InvalidTransition, NotYours.
    """
    order = _payout(session, actor, command.order_id)
    if actor.is_staff:
        if not actor.may(Permission.ORDER_CONFIRM_ANY):
            raise Denied()
        if command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
    return _confirmed(session, actor, order, queries.current_assignment(session, order), command.reason)


def confirm_overdue(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `confirm_payout`: nobody objected within the store's window."""
    wanted = [job.reference for job in batch if job.reference is not None]
    for order in queries.lock_many(session, wanted).values():
        if order.status == Status.PAID and order.waits_for is None:
            _confirmed(session, SYSTEM, order, queries.current_assignment(session, order))


def take_back(session: Session, overdue: Sequence[tuple[Order, Assignment]]) -> dict[UUID, RetryAt]:
    """Not accepted, or not sent, in time: the next trader's turn, or the end after the store's last one.

    The caller holds the orders' locks and has seen that each still waits. By assignment: when to look again, where the
    trader has accepted meanwhile and has more time.
    """
    now, steps, ending = clock.now(), Steps(session, SYSTEM), []
    later: dict[UUID, RetryAt] = {}
    for order, assignment in overdue:
        if assignment.expires_at > now:
            later[assignment.id] = RetryAt(assignment.expires_at)
            continue
        tried = session.scalar(select(func.count()).select_from(Assignment).where(Assignment.order_id == order.id))
        if (tried or 0) < session.get_one(Store, order.store_id).payout_tries_max:
            service.look_again(session, order)
            steps.take(order, Action.REASSIGN, details={"assignment": assignment.public_id})
        else:
            order.assignment_id = None
            steps.take(order, Action.EXPIRE, details={"assignment": assignment.public_id})
        ending.append((order, assignment))
    if ending:
        reservations.release(session, ending, reason="expired")
        traders.let_pass(session, {assignment.trader_id for _, assignment in ending})
    steps.write()
    return later


def _confirmed(session: Session, actor: Actor, order: Order, assignment: Assignment | None,
               reason: str | None = None) -> Order:
    if order.status == Status.PAID and not actor.is_staff:
        found = at_money.suspicion(session, Moment.CONFIRM, order, assignment)
        if found is not None:
            at_money.call_staff(session, order, found)
            return order
    steps = Steps(session, actor)
    if assignment is None:
        steps.take(order, Action.CONFIRM)  # which says that it cannot be
    else:
        agree(steps, order, assignment, outcome(steps.session, order, assignment, order.amount_to_pay), reason=reason)
    jobs.cancel(session, "confirm_payout", str(order.id))
    steps.write()
    return order


def _his(session: Session, actor: Actor, order_id: str, assignment_id: str) -> tuple[Order, Assignment]:
    """The payout and the assignment that the form was made for, if that is still the current one."""
    order = _payout(session, actor, order_id)
    current = queries.current_assignment(session, order)
    service.only_its_trader(actor, current)
    if current is None or current.id != ids.parse("asg", assignment_id):
        raise AssignmentChanged()
    return order, current


def _payout(session: Session, actor: Actor, order_id: str) -> Order:
    """Raises NotFound, for payins too."""
    ids.parse(PREFIX, order_id)
    return queries.lock(session, actor, order_id)
