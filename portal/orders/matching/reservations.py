"""What an open assignment takes up — slot, amount, limits, collateral — and giving it back."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.addresses import network_of
from portal.core.db import locked
from portal.orders.directions import drafted, rules_of
from portal.orders.models import Assignment, OpenPlace, Order
from portal.orders.reservation_models import KeptAmount, TraderDay
from portal.orders.states import ENDED, AssignmentState
from portal.parties.models import Holder, Store, Trader
from portal.requisites import quarantine
from portal.requisites.models import Requisite

SWEEP_MAX = 10_000
RESTS_MAX = 3  # amounts of one payer that rest for all of the late window after he cancelled
RESTS_SHORT = timedelta(minutes=30)  # after those
UNNAMED = ""
CANCELLED = "cancelled"  # why an assignment ended
REPLACED = "replaced"  # its payer has another requisite, and money came to that one or by its own time to none
CAME_TO_NOTHING = ("expired", REPLACED)
T = TypeVar("T", Requisite, Holder, Trader)


@dataclass(frozen=True)
class Taken:
    """What was locked to take places or to give them back, by id."""

    requisites: dict[UUID, Requisite]
    holders: dict[UUID, Holder]
    traders: dict[UUID, Trader]


def lock(session: Session, assignments: Sequence[Assignment]) -> Taken:
    """All of a kind at once, in the house's order: requisites → holders → traders."""
    return Taken(_locked(session, Requisite, {a.requisite_id for a in assignments}),
                 _locked(session, Holder, {a.holder_id for a in assignments}),
                 _locked(session, Trader, {a.trader_id for a in assignments}))


def free(session: Session, assignments: Sequence[Assignment]) -> Taken:
    """Slots and amounts are free again, at confirm or at the end; limits stay counted and the holds stay held."""
    taken = lock(session, assignments)
    for assignment in assignments:
        taken.requisites[assignment.requisite_id].open_orders -= 1
        taken.traders[assignment.trader_id].open_orders -= 1
    for trader_id, counted in session.execute(
            delete(OpenPlace).where(OpenPlace.assignment_id.in_([a.id for a in assignments]))
            .returning(OpenPlace.trader_id, OpenPlace.settlement_minor)):
        taken.traders[trader_id].open_minor -= counted
    return taken


def release(session: Session, ending: Sequence[tuple[Order, Assignment]], *, reason: str) -> None:
    """They end without money: places, limits of the day they were counted on, and what was held are given back. Of an
    order that has ended those that lingered, too.

    Only the amount stays taken, until the store's late window is over: the payer may have sent it, or send it yet.
    Of a payer who asks and cancels again and again that goes for the first few; after them for half an hour.

    All of them at once, after the orders' steps: balances are locked after everything else, so a transaction calls this
    once.
    """
    ending = [*ending, *_lingering(session, {order.id: order for order, _ in ending if order.status in ENDED}, ending)]
    taken = free(session, [assignment for _, assignment in ending])
    for order, assignment in ending:
        requisite, holder = taken.requisites[assignment.requisite_id], taken.holders[assignment.holder_id]
        _uncount(requisite, assignment)
        if reason in CAME_TO_NOTHING and rules_of(order).has_payment_page:
            quarantine.failed(session, requisite, payer_of(order) or str(order.id))
        if not requisite.robot and holder.currency == requisite.currency:
            _uncount(holder, assignment)
        assignment.state, assignment.end_reason, assignment.ended_at = AssignmentState.ENDED, reason, clock.now()
    session.flush()
    of_people = [pair for pair in ending if not taken.requisites[pair[1].requisite_id].robot]
    _keep_amounts(session, [pair for pair in of_people if rules_of(pair[0]).one_amount], bounded=reason == CANCELLED)
    count_day(session, of_people, confirmed=False)
    over = {order.id: order for order, _ in ending if order.status in ENDED}
    ledger.post(session, SYSTEM, _given_back(ending, over.values()))


def foreseen(session: Session, order: Order, assignment: Assignment) -> list[ledger.Draft]:
    """What `release` would post, were the order to end now with this assignment."""
    ending = [(order, assignment)]
    return _given_back([*ending, *_lingering(session, {order.id: order}, ending)], [order])


def _given_back(ending: Iterable[tuple[Order, Assignment]], over: Iterable[Order]) -> list[ledger.Draft]:
    return drafted(*(rules_of(order).on_release(hold_facts(assignment, order.live)) for order, assignment in ending),
                   *(rules_of(order).on_end(order) for order in over))


