"""Giving each order a requisite: a batch in one transaction, in phases.

Rules of risk judge each once, before its first try. Orders are locked by id, skipping what others hold, and requisites
chosen, taken and counted in one statement; all collateral is held in one posting; orders, events, jobs and
announcements are written in one more. Whoever finds nobody comes back with a jittered pause until the matching window
is over.

Hot: a statement for each phase however many orders, and rows instead of objects (see `pick`).
"""
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import SystemRandom
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.jobs import Claimed, RetryAt
from portal.core.money import Money
from portal.ledger import Draft
from portal.orders import attention, kept_names, queries, view
from portal.orders.directions import drafted, rules_of
from portal.orders.judging import before_matching
from portal.orders.matching import pick, reservations
from portal.orders.matching.pick import WAITING, Pick
from portal.orders.models import Assignment, Order
from portal.orders.row import OrderRow
from portal.orders.states import Action, AssignmentState, FailureCode
from portal.orders.steps import Steps
from portal.requisites import match_rules
from portal.requisites.models import mask_of

PAUSE_FIRST_S, PAUSE_MAX_S = 1, 20
BUSY_PAUSE_MS = 150  # somebody holds the order: look again at once, it is no try
# From each filter to the next: what a candidate that fell out there lacked.
REASONS = {"approved": FailureCode.NO_REQUISITE, "on_shift": FailureCode.NO_REQUISITE,
           "amount": FailureCode.NO_REQUISITE, "windows": FailureCode.LIMITS_REACHED,
           "slots": FailureCode.LIMITS_REACHED, "exposure": FailureCode.EXPOSURE_REACHED,
           "collateral": FailureCode.NO_COLLATERAL,
           "same_amount": FailureCode.LIMITS_REACHED, "locked": FailureCode.LIMITS_REACHED}
STAGES = (*match_rules.STAGES, "locked")

# What is kept back waits as it is, its cover held, even past its window: the desk's books are no fault of its own.
STOPPED_PAUSE = timedelta(seconds=30)
FUNNEL = text("SELECT id, matching_funnel(id, :now, :day) FROM unnest(CAST(:orders AS uuid[])) AS id")
_dice = SystemRandom()


def work(session: Session, batch: Sequence[Claimed]) -> dict[int, RetryAt]:
    """Work of the kind `match_order`: the reference is the order. Harmless twice: what moved on is left."""
    by_order = {job.reference: job for job in batch if job.reference is not None}
    judged = before_matching.look(session, by_order)
    found, kept = pick.pick(session, [id for id in by_order if id not in judged.stopped], judged.passed)
    for order, _ in found:
        if order.id in (judged.passed or ()):
            order.judged_at = clock.now()
    taken = [(order, chosen) for order, chosen in found if chosen is not None]
    _hold(session, taken, judged.drafts)
    steps = Steps(session, SYSTEM, pick.WRITE)
    for order, chosen in taken:
        _assign(steps, order, chosen)
    again = _nobody(session, steps, [order for order, chosen in found if chosen is None and order.status in WAITING])
    steps.write()
    attention.assigned(session, [(order, chosen.trader_id) for order, chosen in taken])
    again |= dict.fromkeys(kept, clock.now() + STOPPED_PAUSE) | _held_by_others(
        session, by_order.keys() - kept - judged.stopped - {order.id for order, _ in found})
    return {by_order[id].id: RetryAt(at) for id, at in again.items()}


def _hold(session: Session, taken: list[tuple[OrderRow, Pick]], refused: list[Draft]) -> None:
    """What each match holds, and what those whom risk refused give back: balances are locked once. A robot's collateral
    is paid in as it is needed: test money costs nobody."""
    drafts = list(refused)
    for order, chosen in taken:
        amount, rules = Money(order.settlement_minor, order.settlement_currency), rules_of(order)
        if chosen.robot and rules.needs_collateral:
            owner = ledger.trader_available(chosen.trader_id, amount.currency, order.live)
            drafts.append(ledger.entries.deposit(chosen.assignment_id, owner, amount))
        drafts += drafted(rules.on_match(ledger.HoldFacts(
            assignment_id=chosen.assignment_id, trader_id=chosen.trader_id, amount=amount, live=order.live)))
    ledger.post(session, SYSTEM, drafts)


def _assign(steps: Steps, order: OrderRow, chosen: Pick) -> None:
    order.assignment_id, order.expires_at, order.next_attempt_at = chosen.assignment_id, chosen.pay_by, None
    order.amount_to_pay_minor = chosen.to_pay_minor
    order.tries += 1
    number = mask_of(chosen.number_first6, chosen.number_last4)
    where = view.where_to_pay(chosen.method, chosen.bank, number, kept_names.of_holder(chosen.holder_id))
    steps.take(
        order, Action.MATCH, requisite=where, details={
            "assignment": ids.public("asg", chosen.assignment_id), "requisite": number,
            "number_shown_to": "payer, its trader, the store's system", "tier": chosen.tier},
        along=pick.tried("assigned", _with_one_left(chosen.funnel) if chosen.funnel else {"tier": chosen.tier},
                               fell_out=chosen.passed, end_at=chosen.end_at))


