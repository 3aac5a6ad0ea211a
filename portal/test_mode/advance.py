"""A test order's clock, moved on: every deadline of it comes that much sooner, and what became due happens at once.

What happens, happens in its order: the clock is moved to the next thing that is due, that is done, then to the next.
The work is the workers' own; a row that a worker has in hand is done here all the same and left to it, which then finds
nothing to do. All of it is one transaction: whoever asked finds the order moved on, or as it was.
"""
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

from pydantic import BeforeValidator, Field
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.db import locked
from portal.core.errors import Denied
from portal.core.jobs import Claimed, RetryAt
from portal.disputes import clocks, endings
from portal.disputes import queries as disputes
from portal.orders import deadlines, other_amount, payouts, queries, settlement
from portal.orders.commands import OrderCommand
from portal.orders.matching import match
from portal.orders.models import Assignment, Order
from portal.orders.states import ENDED, AssignmentState
from portal.parties.models import Trader
from portal.requisites.models import Requisite
from portal.test_mode import play

SECONDS_MAX = 86_400
TURNS_MAX = 300  # things done by one call; far more than any order goes through in a day
Work = Callable[[Session, Sequence[Claimed]], Mapping[int, RetryAt] | None]
OF_ORDER: dict[str, Work] = {"match_order": match.work, "flag_unconfirmed": deadlines.flag_unconfirmed,
                             other_amount.DEADLINE: other_amount.unanswered,
                             "confirm_payout": payouts.confirm_overdue, "settle_order": settlement.work}
WORK: dict[str, Work] = OF_ORDER | {"expire_order": deadlines.expire, endings.DEADLINE: clocks.overdue}

JOBS = text("""
    SELECT id, kind, reference, unique_key, attempts, lost, request_id, run_at, lease IS NOT NULL AS in_hand
      FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[])) AS w (k, key)
      JOIN jobs ON kind = w.k AND unique_key = w.key
     WHERE dead_at IS NULL ORDER BY run_at, id""")
PATIENCE = text("SELECT set_config('lock_timeout', :most, true)")
ROBOTS_WITHIN = "250ms"
TAKEN = text("UPDATE jobs SET lease = :lease, leased_until = :until WHERE id = :id AND lease IS NULL RETURNING id")
SOONER = text("UPDATE jobs SET run_at = run_at - CAST(:by AS interval) WHERE id = ANY (CAST(:ids AS bigint[]))")


class TestOnly(Denied):
    """Only a test key may do this, and only to test orders."""

    code = "test_only"
    __test__ = False  # no test, whatever its name begins with


def _whole(sent: object) -> object:
    """3600.0 is a whole number in JSON, and what some languages write for it."""
    if isinstance(sent, Decimal) and 1 <= sent <= SECONDS_MAX and sent == int(sent):
        return int(sent)
    return sent


class Advance(Command):
    """By how much the order's clock is moved on."""

    seconds: Annotated[int, Field(strict=True, ge=1, le=SECONDS_MAX), BeforeValidator(_whole)]


class AdvanceOrder(OrderCommand, Advance):
    """The same, of one order."""


class Due(NamedTuple):
    """A promise about the order; `in_hand`: a worker has it."""

    id: int
    kind: str
    reference: UUID | None
    unique_key: str
    attempts: int
    lost: int
    request_id: str | None
    run_at: datetime
    in_hand: bool


def advance(session: Session, actor: Actor, command: AdvanceOrder) -> Order:
    """Move a test order's clock on. Raises TestOnly, NotFound, LockTimeout."""
    refuse_live(actor)
    order = queries.lock(session, actor, command.order_id)
    move_on(session, order, timedelta(seconds=command.seconds))
    return queries.lock(session, actor, command.order_id)


def refuse_live(actor: Actor) -> None:
    """Whatever is asked of whichever order. Raises TestOnly."""
    if actor.live is not False:
        raise TestOnly()


