"""What people do with an order: one function a command, each one step, each one transaction of its door."""
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import audit, clock, ids, jobs, typed_amounts
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.core.money import Money
from portal.orders import attention, kept_names, other_amount, queries, reopening
from portal.orders.agreement import agree, outcome
from portal.orders.commands import CancelOrder, ConfirmOrder, DeclineOrder, MarkPaid
from portal.orders.directions import drafted, rules_of
from portal.orders.judging import at_money
from portal.orders.judging.before_matching import told
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState, Party, Status
from portal.orders.steps import Steps
from portal.parties.models import Store
from portal.requisites.models import Requisite
from portal.risk import journal
from portal.risk.facts import Moment


class AmountDiffers(Conflict):
    """The amount received is not the amount to pay. Check it; if it is right, report it."""

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
    holding = queries.holding(session, order)
    if order.status == Status.REVIEW:
        journal.end_review(session, actor, order.id, "ended", command.reason)
    steps = Steps(session, actor)
    steps.take(order, Action.CANCEL, reason=command.reason)
    order.assignment_id = None
    if holding:
        reservations.release(session, [(order, one) for one in holding], reason=reservations.CANCELLED)
        for one in holding:
            jobs.cancel(session, "expire_order", str(one.id))
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
    assignment = queries.current_assignment(session, order)
    attention.paid(session, order, assignment)
    if (found := at_money.suspicion(session, Moment.CLAIM, order, assignment, by=actor)) is not None:
        at_money.call_staff(session, order, found)
    return order


def confirm(session: Session, actor: Actor, command: ConfirmOrder) -> Order:
    """The receiver's side has the money: slot and amount are free, the order is queued for settlement.

    Every refusal happens here, so that settlement cannot fail. Staff, who confirm in the trader's place, say why.
    Another amount than was to be paid is asked about first; said again (`differs`), it goes where the store wants it.
    What rules of risk find wrong by now waits for staff, whatever the amount. An order that ended without money is
    reopened first: until when its trader may say so is `disputes/confirming.py`'s to decide.
    Raises NotFound, Denied, InvalidTransition, NotYours, AssignmentChanged, AmountDiffers, AmountBelowFee, Invalid,
    InsufficientFunds (a late one's collateral).
    """
    order = queries.lock(session, actor, command.order_id)
    _in_anothers_place(actor, Permission.ORDER_CONFIRM_ANY, command.reason)
    received = _received(command, order)
    ended = reopening.places(session, order)
    if ended and actor.is_staff:  # that is a dispute's decision, by two
        raise InvalidTransition(status=order.status, action=str(Action.CONFIRM))
    assignment = _named(actor, ended or _payable(session, actor, order), command.assignment_id)
    expected = assignment.to_pay(order)
    if received != expected and not command.differs:
        raise AmountDiffers(expected=expected.text, received=received.text)
    steps = Steps(session, actor)
    if assignment.state == AssignmentState.LINGERING:
        reopening.take_back(steps, order, assignment)
    found = outcome(session, order, assignment, received)
    if ended:
        assignment = reopening.reopen(steps, order, assignment, reason=command.reason)
    suspicion = None if actor.is_staff else at_money.suspicion(session, Moment.CONFIRM, order, assignment)
    if suspicion is not None:
        other_amount.held(steps, order, assignment, found, details=told(suspicion))
    elif found.exactness == "exact":
        agree(steps, order, assignment, found, reason=command.reason)
    else:
        other_amount.reported(steps, order, assignment, found, reason=command.reason)
    steps.write()
    return order


def decline(session: Session, actor: Actor, command: DeclineOrder) -> Order:
    """Its trader gives the order back: it looks for another requisite in a new window, never again for one of his. Who
    has it still payable, though its payer has another, ends that alone.

    Raises NotFound, InvalidTransition, NotYours, AssignmentChanged (the form was made for another attempt).
    """
    order = queries.lock(session, actor, command.order_id)
    assignment = _declined(session, actor, order, command)
    if assignment is not None and assignment.state == AssignmentState.LINGERING:
        _let_go(session, actor, order, assignment, command)
        return order
    steps = Steps(session, actor)
    look_again(session, order)
    steps.take(order, Action.DECLINE, reason=command.reason, details={"why": command.why})
    assert assignment is not None
    reservations.release(session, [(order, assignment)], reason="declined")
    steps.write()
    jobs.cancel(session, "expire_order", str(assignment.id))
    return order


def _declined(session: Session, actor: Actor, order: Order, command: DeclineOrder) -> Assignment | None:
    """The attempt that is given back: the one named; else what its trader has of it, the current one first."""
    holding = queries.holding(session, order)
    if command.assignment_id is not None and holding:
        return _named(actor, holding, command.assignment_id)
    current = queries.current_assignment(session, order)
    if current is None or current.trader_id != actor.trader_id:
        lingering = next((one for one in holding if one.state == AssignmentState.LINGERING
                          and actor.trader_id is not None and one.trader_id == actor.trader_id), None)
        if lingering is not None:
            return lingering
    only_its_trader(actor, current)
    return current


def _let_go(session: Session, actor: Actor, order: Order, lingering: Assignment, command: DeclineOrder) -> None:
    if order.status in (Status.PAID, Status.DISPUTED):  # the money may have been sent to it
        raise InvalidTransition(status=order.status, action=str(Action.DECLINE))
    reservations.release(session, [(order, lingering)], reason="declined")
    jobs.cancel(session, "expire_order", str(lingering.id))
    audit.record(session, actor, "assignment.declined", "order", order.id, reason=command.reason,
                 after={"assignment": lingering.public_id, "why": command.why})


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
    """Where to pay, as a step's row keeps it."""
    from portal.orders import view

    requisite = session.scalar(select(Requisite).join(Assignment, Assignment.requisite_id == Requisite.id)
                               .where(Assignment.id == order.assignment_id))
    return None if requisite is None else view.requisite_of(requisite, holder=kept_names.of_holder(requisite.holder_id))


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


def _payable(session: Session, actor: Actor, order: Order) -> Sequence[Assignment]:
    """What can be paid still: the open one, and those that linger. Raises NotFound, InvalidTransition."""
    holding = queries.holding(session, order)
    under_way = order.status in (Status.ASSIGNED, Status.PAID)
    searching = order.status in (Status.NEW, Status.RETRYING) and bool(holding)
    if queries.party_of(actor) is Party.TRADER and not any(one.trader_id == actor.trader_id for one in holding):
        if under_way:
            raise NotFound()
        raise InvalidTransition(status=order.status, action=str(Action.CONFIRM))
    if not (under_way or searching):
        raise InvalidTransition(status=order.status, action=str(Action.CONFIRM))
    return holding


def _named(actor: Actor, among: Sequence[Assignment], assignment_id: str) -> Assignment:
    """The one that the form was made for. Raises NotFound, AssignmentChanged."""
    if queries.party_of(actor) is Party.TRADER and not any(one.trader_id == actor.trader_id for one in among):
        raise NotFound()
    wanted = ids.parse("asg", assignment_id)
    found = next((one for one in among if one.id == wanted), None)
    if found is None:
        raise AssignmentChanged()
    only_its_trader(actor, found)
    return found


def _received(command: ConfirmOrder, order: Order) -> Money:
    return typed_amounts.amount("received", command.received, order.currency)
