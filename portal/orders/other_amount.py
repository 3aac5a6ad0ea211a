"""Another amount arrived than was ordered. Less goes by the store's policy, more always to staff; nothing is settled
until somebody has said what the order comes to, and nothing is a dead end.

Waiting is the state `disputed`: the clock stands still, the collateral stays held, slot and amount stay taken. What
staff decide about it is a dispute's decision (`disputes/decisions.py`). A store that is asked has its time
(`confirm_by`); silent, it leaves the order to staff.
"""
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.core.access import SYSTEM, Actor
from portal.core.errors import Conflict
from portal.core.jobs import Claimed
from portal.orders import attention, attention_cases, queries, robots_turn
from portal.orders.agreement import AmountBelowFee, Outcome, agree, outcome
from portal.orders.commands import OrderCommand, Reason
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, Party, Status
from portal.orders.steps import Steps
from portal.parties.models import Store

STORE, STAFF = "store", "staff"
DEADLINE, ANSWER_FOR = "amount_unanswered", timedelta(hours=24)  # as in a dispute
ACCEPT, ASK, RETURN = "accept", "ask", "return"
"""What a store wants done with less than was ordered: settle it, ask the store, or let staff have it given back."""


class NotAsked(Conflict):
    """Nobody waits for your word on this amount any more."""

    code = "not_asked"


class AnswerAmount(OrderCommand):
    """The store's word on less than was ordered: `yes` settles what arrived, `no` leaves it to the desk's staff."""

    answer: Literal["yes", "no"]
    reason: Reason | None = None


def reported(steps: Steps, order: Order, assignment: Assignment, found: Outcome, *, reason: str | None) -> None:
    """Its trader, or staff in his place, says that `found.received` arrived. The caller writes the steps.

    A store that takes less has it settled at once.
    """
    session = steps.session
    policy = session.get_one(Store, order.store_id).under_policy
    if found.exactness == "under" and policy == ACCEPT:
        agree(steps, order, assignment, found, reason=reason)
        return
    _wait(steps, order, assignment, found, reason=reason, why="amount_differs",
          waits_for=STORE if found.exactness == "under" and policy == ASK else STAFF)


def held(steps: Steps, order: Order, assignment: Assignment, found: Outcome, *, details: dict[str, Any]) -> None:
    """The money has come, in whatever amount, and rules of risk want a person to look first. The caller writes."""
    _wait(steps, order, assignment, found, reason=None, why="risk", waits_for=STAFF, details=details)


def _wait(steps: Steps, order: Order, assignment: Assignment, found: Outcome, *, reason: str | None, why: str,
          waits_for: str, details: dict[str, Any] | None = None) -> None:
    order.amount_received_minor, order.exactness = found.received.minor, found.exactness
    order.waits_for = waits_for
    attention_cases.call(steps.session, order,
                         attention_cases.SUSPECTED if why == "risk" else attention_cases.OTHER_AMOUNT)
    steps.take(order, Action.DISPUTE, reason=reason, details={
        "assignment": assignment.public_id, "why": why, "received": found.received.text,
        "waits_for": waits_for} | (details or {}))
    jobs.cancel(steps.session, "expire_order", str(assignment.id))
    jobs.cancel(steps.session, "flag_unconfirmed", str(order.id))
    if waits_for == STORE:
        order.confirm_by = clock.now() + ANSWER_FOR
        if order.live:  # a test order stays for its developer, as its magic amount says
            jobs.enqueue(steps.session, DEADLINE, order.id, run_at=order.confirm_by)
        attention.asks_store(steps.session, order)
    else:
        attention.tell(steps.session, order, attention.SUSPECTED if why == "risk" else attention.OTHER_AMOUNT,
                       staff_only=True)


def answer(session: Session, actor: Actor, command: AnswerAmount) -> Order:
    """The store takes what arrived, or does not. Staff may have decided meanwhile.

    Raises NotFound, NotAsked, NotYours, AmountBelowFee.
    """
    order = queries.lock(session, actor, command.order_id)
    if order.status != Status.DISPUTED or order.waits_for != STORE or queries.party_of(actor) is not Party.STORE:
        raise NotAsked()
    assignment, received = _assignment(session, order), order.amount_received
    assert received is not None
    steps = Steps(session, actor)
    if command.answer == "yes":
        agree(steps, order, assignment, outcome(session, order, assignment, received), action=Action.ACCEPT_AMOUNT,
              reason=command.reason)
    else:
        order.waits_for = STAFF
        steps.take(order, Action.REFUSE_AMOUNT, reason=command.reason)
        attention.tell(session, order, attention.AMOUNT_REFUSED, staff_only=True)
    steps.write()
    jobs.cancel(session, DEADLINE, str(order.id))
    return order


def unanswered(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `amount_unanswered`: the reference is the order. Its store let its time pass: staff decide.

    Does nothing where an answer, or the rest of the money, came.
    """
    wanted, steps = [job.reference for job in batch if job.reference is not None], Steps(session, SYSTEM)
    for order in queries.lock_many(session, wanted).values():
        if order.status != Status.DISPUTED or order.waits_for != STORE or (
                order.confirm_by is None or order.confirm_by > clock.now()):
            continue
        order.waits_for = STAFF
        attention_cases.call(session, order, attention_cases.OTHER_AMOUNT)
        steps.take(order, Action.FLAG)
        attention.tell(session, order, attention.UNANSWERED, staff_only=True)
        if not order.live:
            robots_turn.promise(session, [order.id])
    steps.write()


def would_be(session: Session, order: Order, assignment: Assignment | None) -> Outcome | None:
    """What it comes to if the reported amount is settled; None where nothing of the kind waits."""
    if order.status != Status.DISPUTED or assignment is None or order.amount_received is None:
        return None
    try:
        return outcome(session, order, assignment, order.amount_received)
    except AmountBelowFee:
        return None


def _assignment(session: Session, order: Order) -> Assignment:
    found = queries.current_assignment(session, order)
    assert found is not None, "a disputed amount has the requisite it arrived on"
    return found