def move_on(session: Session, order: Order, left: timedelta) -> None:
    """The caller holds the test order's lock; with no time at all, what is due already happens.

    Raises LockTimeout while somebody else's step has the robots.
    """
    assert not order.live
    if not _anything(session, order, left):
        return _sooner(session, order, left) if left and order.status not in ENDED else None
    _lock_robots(session, order)
    turns, idle = 0, set[int]()
    while turns < TURNS_MAX:
        turns += 1
        if play.act(session, order.id):
            idle.clear()
            continue
        ahead = [job for job in _jobs(session, order) if job.id not in idle]
        due = next((job for job in ahead if job.run_at <= clock.now()), None)
        if due is not None:
            if _do(session, order, due) or not due.in_hand:
                idle.clear()
            else:
                idle.add(due.id)
            continue
        if not left:
            return
        step = min([left, *(job.run_at - clock.now() for job in ahead)])
        _sooner(session, order, step)
        left -= step


def _anything(session: Session, order: Order, within: timedelta) -> bool:
    """Whether a robot has a turn, or something promised becomes due in that time."""
    until = clock.now() + within
    return play.has_turn(session, order) or any(job.run_at <= until for job in _jobs(session, order))


def _lock_robots(session: Session, order: Order) -> None:
    """Whatever several steps in one transaction will lock, before any balance: requisites, then traders, by id.

    All test orders of a currency share them: whoever does not get them in a moment asks again, instead of standing in
    a queue that a single key could fill with threads.
    """
    usual = session.scalar(text("SELECT current_setting('lock_timeout')"))
    session.execute(PATIENCE, {"most": ROBOTS_WITHIN})
    wanted = (Requisite.robot, Requisite.method == order.method, Requisite.currency == order.currency)
    traders = select(Trader.id).where(Trader.robot, Trader.settlement_currency == order.settlement_currency)
    locked(session, select(Requisite).where(*wanted, Requisite.trader_id.in_(traders)).order_by(Requisite.id))
    locked(session, select(Trader).where(Trader.id.in_(traders)).order_by(Trader.id))
    session.execute(PATIENCE, {"most": usual})


def _jobs(session: Session, order: Order) -> list[Due]:
    """What is promised about it, but the robots' turn, which is always now."""
    keys = [(kind, str(order.id)) for kind in OF_ORDER]
    keys += [("expire_order", str(one)) for one in session.scalars(select(Assignment.id).where(
        Assignment.order_id == order.id, Assignment.state != AssignmentState.ENDED))]
    dispute = disputes.open_of(session, order.id)
    if dispute is not None:
        keys.append((endings.DEADLINE, str(dispute.id)))
    found = session.execute(JOBS, {"kinds": [kind for kind, _ in keys], "keys": [key for _, key in keys]})
    return [Due(*row) for row in found]


def _do(session: Session, order: Order, due: Due) -> bool:
    """As a worker would. Whether the order took a step."""
    lease, before = uuid4(), order.version
    job = Claimed(due.id, due.kind, due.reference, due.unique_key, due.attempts, due.lost, lease, due.request_id)
    taken = session.execute(TAKEN, {"lease": lease, "until": clock.now() + timedelta(seconds=30), "id": due.id}).first()
    later = WORK[due.kind](session, [job]) or {}
    session.flush()
    if taken is not None:
        if due.id in later:
            jobs.postpone(session, job, later[due.id].run_at)
        else:
            jobs.finish(session, [job])
    return queries.lock_many(session, [order.id])[order.id].version != before


def _sooner(session: Session, order: Order, by: timedelta) -> None:
    """Every deadline of the order, of its attempts and its dispute, and what waits for them."""
    session.flush()
    session.execute(SOONER, {"by": by, "ids": [job.id for job in _jobs(session, order)]})
    order = queries.lock_many(session, [order.id])[order.id]  # matching writes it past the session
    for name in ("match_by", "next_attempt_at", "expires_at", "confirm_by"):
        if (at := getattr(order, name)) is not None:
            setattr(order, name, at - by)
    for assignment in queries.holding(session, order):
        assignment.expires_at -= by
    dispute = disputes.open_of(session, order.id)
    if dispute is not None and dispute.answer_by is not None:
        dispute.answer_by -= by
    session.flush()
