"""What people do with an order: one function a command, each one step, each one transaction of its door."""
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids, jobs, typed_amounts
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.core.money import Money
from portal.orders import queries
from portal.orders.commands import CancelOrder, ConfirmOrder, DeclineOrder, MarkPaid
from portal.orders.directions import drafted, rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState, Party, Status
from portal.orders.steps import Steps
from portal.parties.models import Store
from portal.requisites import numbers
from portal.requisites.models import Requisite


class AmountDiffers(Conflict):
    """The amount received is not the amount to pay. Check it; another amount needs the desk's staff."""

    code = "amount_differs"


class AssignmentChanged(Conflict):
    """The order went to another requisite since this page was opened. Load it again."""

    code = "assignment_changed"


class OrderExpired(Conflict):
    """The time to pay is over and the order is closed."""

    code = "order_expired"


def cancel(session: Session, actor: Actor, command: CancelOrder) -> Order:
    """Called off while no money has moved: the collateral is the trader's again. Staff say why.

    Raises NotFound, Denied, Invalid, InvalidTransition, NotYours.
    """
    order = queries.lock(session, actor, command.order_id)
    _in_anothers_place(actor, Permission.ORDER_CANCEL_ANY, command.reason)
    if order.accepted_at is not None:  # its trader may be sending the money this very minute
        raise InvalidTransition(status=order.status, action=str(Action.CANCEL))
    assignment = queries.current_assignment(session, order)
    steps = Steps(session, actor)
    steps.take(order, Action.CANCEL, reason=command.reason)
    order.assignment_id = None
    if assignment is not None:
        reservations.release(session, [(order, assignment)], reason=reservations.CANCELLED)
        jobs.cancel(session, "expire_order", str(assignment.id))
    else:
        ledger.post(session, SYSTEM, drafted(rules_of(order).on_end(order)))
    steps.write()
    return order


def mark_paid(session: Session, actor: Actor, command: MarkPaid) -> Order:
    """The sender says the money is sent: the trader is asked to look, and staff if nobody answers by `confirm_by`.

    Raises NotFound, OrderExpired, InvalidTransition.
    """
    order = queries.lock(session, actor, command.order_id)
    if order.status == Status.EXPIRED:
        raise OrderExpired()
    steps = Steps(session, actor)
    store = session.get_one(Store, order.store_id)
    order.confirm_by = clock.now() + timedelta(seconds=store.confirm_for_s)
    steps.take(order, Action.MARK_PAID, requisite=masked(session, order))
    steps.write()
    jobs.enqueue(session, "flag_unconfirmed", order.id, run_at=order.confirm_by)
    return order


def confirm(session: Session, actor: Actor, command: ConfirmOrder) -> Order:
    """The receiver's side has the money: slot and amount are free, the order is queued for settlement.

    Every refusal happens here, so that settlement cannot fail. Staff, who confirm in the trader's place, say why.
    Raises NotFound, Denied, InvalidTransition, NotYours, AssignmentChanged, AmountDiffers, Invalid.
    """
    order = queries.lock(session, actor, command.order_id)
    _in_anothers_place(actor, Permission.ORDER_CONFIRM_ANY, command.reason)
    received = _received(command, order)
    assignment = _payable(session, actor, order, command.assignment_id)
    if received != order.amount_to_pay:
        raise AmountDiffers(expected=order.amount_to_pay.text)
    steps = Steps(session, actor)
    agreed(steps, order, assignment, received=received, reason=command.reason)
    steps.write()
    return order


