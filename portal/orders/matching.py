"""Giving each order a requisite: a batch in one transaction, in the phases of spec/speed.md.

Orders are locked by id, skipping what others hold; requisites are chosen, taken and counted by one SQL function
(migrations/sql: pick_requisites); all collateral is held in one posting; events, jobs and announcements are written
set-wise. Whoever finds nobody comes back with a jittered pause until the matching window is over.

Hot: a statement for each phase however many orders, and rows of what is needed instead of objects for everything.
"""
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import SystemRandom
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.jobs import Job, Later
from portal.orders import match_rows, queries, view
from portal.orders.match_rows import Try
from portal.orders.models import Order
from portal.orders.states import Action, FailureCode, Status
from portal.orders.steps import Steps
from portal.requisites import numbers
from portal.requisites.models import Requisite

WAITING = (Status.NEW, Status.RETRYING)
PAUSE_FIRST_S, PAUSE_MAX_S = 1, 20
BUSY_PAUSE_MS = 150  # somebody holds the order: look again at once, it is no try
FUNNEL_ROWS_MAX = 800  # requisites judged for a batch's successes; above that they record their tier (decision 0006)
# From each filter to the next: what a candidate that fell out there lacked.
REASONS = {"approved": FailureCode.NO_REQUISITE, "on_shift": FailureCode.NO_REQUISITE,
           "amount": FailureCode.NO_REQUISITE, "windows": FailureCode.LIMITS_REACHED,
           "slots": FailureCode.LIMITS_REACHED, "collateral": FailureCode.NO_COLLATERAL,
           "same_amount": FailureCode.LIMITS_REACHED, "locked": FailureCode.LIMITS_REACHED}
STAGES = ("all", "currency", "method", "bank", *REASONS)

# A funnel is of the statement's snapshot, as the batch began: what the pick changes it does not see.
PICK = """
    SELECT p.*, r.method, r.bank, r.number_first6, r.number_last4, h.name_sealed, s.grace_s,
           %(now)s + make_interval(secs => s.pay_for_s) AS pay_by,
           CASE WHEN (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'requisites'::regclass)
                     * cardinality(%(orders)s) <= %(funnel_rows_max)s
                THEN matching_funnel(p.order_id, %(now)s, %(day)s) END AS funnel
      FROM pick_requisites(%(orders)s, %(assignments)s, %(now)s, %(day)s) p
      JOIN requisites r ON r.id = p.requisite_id JOIN holders h ON h.id = p.holder_id
      JOIN orders o ON o.id = p.order_id JOIN stores s ON s.id = o.store_id"""
FUNNEL = text("SELECT id, matching_funnel(id, :now, :day) FROM unnest(CAST(:orders AS uuid[])) AS id")
_dice = SystemRandom()


def work(session: Session, batch: Sequence[Job]) -> dict[int, Later]:
    """Work of the kind `match_order`: the reference is the order. Harmless twice: what moved on is left."""
    by_order = {job.reference: job for job in batch if job.reference is not None}
    orders = queries.lock_many(session, list(by_order), skip=True)
    for order in orders.values():
        session.expunge(order)  # written set-wise, see match_rows
    waiting = [order for order in orders.values() if order.status in WAITING]
    matched = _match(session, waiting)
    busy = clock.now() + timedelta(milliseconds=BUSY_PAUSE_MS)
    later = {by_order[id].id: Later(busy) for id in by_order.keys() - orders.keys() if _waits(session, id)}
    again = _nobody(session, [order for order in waiting if order.id not in matched])
    return later | {by_order[id].id: Later(at) for id, at in again.items()}


def _match(session: Session, orders: list[Order]) -> set[UUID]:
    """Those of the orders that found a requisite."""
    if not orders:
        return set()
    picks = session.connection().exec_driver_sql(PICK, {
        "orders": [order.id for order in orders], "assignments": [ids.new_id() for _ in orders],
        "now": clock.now(), "day": clock.today(), "funnel_rows_max": FUNNEL_ROWS_MAX}).all()
    if not picks:
        return set()
    by_id = {order.id: order for order in orders}
    taken = [(by_id[pick.order_id], pick) for pick in picks]
    _hold(session, taken)
    _assign(session, taken)
    return {pick.order_id for pick in picks}


def _hold(session: Session, taken: list[tuple[Order, Row[Any]]]) -> None:
    """The collateral of each. A robot's is paid in as it is needed: test money costs nobody."""
    drafts = []
    for order, pick in taken:
        if pick.robot:
            owner = ledger.trader_available(pick.trader_id, order.settlement_currency, order.live)
            drafts.append(ledger.entries.deposit(pick.assignment_id, owner, order.settlement))
        drafts.append(ledger.entries.payin_hold(ledger.HoldFacts(
            assignment_id=pick.assignment_id, trader_id=pick.trader_id, amount=order.settlement, live=order.live)))
    ledger.post(session, SYSTEM, drafts)