def _lingering(session: Session, over: Mapping[UUID, Order], ending: Sequence[tuple[Order, Assignment]],
               ) -> list[tuple[Order, Assignment]]:
    """Of orders that end, beside those that are named."""
    named = {one.id for _, one in ending}
    if not over:
        return []
    found = session.scalars(select(Assignment).where(
        Assignment.order_id.in_(over), Assignment.state == AssignmentState.LINGERING,
        Assignment.id.not_in(named)).order_by(Assignment.id))
    return [(over[one.order_id], one) for one in found]


def _keep_amounts(session: Session, ended: Sequence[tuple[Order, Assignment]], *, bounded: bool) -> None:
    """Under the requisites' locks, so that a pick under way sees them.

    `bounded`: these were called off. One loop of asking and cancelling would else block an amount everywhere for a day.
    """
    late_for = {id: timedelta(seconds=late_for_s) for id, late_for_s in session.execute(
        select(Store.id, Store.late_for_s).where(Store.id.in_({order.store_id for order, _ in ended})))}
    now = clock.now()
    kept = [{"assignment_id": assignment.id, "requisite_id": assignment.requisite_id,
             "amount_minor": assignment.amount_minor, "store_id": order.store_id, "payer": payer_of(order),
             "until": now + (min(RESTS_SHORT, late_for[order.store_id]) if bounded and _rests_enough(session, order)
                             else late_for[order.store_id])}
            for order, assignment in ended]
    if kept:
        session.execute(insert(KeptAmount), kept)


def _rests_enough(session: Session, order: Order) -> bool:
    """Enough of this payer's amounts rest for long already. Of who said that he paid none is too many; of payers whom
    nobody names, each amount counts by itself."""
    if order.paid_at is not None:
        return False
    payer = payer_of(order)
    resting = select(func.count()).select_from(KeptAmount).where(
        KeptAmount.store_id == order.store_id, KeptAmount.payer == payer,
        KeptAmount.until > clock.now() + RESTS_SHORT)
    if payer == UNNAMED:
        resting = resting.where(KeptAmount.amount_minor == order.amount_to_pay_minor)
    return (session.scalar(resting) or 0) >= RESTS_MAX


def payer_of(order: Order) -> str:
    """Who pays, as far as the store says: its customer's id, else where they sit."""
    if order.customer_id is not None:
        return f"id:{order.customer_id}"
    return f"ip:{network_of(str(order.customer_ip))}" if order.customer_ip is not None else UNNAMED


def count_day(session: Session, closed: Sequence[tuple[Order, Assignment]], *, confirmed: bool) -> None:
    """What the traders' day comes to by now. The caller holds their locks, and their rows are written one by one."""
    days: dict[tuple[UUID, str], tuple[int, int]] = {}
    for order, assignment in closed:
        if rules_of(order).flow < 0:
            continue  # what went out is no day's income
        key = assignment.trader_id, order.currency
        count, minor = days.get(key, (0, 0))
        days[key] = count + 1, minor + assignment.amount_minor
    if not days:
        return
    today = clock.today()
    rows = [{"trader_id": trader_id, "day": today, "currency": currency, "confirmed": count if confirmed else 0,
             "confirmed_minor": minor if confirmed else 0, "lost": 0 if confirmed else count}
            for (trader_id, currency), (count, minor) in sorted(days.items())]
    added = upsert(TraderDay).values(rows)
    session.execute(added.on_conflict_do_update(
        index_elements=["trader_id", "day", "currency"],
        set_={name: getattr(TraderDay, name) + added.excluded[name]
              for name in ("confirmed", "confirmed_minor", "lost")}))


def sweep(session: Session) -> None:
    """Amounts that rest no longer, a bounded number at a time."""
    over = select(KeptAmount.assignment_id).where(KeptAmount.until <= clock.now()).order_by(KeptAmount.until)
    session.execute(delete(KeptAmount).where(KeptAmount.assignment_id.in_(over.limit(SWEEP_MAX))))


def _locked(session: Session, kind: type[T], wanted: set[UUID]) -> dict[UUID, T]:
    rows = locked(session, select(kind).where(kind.id.in_(wanted)).order_by(kind.id))
    return {row.id: row for row in rows}


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
