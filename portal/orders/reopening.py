"""Money of an order that ended without it: taken up again, on the requisite where it arrived.

The order becomes `assigned` with a new assignment: collateral is held, limits are counted, the slot is taken, as at a
match. No limit keeps it away, for the money is there; want of collateral does.
"""
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids, jobs
from portal.core.access import SYSTEM
from portal.core.lifecycle import InvalidTransition
from portal.orders import attention_cases, queries
from portal.orders.directions import drafted, rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, OpenPlace, Order
from portal.orders.states import Action, AssignmentState, Status
from portal.orders.steps import Steps
from portal.parties.models import Holder, Store
from portal.requisites import freezing
from portal.requisites.models import Requisite

LATE = (Status.EXPIRED, Status.CANCELLED)
TOLD_TO_PAY = ("expired", "cancelled", reservations.REPLACED)  # how one ended that the money may have been sent by
PLACES_MAX = 20


def places(session: Session, order: Order) -> Sequence[Assignment]:
    """Where its payer was told to pay, before the order ended without money: the newest first, none of another order.
    The order's lock guards them.

    Who declined it has nothing to do with it any more: he was asked to look into his bank first.
    """
    if order.status not in LATE:
        return ()
    return session.scalars(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.end_reason.in_(TOLD_TO_PAY))
        .order_by(Assignment.id.desc()).limit(PLACES_MAX).execution_options(populate_existing=True)).all()


def last_place(session: Session, order: Order) -> Assignment | None:
    """The one its payer was shown last."""
    return next(iter(places(session, order)), None)


def was_payable(session: Session, order: Order) -> bool:
    """There is such a place. For pages, which have read it already: their rows stay as they are."""
    return order.status in LATE and session.scalar(select(Assignment.id).where(
        Assignment.order_id == order.id, Assignment.end_reason.in_(TOLD_TO_PAY)).limit(1)) is not None


def claimable_until(session: Session, order: Order) -> datetime:
    """The end of its store's late window: so long the amount rests, and whoever says that he has paid is heard."""
    assert order.ended_at is not None
    return order.ended_at + timedelta(seconds=session.get_one(Store, order.store_id).late_for_s)


def late_until(session: Session, order: Order, seen: Assignment | None) -> datetime | None:
    """Until when the trader of this assignment may say that the money came after all; None: not. For pages."""
    if order.status not in LATE or seen is None or seen.end_reason not in TOLD_TO_PAY:
        return None
    until = claimable_until(session, order)
    return until if until > clock.now() else None


def reopen(steps: Steps, order: Order, ended: Assignment, *, reason: str | None = None,
           details: dict[str, object] | None = None) -> Assignment:
    """The caller holds the order's lock, takes the next step and writes both. Returns the new, open assignment.

    Raises InvalidTransition, NotYours; InsufficientFunds where the trader's collateral does not cover it: then nothing
    has changed.
    """
    session = steps.session
    if order.status not in LATE:
        raise InvalidTransition(status=order.status, action=str(Action.REOPEN))
    made = Assignment(
        id=ids.new_id(), order_id=order.id, requisite_id=ended.requisite_id, trader_id=ended.trader_id,
        holder_id=ended.holder_id, state=AssignmentState.OPEN, amount_minor=ended.amount_minor,
        settlement_minor=order.settlement_minor, settlement_currency=ended.settlement_currency,
        reward_minor=ended.reward_minor, reward_id=ended.reward_id, counted_on=clock.today(), expires_at=clock.now())
    steps.check(order, Action.REOPEN)
    taken = reservations.lock(session, [made])
    ledger.post(session, SYSTEM, drafted(rules_of(order).on_match(reservations.hold_facts(made, order.live))))
    made.counted_on = _count(taken, made)
    session.add(made)
    session.flush()
    # its amount rests already, and another open order may have it: two of a sum do not share a place
    session.add(OpenPlace(assignment_id=made.id, requisite_id=made.requisite_id, trader_id=made.trader_id,
                          order_id=order.id, amount_minor=None, **_exposed(order, made, taken)))
    order.assignment_id, order.expires_at, order.late = made.id, made.expires_at, True
    order.amount_to_pay_minor = made.amount_minor  # where sums are varied, each has its own
    order.ended_at = order.needs_attention_at = None
    steps.take(order, Action.REOPEN, reason=reason, details={"assignment": made.public_id} | (details or {}))
    if freezing.is_kept(session, taken.requisites[made.requisite_id]):
        attention_cases.call(session, order, attention_cases.FROZEN)
    return made


def take_back(steps: Steps, order: Order, lingering: Assignment) -> None:
    """The money came to a requisite that its payer had exchanged: it is the order's again, and what was open lingers.

    Of an order that looks for a requisite just now, a step of its own. The caller holds the lock and writes.
    """
    session = steps.session
    opened = queries.current_assignment(session, order)
    if opened is not None:
        opened.state = AssignmentState.LINGERING
        session.flush()  # one is open at a time
    lingering.state = AssignmentState.OPEN
    order.assignment_id, order.expires_at = lingering.id, lingering.expires_at
    order.amount_to_pay_minor = lingering.amount_minor  # where sums are varied, each has its own
    if opened is None:
        order.next_attempt_at = None
        steps.take(order, Action.REOPEN, details={"assignment": lingering.public_id})
        jobs.cancel(session, "match_order", str(order.id))


def _count(taken: reservations.Taken, made: Assignment) -> date:
    """What a match takes up, of today; of the day that has begun where another worker's clock says so already."""
    requisite, holder = taken.requisites[made.requisite_id], taken.holders[made.holder_id]
    counted: list[Requisite | Holder] = [requisite]
    if not requisite.robot and holder.currency == requisite.currency:
        counted.append(holder)
    day = max(made.counted_on, *(one.day_on or made.counted_on for one in counted))
    for one in counted:
        one.day_used_minor = made.amount_minor + (one.day_used_minor if one.day_on == day else 0)
        one.day_count = 1 + (one.day_count if one.day_on == day else 0)
        month = day.replace(day=1)
        one.month_used_minor = made.amount_minor + (one.month_used_minor if one.month_on == month else 0)
        one.day_on, one.month_on = day, month
    requisite.open_orders += 1
    taken.traders[made.trader_id].open_orders += 1
    taken.traders[made.trader_id].open_minor += made.settlement_minor
    return day


def _exposed(order: Order, made: Assignment, taken: reservations.Taken) -> dict[str, Any]:
    """What counts against caps; they keep nothing of it away, for the money is there."""
    requisite = taken.requisites[made.requisite_id]
    store_id, bank = (None, None) if requisite.robot else (order.store_id, requisite.bank)
    return {"store_id": store_id, "bank": bank, "currency": requisite.currency, "to_pay_minor": made.amount_minor,
            "settlement_minor": made.settlement_minor}