def _assign(session: Session, taken: list[tuple[Order, Row[Any]]]) -> None:
    steps, tries = Steps(session, SYSTEM), []
    for order, pick in taken:
        order.assignment_id, order.expires_at, order.next_attempt_at = pick.assignment_id, pick.pay_by, None
        order.tries += 1
        requisite = Requisite(method=pick.method, bank=pick.bank, number_first6=pick.number_first6,
                              number_last4=pick.number_last4)  # what is shown of it; in no session
        holder = numbers.opened_name(pick.holder_id, pick.name_sealed)
        steps.take(order, Action.MATCH, requisite=view.requisite_of(requisite, holder=holder), details={
            "assignment": ids.public("asg", pick.assignment_id), "requisite": requisite.mask,
            "number_shown_to": "payer, its trader, the store's system", "tier": pick.tier})
        tries.append(Try(order, clock.now(), "assigned", fell_out=list(pick.passed),
                         funnel=_with_one_left(pick.funnel) if pick.funnel else {"tier": pick.tier},
                         end_at=pick.pay_by + timedelta(seconds=pick.grace_s)))
    match_rows.write(session, tries)
    steps.write()


def _nobody(session: Session, orders: Sequence[Order]) -> dict[UUID, datetime]:
    """A full try without a candidate: when to look again. Those whose window is over have failed and are not named."""
    if not orders:
        return {}
    funnels, now = _funnels(session, orders), clock.now()
    steps, tries, again = Steps(session, SYSTEM), [], {}
    for order in orders:
        funnel = funnels[order.id]
        reason = reason_of(funnel)
        order.tries += 1
        tries.append(Try(order, now, reason, funnel, []))
        if now >= order.match_by:
            order.failure_code, order.next_attempt_at = reason, None
            steps.take(order, Action.FAIL, details={"tries": order.tries})
            continue
        pause = _pause(order.tries, held_by_others=funnel["same_amount"] > 0)
        order.next_attempt_at = again[order.id] = min(order.match_by, now + pause)
        steps.take(order, Action.RETRY, details={"reason": reason, "tries": order.tries})
    match_rows.write(session, tries)
    steps.write()
    return again


def reason_of(funnel: dict[str, int]) -> FailureCode:
    """What excluded most of those who could have taken such an order at all (after currency, method and bank)."""
    lost: dict[FailureCode, int] = dict.fromkeys(
        (FailureCode.NO_REQUISITE, FailureCode.LIMITS_REACHED, FailureCode.NO_COLLATERAL), 0)
    for before, stage in pairwise(STAGES[3:]):
        lost[REASONS[stage]] += funnel.get(before, 0) - funnel.get(stage, 0)
    worst = max(lost.values())
    return next(reason for reason, count in lost.items() if count == worst)


def _pause(tries: int, *, held_by_others: bool) -> timedelta:
    """Twice as long after each try, with jitter. Who is only held by another worker is free in a moment."""
    first_ms = BUSY_PAUSE_MS if held_by_others else PAUSE_FIRST_S * 1000
    pause_ms = min(PAUSE_MAX_S * 1000, first_ms * 2 ** min(tries - 1, 8))
    return timedelta(milliseconds=_dice.randint(pause_ms // 2, pause_ms))


def _funnels(session: Session, orders: Sequence[Order]) -> dict[UUID, dict[str, int]]:
    """By order. `locked`: of those left by every filter none could be had, because other workers held them."""
    counted = session.execute(FUNNEL, {"orders": [order.id for order in orders], "now": clock.now(),
                                       "day": clock.today()}).all()
    return {id: {stage: funnel.get(stage, 0) for stage in STAGES} for id, funnel in counted}


def _with_one_left(funnel: dict[str, int]) -> dict[str, int]:
    """Of an order that was assigned: counted as the batch began, so another of the batch may have been in between."""
    return funnel | {"locked": max(1, funnel["same_amount"])}


def _waits(session: Session, order_id: UUID) -> bool:
    return session.scalar(select(Order.id).where(Order.id == order_id)) is not None


def failed(session: Session, job: Job, error: BaseException, dead: bool) -> None:
    """A fault inside matching: the order says so, in the transaction that counts the try or makes the job dead."""
    assert job.reference is not None
    order = queries.lock_many(session, [job.reference], skip=False).get(job.reference)
    if order is None or order.status not in WAITING:
        return
    steps = Steps(session, SYSTEM)
    details = {"fault": type(error).__name__, "attempt": job.attempts + 1}
    if dead:
        order.failure_code = FailureCode.MATCHING_ERROR
        steps.take(order, Action.FAIL, details=details)
    else:
        steps.take(order, Action.RETRY, details=details)
    steps.write()

