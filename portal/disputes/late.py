"""Money that came after its order had ended: the claim is a dispute, and accepted it reopens the order.

Where the trader has the money and no collateral that covers it, the dispute stays open as unsecured: no order goes to
him and no money leaves him until it is decided. By a decision a cancelled payout is reopened likewise.
"""
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import audit, clock
from portal.core.access import SYSTEM, Actor
from portal.core.db import locked_one
from portal.disputes.models import Dispute
from portal.disputes.reasons import ANSWER_FOR, Side
from portal.orders import attention_cases, reopening
from portal.orders.agreement import agree, outcome
from portal.orders.directions import drafted, rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.steps import Steps
from portal.parties.models import Trader


def taken_up(session: Session, actor: Actor, order: Order, dispute: Dispute) -> str | None:
    """Its trader says that all of it did come: the outcome, or None where his collateral does not cover it."""
    ended = session.get_one(Assignment, dispute.assignment_id)
    steps, found = Steps(session, actor), outcome(session, order, ended, ended.to_pay(order))
    try:
        made = reopening.reopen(steps, order, ended, details={"dispute": dispute.public_id})
    except ledger.InsufficientFunds:
        unsecured(session, order, dispute)
        return None
    agree(steps, order, made, found, details={"dispute": dispute.public_id})
    steps.write()
    return "complete"


def reopened(steps: Steps, order: Order, ended: Assignment, *, reason: str, decision_id: UUID) -> Assignment:
    """By a decision. Of a payout its store's money is kept again. Raises InsufficientFunds where that was spent."""
    made = reopening.reopen(steps, order, ended, reason=reason)
    if not rules_of(order).needs_collateral:
        again = held_again(steps.session, order, decision_id, reservations.hold_facts(made, order.live))
        ledger.post(steps.session, steps.actor, drafted(again))
    return made


def held_again(session: Session, order: Order, decision_id: UUID, held: ledger.HoldFacts) -> ledger.Draft | None:
    """Collateral for a payin; for a payout the entry that gave its store the money back is reversed."""
    rules = rules_of(order)
    given_back = rules.on_end(order)
    if given_back is None:
        return rules.on_match(held)
    [line] = given_back.lines
    entry = ledger.entry_of(session, given_back.kind, order.id)
    return ledger.entries.reversal(decision_id, entry.id, line, day=clock.day_of(entry.posted_at))


def unsecured(session: Session, order: Order, dispute: Dispute) -> None:
    """Harmless twice. Staff look next, in their time: without a deadline it stood behind all others for ever."""
    attention_cases.call(session, order, attention_cases.UNSECURED)
    if not dispute.unsecured or dispute.waits_for != Side.STAFF:
        dispute.waits_for, dispute.answer_by = str(Side.STAFF), clock.now() + ANSWER_FOR[Side.STAFF]
    if dispute.unsecured:
        return
    dispute.unsecured = True
    _trader(session, dispute).unsecured += 1
    session.flush()
    audit.record(session, SYSTEM, "dispute.unsecured", "order", order.id, after={"dispute": dispute.public_id})


def over(session: Session, dispute: Dispute) -> None:
    """It is decided: the trader may go on as far as this one is concerned."""
    if dispute.unsecured:
        dispute.unsecured = False
        _trader(session, dispute).unsecured -= 1


def _trader(session: Session, dispute: Dispute) -> Trader:
    found = locked_one(session, select(Trader).where(Trader.id == dispute.trader_id))
    assert found is not None
    return found
