"""Risk once money is said to be on its way: nothing is refused any more, but nobody goes on without a person.

An order that rules deny, or want reviewed, when it is claimed or confirmed keeps its hold and waits for staff.
"""
from sqlalchemy.orm import Session

from portal import files
from portal.core.access import SYSTEM, Actor, ActorKind
from portal.orders import attention, attention_cases, receipts
from portal.orders.facts import RECEIPTS_ON
from portal.orders.judging import collect
from portal.orders.judging.before_matching import told
from portal.orders.models import Assignment, Order
from portal.orders.states import Action
from portal.orders.steps import Steps
from portal.risk import journal, rule_book
from portal.risk.facts import Moment, Verdict
from portal.risk.judging import Judgement, judge

STAFF = "staff"


def suspicion(session: Session, moment: Moment, order: Order, assignment: Assignment | None, *,
              by: Actor | None = None) -> Judgement | None:
    """What keeps this locked order from going on by itself; None: nothing. It is noted either way. `by`: who claims."""
    book = rule_book.present(session)
    if book.is_empty or not order.live:
        return None
    seen = _receipts_seen(session, order, assignment) if book.asks("receipt_seen") else 0
    found = collect.facts(session, book, moment, [order], receipts_seen=seen,
                          paid_from=by.address if by is not None and by.kind is ActorKind.CUSTOMER else None,
                          requisites={order.id: assignment.requisite_id} if assignment else None)
    verdict = judge(book.rules, found[order.id], pardoned=journal.pardoned(session, order.id))
    journal.note(session, moment, {order.id: verdict})
    return None if verdict.verdict is Verdict.ALLOW else verdict


def call_staff(session: Session, order: Order, verdict: Judgement) -> None:
    """A paid order waits for staff: they see it on the desk, and it is not confirmed by a clock. Once is enough."""
    if order.waits_for == STAFF:
        return
    order.waits_for = STAFF
    attention_cases.call(session, order, attention_cases.SUSPECTED)
    steps = Steps(session, SYSTEM)
    steps.take(order, Action.SUSPECT, details=told(verdict))
    steps.write()
    attention.tell(session, order, attention.SUSPECTED, staff_only=True)


def _receipts_seen(session: Session, order: Order, assignment: Assignment | None) -> int:
    """Of its receipts, whoever brought them, those that stand on other orders too: the same file, or nearly the same
    picture."""
    found = receipts.of(session, order)
    if assignment is not None:
        found += files.of(session, RECEIPTS_ON, [assignment.id]).get(assignment.id, [])
    return len(receipts.elsewhere(session, order, found))
