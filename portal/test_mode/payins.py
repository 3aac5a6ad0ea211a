"""The robots' part in a payin: its customer pays, or not; its trader finds the money, or not; an arbiter decides."""
from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import SYSTEM
from portal.core.ids import new_id
from portal.core.money import Money
from portal.disputes import giving_in, queries, service
from portal.disputes.commands import GiveIn, OpenDispute
from portal.orders import queries as orders
from portal.orders import reopening
from portal.orders.commands import ConfirmOrder, DeclineOrder, MarkPaid
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.other_amount import STORE
from portal.orders.service import confirm, decline, mark_paid
from portal.orders.states import Status
from portal.requisites.test_outcomes import Outcome
from portal.test_mode import arbiter, robots
from portal.test_mode.past import ended_as

Act = Callable[[], object]
NOBODY_PAYS = (Outcome.WAITS, Outcome.EXPIRES, Outcome.LATE)
NOT_FOUND = (Outcome.WON, Outcome.LOST)


def next_act(session: Session, order: Order, outcome: Outcome) -> Act | None:
    """What a robot does now; None: nobody's turn."""
    match order.status:
        case Status.ASSIGNED:
            return _assigned(session, order, outcome)
        case Status.PAID:
            return _paid(session, order, outcome)
        case Status.DISPUTED:
            return _disputed(session, order, outcome)
        case Status.EXPIRED | Status.CANCELLED:
            return _late(session, order, outcome)
        case Status.COMPLETED if queries.open_of(session, order.id) is not None:
            return partial(arbiter.decide, session, order, "stands")
    return None


def less(amount: Money) -> Money:
    """Nine tenths of it."""
    return Money(amount.minor * 9 // 10, amount.currency)


def more(amount: Money) -> Money:
    """A tenth more, and one minor unit at least."""
    return Money(amount.minor + max(1, amount.minor // 10), amount.currency)


def _assigned(session: Session, order: Order, outcome: Outcome) -> Act | None:
    if outcome in NOBODY_PAYS:
        return None
    if outcome is Outcome.DECLINED and not ended_as(session, order, "declined"):
        assignment = _current(session, order)
        return partial(decline, session, robots.trader(assignment),
                       DeclineOrder(order_id=order.public_id, why="other",
                                    reason="Test mode: the first trader refuses."))
    return partial(mark_paid, session, robots.customer(order), MarkPaid(order_id=order.public_id))


def _paid(session: Session, order: Order, outcome: Outcome) -> Act:
    assignment = _current(session, order)
    trader = robots.trader(assignment)
    if outcome in NOT_FOUND:
        return partial(service.open_dispute, session, trader, OpenDispute(
            order_id=order.public_id, reason="not_received", text="Test mode: the money has not arrived."))
    due = Money(assignment.amount_minor, order.currency)
    received = less(due) if outcome is Outcome.LESS else more(due) if outcome is Outcome.MORE else due
    return partial(confirm, session, trader, ConfirmOrder(
        order_id=order.public_id, assignment_id=assignment.public_id, received=received.text, differs=received != due))


def _disputed(session: Session, order: Order, outcome: Outcome) -> Act | None:
    if queries.open_of(session, order.id) is not None:
        if outcome is Outcome.LOST:
            return partial(arbiter.decide, session, order, "cancel")
        return partial(arbiter.decide, session, order, "complete")
    received = order.amount_received
    if order.waits_for == STORE or received is None:
        return None  # the store is asked: that is for the developer to try
    if received < order.amount_to_pay:
        return partial(arbiter.decide, session, order, "cancel")
    return partial(_settle_more, session, order, received)


def _settle_more(session: Session, order: Order, received: Money) -> None:
    fund(session, order, _current(session, order))
    arbiter.decide(session, order, "complete", received)


def _late(session: Session, order: Order, outcome: Outcome) -> Act | None:
    """The money comes after the end: its customer says so, its trader agrees."""
    dispute = queries.open_of(session, order.id)
    if dispute is not None:
        if outcome is Outcome.LOST:
            return partial(arbiter.decide, session, order, "stands")
        return partial(_take_up, session, order, dispute.public_id)
    if outcome is Outcome.LATE and reopening.was_payable(session, order) and not queries.of_order(
            session, SYSTEM, order.id):
        return partial(service.open_dispute, session, robots.customer(order), OpenDispute(
            order_id=order.public_id, reason="paid_late", text="Test mode: the money was sent too late."))
    return None


def _take_up(session: Session, order: Order, dispute_id: str) -> None:
    ended = reopening.last_place(session, order)
    assert ended is not None, "a late claim is about a requisite"
    fund(session, order, ended)
    giving_in.give_in(session, robots.trader(ended), GiveIn(dispute_id=dispute_id))


def fund(session: Session, order: Order, assignment: Assignment) -> None:
    """A robot's collateral, paid in as it is needed; after its requisite, as every lock of balances."""
    reservations.lock(session, [assignment])
    account = ledger.trader_available(assignment.trader_id, order.settlement_currency, order.live)
    ledger.post(session, SYSTEM, [ledger.entries.deposit(new_id(), account, assignment.hold)])


def _current(session: Session, order: Order) -> Assignment:
    found = orders.current_assignment(session, order)
    assert found is not None
    return found
