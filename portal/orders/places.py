"""What an open assignment takes up — slot, amount, limits, collateral — and giving it back."""
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import locked_one
from portal.orders.models import Assignment, OpenPlace
from portal.orders.states import AssignmentState
from portal.parties.models import Holder, Trader
from portal.requisites.models import Requisite


def free(session: Session, assignment: Assignment) -> tuple[Requisite, Holder]:
    """Slot and amount are free again, at confirm or at the end; limits stay counted and the hold stays held.

    Locks in the house's order: requisite → holder → trader.
    """
    requisite = locked_one(session, select(Requisite).where(Requisite.id == assignment.requisite_id))
    holder = locked_one(session, select(Holder).where(Holder.id == assignment.holder_id))
    trader = locked_one(session, select(Trader).where(Trader.id == assignment.trader_id))
    assert requisite is not None
    assert holder is not None
    assert trader is not None
    requisite.open_orders -= 1
    trader.open_orders -= 1
    session.execute(delete(OpenPlace).where(OpenPlace.assignment_id == assignment.id))
    return requisite, holder


def release(session: Session, assignment: Assignment, *, live: bool, reason: str) -> None:
    """The assignment ends without money: place, limits of the day it was counted on, and collateral are given back."""
    requisite, holder = free(session, assignment)
    _uncount(requisite, assignment)
    if not requisite.robot and holder.currency == requisite.currency:
        _uncount(holder, assignment)
    assignment.state, assignment.end_reason, assignment.ended_at = AssignmentState.ENDED, reason, clock.now()
    session.flush()
    ledger.post(session, SYSTEM, [ledger.entries.payin_release(hold_facts(assignment, live))])


def hold_facts(assignment: Assignment, live: bool) -> ledger.HoldFacts:
    return ledger.HoldFacts(assignment_id=assignment.id, trader_id=assignment.trader_id, amount=assignment.hold,
                            live=live)


def _uncount(counted: Requisite | Holder, assignment: Assignment) -> None:
    """Given back to the day it was counted on: another day's counters are not touched."""
    if counted.day_on == assignment.counted_on:
        counted.day_used_minor -= assignment.amount_minor
        counted.day_count -= 1
    if counted.month_on == assignment.counted_on.replace(day=1):
        counted.month_used_minor -= assignment.amount_minor
