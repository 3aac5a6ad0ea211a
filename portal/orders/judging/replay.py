"""A rule put to past orders: what it would have stopped, had it been on, and what became of those.

Bounded: the newest ORDERS_MAX of the time asked for, read in batches by when they came; what velocity counts is counted
in memory, exactly. What other orders had come to by then is judged by what they have come to now.
"""
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.jobs import Claimed
from portal.orders import destinations
from portal.orders.judging import collect
from portal.orders.models import Order
from portal.orders.states import FailureCode, Status
from portal.risk import rule_book
from portal.risk.facts import Counted, Facts, Moment, Window
from portal.risk.judging import Rule, judge
from portal.risk.kinds import window_of
from portal.risk.models import RiskReplay, RiskRule

ORDERS_MAX = 20_000
TRIED_MAX = 2_000  # on a page that somebody waits for
BATCH = 500
SHOWN_MAX = 20


@dataclass
class Found:
    """`became`: how many of those it would have stopped ended how; `minor`: of the completed ones, by currency."""

    fired: int = 0
    refused_already: int = 0
    became: Counter[str] = field(default_factory=Counter)
    minor: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def note(self, order: Order) -> None:
        self.fired += 1
        self.became[order.status] += 1
        self.refused_already += order.failure_code == FailureCode.REFUSED
        if order.status == Status.COMPLETED:
            self.minor[order.currency] += order.amount_minor
        self.shown = [*self.shown, order.public_id][-SHOWN_MAX:]

    @property
    def told(self) -> dict[str, Any]:
        return {"fired": self.fired, "refused_already": self.refused_already, "became": dict(self.became),
                "minor": dict(self.minor), "shown": self.shown[::-1]}


def work(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `replay_risk_rule`: the reference is the replay. Harmless twice."""
    for job in batch:
        replay = session.get(RiskReplay, job.reference)
        if replay is not None and replay.done_at is None:
            _run(session, replay)


def _run(session: Session, replay: RiskReplay) -> None:
    stored = session.get_one(RiskRule, replay.rule_id)
    rule = replace(rule_book.as_rule(stored, shadow=False), terms=dict(replay.terms))
    past, found = Past(rule), Found()
    for orders in _orders(session, clock.now() - timedelta(days=replay.days)):
        replay.since = replay.since or orders[0].created_at
        for order, facts in past.facts(session, orders):
            replay.looked += 1
            if judge([rule], facts).fired:
                found.note(order)
        for order in orders:
            session.expunge(order)
    replay.found, replay.done_at = found.told, clock.now()


def yesterday(session: Session, now: Rule, asked: Rule) -> "Trial":
    """A rule as it stands and as it would be, put to the orders of the operator's yesterday. Nothing is written."""
    day = clock.today() - timedelta(days=1)
    trial, as_is, as_asked = Trial(day), Past(now), Past(asked)
    for orders in _orders(session, clock.midnight_before(day), clock.midnight_after(day), most=TRIED_MAX):
        before = {order.id for order, facts in as_is.facts(session, orders) if judge([now], facts).fired}
        after = {order.id for order, facts in as_asked.facts(session, orders) if judge([asked], facts).fired}
        for order in orders:
            trial.note(order, order.id in before, order.id in after)
    return trial


@dataclass
class Trial:
    """Of `looked` orders of a day, on which it fires as it stands (`now`), as it would be (`asked`), and on which it
    would fire that it now lets pass (`more`), or pass on which it fires now (`less`)."""

    day: date
    looked: int = 0
    now: Found = field(default_factory=Found)
    asked: Found = field(default_factory=Found)
    more: Found = field(default_factory=Found)
    less: Found = field(default_factory=Found)

    @property
    def cut(self) -> bool:
        return self.looked >= TRIED_MAX

    def note(self, order: Order, now: bool, asked: bool) -> None:
        self.looked += 1
        for found, fired in ((self.now, now), (self.asked, asked), (self.more, asked and not now),
                             (self.less, now and not asked)):
            if fired:
                found.note(order)


def _orders(session: Session, since: datetime, until: datetime | None = None, *, most: int = ORDERS_MAX
            ) -> Iterator[Sequence[Order]]:
    """Live ones, oldest first, not more than the newest `most` of all."""
    before = [] if until is None else [Order.created_at < until]
    newest = select(Order.created_at, Order.id).where(Order.created_at >= since, *before).order_by(
        Order.created_at.desc(), Order.id.desc())
    first = session.execute(newest.offset(most - 1).limit(1)).first()
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = select(Order).where(Order.created_at >= (first.created_at if first else since), *before, Order.live)
        if after is not None:
            rows = rows.where(tuple_(Order.created_at, Order.id) > after)
        orders = session.scalars(rows.order_by(Order.created_at, Order.id).limit(BATCH)).all()
        if not orders:
            return
        after = orders[-1].created_at, orders[-1].id
        yield orders


class Past:
    """What was known of each order as it came."""

    def __init__(self, rule: Rule) -> None:
        counts = "window_s" in rule.terms
        self._rule, self._window = rule, window_of(rule.terms) if counts else None
        self._seen: dict[str, deque[tuple[datetime, str, int]]] = {}
        self._book = rule_book.RuleBook(() if counts else (rule,), has_lists=False)

    def facts(self, session: Session, orders: Sequence[Order]) -> Iterator[tuple[Order, Facts]]:
        """Of those that the rule is about; all are counted."""
        about = [one for one in orders if self._rule.direction in (None, one.direction)
                 and self._rule.store_id in (None, one.store_id)]
        found = collect.facts(session, self._book, Moment.INTAKE, about)
        for order in orders:
            counted = {} if self._window is None else {self._window: self._count(session, order, self._window)}
            if order.id in found:
                yield order, replace(found[order.id], counted=counted)

    def _count(self, session: Session, order: Order, window: Window) -> Counted:
        whose = collect.whose(order, destinations.prints(session, order)).get(window.by)
        if whose is None:
            return Counted()
        seen = self._seen.setdefault(whose, deque())
        seen.append((order.created_at, order.currency, order.amount_minor))
        while seen[0][0] <= order.created_at - window.length:
            seen.popleft()
        minor: Counter[str] = Counter()
        for _, currency, amount in seen:
            minor[currency] += amount
        return Counted(len(seen), minor)
