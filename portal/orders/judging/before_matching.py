"""Orders are judged once, before their first match: refused, held for a person, or let through.

A batch at a time, in the worker: rules and lists are remembered, and with neither of them there is no statement at all.
The counters are locked after the orders and before requisites and balances.
"""
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.pipeline import array, rows
from portal.ledger import Draft
from portal.orders import attention, events, row
from portal.orders.directions import drafted, rules_of
from portal.orders.judging import collect
from portal.orders.matching.pick import KEPT, WAITING
from portal.orders.models import Order
from portal.orders.row import OrderRow
from portal.orders.states import Action, FailureCode
from portal.orders.steps import Steps
from portal.risk import journal, rule_book
from portal.risk.facts import Moment, Verdict
from portal.risk.judging import LIST, Fired, Judgement, judge

LOCK = f"""
    SELECT {row.selected("o", collect.COLUMNS)} FROM orders o
     WHERE id = ANY (ARRAY(SELECT unnest(%(orders)s::uuid[]))) AND live AND judged_at IS NULL
       AND status = ANY (%(waiting)s::text[]) AND NOT {KEPT}
     ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"""
WHOLE = f"""
    SELECT {row.selected("orders")} FROM orders WHERE id = ANY (ARRAY(SELECT unnest(%(orders)s::uuid[]))) ORDER BY id"""
WRITE = events.statement(row.STEPPED_COLUMNS, row.STEPPED_UPDATE)


@dataclass
class Judged:
    """`passed` were judged now and go on, None where there are no rules; `stopped` do not. `drafts`: what those who
    ended give back."""

    passed: set[UUID] | None = None
    stopped: set[UUID] = field(default_factory=set)
    drafts: list[Draft] = field(default_factory=list)


def look(session: Session, order_ids: Collection[UUID]) -> Judged:
    """Judge those that nobody has judged yet and nobody keeps back, and carry it out for those that do not pass."""
    judged, book = Judged(), rule_book.present(session)
    if book.is_empty or not order_ids:
        return judged
    judged.passed = set()
    orders = [OrderRow(**dict(zip(collect.COLUMNS, each, strict=True))) for each in rows(session, LOCK, {
        "orders": array(order_ids), "waiting": array(WAITING)})]
    if not orders:
        return judged
    found = collect.facts(session, book, Moment.INTAKE, orders)
    verdicts = {order.id: judge(book.rules, found[order.id]) for order in orders}
    journal.note(session, Moment.INTAKE, verdicts)
    judged.stopped = {id for id, verdict in verdicts.items() if verdict.verdict is not Verdict.ALLOW}
    judged.passed = verdicts.keys() - judged.stopped
    if judged.stopped:
        steps = Steps(session, SYSTEM, WRITE)
        for order in [OrderRow(*each) for each in rows(session, WHOLE, {"orders": array(judged.stopped)})]:
            judged.drafts += _stop(session, steps, order, verdicts[order.id])
        steps.write()
    return judged


def judge_in_test(session: Session, order: Order, verdict: Verdict) -> None:
    """What rules of risk would do to a locked test order, which none of them looks at: as its amount asks for."""
    steps = Steps(session, SYSTEM)
    said = Fired(UUID(int=0), "test mode", LIST, verdict, 0, False, {})
    drafts = _stop(session, steps, order, Judgement(verdict, 0, (said,)))
    steps.write()
    ledger.post(session, SYSTEM, drafts)


def _stop(session: Session, steps: Steps, order: OrderRow | Order, verdict: Judgement) -> list[Draft]:
    """Refuse it or hold it for a person: what it gives back."""
    order.judged_at, order.next_attempt_at = clock.now(), None
    if verdict.verdict is Verdict.DENY:
        order.failure_code = FailureCode.REFUSED
        steps.take(order, Action.REFUSE, details=told(verdict))
        return drafted(rules_of(order).on_end(order))
    journal.open_review(session, order.id, verdict.score)
    steps.take(order, Action.HOLD_FOR_REVIEW, details=told(verdict))
    attention.in_review(session, order)
    return []


def told(verdict: Judgement) -> dict[str, Any]:
    """For the order's journal, which staff alone read whole."""
    return {"risk": str(verdict.verdict), "score": verdict.score, "rules": verdict.names}