def _nobody(session: Session, steps: Steps, orders: Sequence[OrderRow]) -> dict[UUID, datetime]:
    """A full try without a candidate: when to look again. Those whose window is over fail and are not named."""
    if not orders:
        return {}
    funnels, now, again, over = _funnels(session, orders), clock.now(), {}, []
    payable = _payable_still(session, [order.id for order in orders if now >= order.match_by])
    for order in orders:
        funnel = funnels[order.id]
        reason = reason_of(funnel)
        order.tries += 1
        if now >= order.match_by and order.id not in payable:
            order.failure_code, order.next_attempt_at = reason, None
            steps.take(order, Action.FAIL, details={"tries": order.tries}, along=pick.tried(reason, funnel))
            over += drafted(rules_of(order).on_end(order))
            continue
        pause = _pause(order.tries, held_by_others=funnel["same_amount"] > 0)
        latest = now + pause if order.id in payable else order.match_by
        order.next_attempt_at = again[order.id] = min(latest, now + pause)
        steps.take(order, Action.RETRY, details={"reason": reason, "tries": order.tries},
                   along=pick.tried(reason, funnel))
    ledger.post(session, SYSTEM, over)
    return again


def _payable_still(session: Session, order_ids: Collection[UUID]) -> set[UUID]:
    """Those that may be paid on a requisite that was exchanged: they look on until its time is over."""
    return set(session.scalars(select(Assignment.order_id).where(
        Assignment.order_id.in_(order_ids), Assignment.state == AssignmentState.LINGERING))) if order_ids else set()


def reason_of(funnel: dict[str, int]) -> FailureCode:
    """What excluded most of those who could have taken such an order at all (after currency, method and bank)."""
    lost: dict[FailureCode, int] = dict.fromkeys(
        (FailureCode.NO_REQUISITE, FailureCode.LIMITS_REACHED, FailureCode.EXPOSURE_REACHED, FailureCode.NO_COLLATERAL),
        0)
    for before, stage in pairwise(STAGES[3:]):
        lost[REASONS[stage]] += funnel.get(before, 0) - funnel.get(stage, 0)
    worst = max(lost.values())
    return next(reason for reason, count in lost.items() if count == worst)


def _pause(tries: int, *, held_by_others: bool) -> timedelta:
    """Twice as long after each try, with jitter. Who is only held by another worker is free in a moment."""
    first_ms = BUSY_PAUSE_MS if held_by_others else PAUSE_FIRST_S * 1000
    pause_ms = min(PAUSE_MAX_S * 1000, first_ms * 2 ** min(tries - 1, 8))
    return timedelta(milliseconds=_dice.randint(pause_ms // 2, pause_ms))


def _funnels(session: Session, orders: Sequence[OrderRow]) -> dict[UUID, dict[str, int]]:
    """By order. `locked`: of those left by every filter none could be had, because other workers held them."""
    counted = session.execute(FUNNEL, {"orders": [order.id for order in orders], "now": clock.now(),
                                       "day": clock.today()}).all()
    return {id: {stage: funnel.get(stage, 0) for stage in STAGES} for id, funnel in counted}


def _with_one_left(funnel: dict[str, int]) -> dict[str, int]:
    """Of an order that was assigned: counted as the batch began, so another of the batch may have been in between."""
    return funnel | {"locked": max(1, funnel["same_amount"])}


def _held_by_others(session: Session, order_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When to look again at those still without a requisite, as far as is committed: whoever holds one may be giving it
    a requisite, or ending it; or held it as rules were asked."""
    now = clock.now()
    busy = now + timedelta(milliseconds=BUSY_PAUSE_MS)
    waiting = session.execute(select(Order.id, Order.match_by)
                              .where(Order.id.in_(order_ids), Order.status.in_(WAITING))) if order_ids else ()
    return {id: min(busy, match_by) if match_by > now else busy for id, match_by in waiting}


def failed(session: Session, job: Claimed, error: BaseException, dead: bool) -> datetime | None:
    """A fault inside matching: the order says so, in the transaction that counts the try or makes the job dead.

    The window holds for faults too: the last try is made as it ends, and its fault ends the order.
    """
    assert job.reference is not None
    order = queries.lock_many(session, [job.reference]).get(job.reference)
    if order is None or order.status not in WAITING:
        return None
    steps = Steps(session, SYSTEM)
    details = {"fault": type(error).__name__, "attempt": job.attempts + 1}
    if dead or (clock.now() >= order.match_by and not _payable_still(session, [order.id])):
        order.failure_code, order.next_attempt_at = FailureCode.MATCHING_ERROR, None
        steps.take(order, Action.FAIL, details=details)
        if holding := queries.holding(session, order):
            reservations.release(session, [(order, one) for one in holding], reason=reservations.REPLACED)
        else:
            ledger.post(session, SYSTEM, drafted(rules_of(order).on_end(order)))
    else:
        steps.take(order, Action.RETRY, details=details)
    steps.write()
    return order.match_by