def agreed(steps: Steps, order: Order, assignment: Assignment, *, received: Money, reason: str | None = None) -> None:
    """The step into `confirmed`, the same for both directions: final amounts set, slot free, settlement queued."""
    session = steps.session
    order.amount_received_minor, order.exactness = received.minor, "exact"
    order.final_settlement_minor, order.final_fee_minor = order.settlement_minor, order.fee_minor
    order.final_reward_minor = assignment.reward_minor
    steps.take(order, Action.CONFIRM, reason=reason, details={"assignment": assignment.public_id})
    assignment.state = AssignmentState.CHOSEN
    reservations.free(session, [assignment])
    if order.live:
        reservations.count_day(session, [(order, assignment)], confirmed=True)
    jobs.cancel(session, "expire_order", str(assignment.id))
    jobs.cancel(session, "flag_unconfirmed", str(order.id))
    jobs.enqueue(session, "settle_order", order.id)


def decline(session: Session, actor: Actor, command: DeclineOrder) -> Order:
    """Its trader gives the order back: it looks for another requisite in a new window, never again for one of his.

    Raises NotFound, InvalidTransition, NotYours.
    """
    order = queries.lock(session, actor, command.order_id)
    assignment = queries.current_assignment(session, order)
    only_its_trader(actor, assignment)
    steps = Steps(session, actor)
    look_again(session, order)
    steps.take(order, Action.DECLINE, reason=command.reason)
    assert assignment is not None
    reservations.release(session, [(order, assignment)], reason="declined")
    steps.write()
    jobs.cancel(session, "expire_order", str(assignment.id))
    return order


def look_again(session: Session, order: Order) -> None:
    """For another requisite, in a new window. The caller takes the step back to `new`."""
    store = session.get_one(Store, order.store_id)
    order.match_by, order.tries, order.next_attempt_at = clock.now() + timedelta(seconds=store.match_for_s), 0, None
    order.assignment_id = order.assigned_at = order.accepted_at = order.expires_at = None
    jobs.enqueue(session, "match_order", order.id)


def expire(session: Session, actor: Actor, overdue: Sequence[tuple[Order, Assignment]]) -> None:
    """Nobody paid by `expires_at` + grace. The caller holds the orders' locks and has seen that each still waits."""
    steps = Steps(session, actor)
    for order, _ in overdue:
        steps.take(order, Action.EXPIRE)
        order.assignment_id = None
    reservations.release(session, overdue, reason="expired")
    steps.write()


def masked(session: Session, order: Order) -> dict[str, object] | None:
    """Where to pay, as lists, events and webhooks show it."""
    from portal.orders import view

    requisite = session.scalar(select(Requisite).join(Assignment, Assignment.requisite_id == Requisite.id)
                               .where(Assignment.id == order.assignment_id))
    return None if requisite is None else view.requisite_of(requisite, holder=numbers.holder_name(session, requisite))


def only_its_trader(actor: Actor, assignment: Assignment | None) -> None:
    """An order that went to another is none of a trader's any more. Raises NotFound."""
    if assignment is not None and queries.party_of(actor) is Party.TRADER and assignment.trader_id != actor.trader_id:
        raise NotFound()


def _in_anothers_place(actor: Actor, permission: Permission, reason: str | None) -> None:
    """What staff force they are allowed to and give a reason for: the audit's promise. Raises Denied, Invalid."""
    if not actor.is_staff:
        return
    if not actor.may(permission):
        raise Denied()
    if reason is None:
        raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])


def _payable(session: Session, actor: Actor, order: Order, assignment_id: str) -> Assignment:
    """The assignment the form was made for, if it is still the one that can be paid."""
    wanted = ids.parse("asg", assignment_id)
    current = queries.current_assignment(session, order)
    if queries.party_of(actor) is Party.TRADER and (current is None or current.trader_id != actor.trader_id):
        if order.status in (Status.ASSIGNED, Status.PAID):
            raise NotFound()
        raise InvalidTransition(status=order.status, action=str(Action.CONFIRM))
    if order.status not in (Status.ASSIGNED, Status.PAID):
        raise InvalidTransition(status=order.status, action=str(Action.CONFIRM))
    if current is None or current.id != wanted:
        raise AssignmentChanged()
    return current


def _received(command: ConfirmOrder, order: Order) -> Money:
    return typed_amounts.amount("received", command.received, order.currency)
