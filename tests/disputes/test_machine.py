"""Whatever payers, traders, stores and staff do in whatever order, in time and late: the books hold, every order ends.

Fault 12: payins and payouts, declines, exchanged details, other amounts, late claims, disputes, corrections, orders
that are varied, and a clock that runs.
"""
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from inspect import signature
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.disputes import clocks, confirming, queries, reasons
from portal.disputes.models import Dispute
from portal.ledger import verify
from portal.orders import other_amount, replacing
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order, OrderEvent
from portal.orders.states import ENDED, Status
from portal.parties.models import Store
from tests import factories as f
from tests.disputes import acts

WORK = ("match_order", "expire_order", "flag_unconfirmed", "amount_unanswered", "confirm_payout", "settle_order",
        "dispute_deadline")
AMOUNTS = ("1500.00", "1500.00", "1600.00", "2500.00")  # they meet
RECEIVED = ("1500.00", "1499.99", "1000.00", "3000.00")
SIDES = ("store", "trader", "payer", "staff")
WHICH, AT = st.integers(0, 9), st.integers(0, 3)


class Orders(RuleBasedStateMachine):
    """A store, three traders, two of the staff. What the desk refuses, it refuses whole."""

    @initialize()
    def begin(self) -> None:
        self.moved = ExitStack()
        self.cast = f.new_cast()
        for _ in range(3):
            self.cast.requisite(self.cast.trader(deposit="120.000000"), payout=True, open_orders_max=3)
        f.deposit_to(f.ledger.store_available(self.cast.store.id, "USDT", True), "100.000000")
        self.made: list[Order] = []
        self.passed = timedelta()

    def tried(self, act: Callable[[], object]) -> object:
        with suppress(PortalError):
            return act()
        return None

    def one(self, which: int) -> Order | None:
        """Counted from the newest: a day asks for the last few, so that stories go on."""
        return f.fresh(self.made[-1 - which % len(self.made)]) if self.made else None

    def of(self, side: str, order: Order):  # type: ignore[no-untyped-def]
        attempts = f.assignments_of(order)
        return {"store": self.cast.owner, "staff": f.staff("admin"), "payer": self.cast.customer(order),
                "trader": f.as_trader(attempts[-1].trader_id if attempts else self.cast.traders[0])}[side]

    @rule(at=AT, out=st.booleans())
    def order(self, at: int, out: bool) -> None:
        make = f.create_payout if out else f.create_payin
        made = self.tried(lambda: make(self.cast, AMOUNTS[at]))
        if made is not None:
            self.made.append(f.found(made.answer["id"]))  # type: ignore[attr-defined]

    @rule(minutes=st.sampled_from((0, 0, 5, 20, 65, 300)))
    def time_passes(self, minutes: int) -> None:
        """What is due then is worked off."""
        self.passed += timedelta(minutes=minutes)
        self.moved.close()
        self.moved.enter_context(clock.moved(self.passed))
        for kind in WORK:
            f.work_off(kind)
        with f.act() as session:
            clocks.open_unconfirmed(session)

    @rule(which=WHICH)
    def matched(self, which: int) -> None:
        f.work_off("match_order")
        order = self.one(which)
        if order is not None and order.direction == "payout" and order.status == "assigned":
            self.tried(lambda: f.accept(f.its_trader(order), order))

    @rule(which=WHICH, side=st.sampled_from(SIDES))
    def pays(self, which: int, side: str) -> None:
        if (order := self.one(which)) is None:
            return
        if order.direction == "payin":
            self.tried(lambda: f.mark_paid(self.of(side, order), order))
        elif order.status == "assigned":
            self.tried(lambda: f.pay(f.its_trader(order), order))

    @rule(which=WHICH, attempt=AT, at=st.none() | AT)
    def confirms(self, which: int, attempt: int, at: int | None) -> None:
        """On any of its requisites, in time or late; what was asked for, or another amount."""
        order = self.one(which)
        if order is None or not (attempts := f.assignments_of(order)):
            return
        if order.direction == "payout":
            self.tried(lambda: f.agree(self.cast.key, order))
            return
        on = attempts[-1 - attempt % len(attempts)]
        received = f.Money(on.amount_minor, "RUB").text if at is None else RECEIVED[at]

        def confirm() -> None:
            with f.act() as session:
                confirming.confirm(session, f.as_trader(on.trader_id), ConfirmOrder(
                    order_id=order.public_id, assignment_id=on.public_id, received=received, differs=True))
        self.tried(confirm)

    @rule(which=WHICH, yes=st.booleans())
    def answers(self, which: int, yes: bool) -> None:
        if (order := self.one(which)) is None:
            return

        def answer() -> None:
            with f.act() as session:
                other_amount.answer(session, self.cast.owner, other_amount.AnswerAmount(
                    order_id=order.public_id, answer="yes" if yes else "no"))
        self.tried(answer)

    @rule(which=WHICH)
    def replaces(self, which: int) -> None:
        if (order := self.one(which)) is None or order.assignment_id is None:
            return
        shown = ids.public("asg", order.assignment_id)

        def replace() -> None:
            with f.act() as session:
                replacing.replace(session, self.cast.customer(order), replacing.ReplaceOrder(
                    order_id=order.public_id, instead_of=shown))
        self.tried(replace)

    @rule(which=WHICH, side=st.sampled_from(SIDES))
    def cancels(self, which: int, side: str) -> None:
        if (order := self.one(which)) is not None:
            self.tried(lambda: f.cancel(self.of(side, order), order))

    @rule(which=WHICH, attempt=AT)
    def declines(self, which: int, attempt: int) -> None:
        if (order := self.one(which)) is not None and (attempts := f.assignments_of(order)):
            self.tried(lambda: f.decline(f.as_trader(attempts[attempt % len(attempts)].trader_id), order))

    @rule(which=WHICH, side=st.sampled_from(SIDES), reason=st.integers(0, 20))
    def disputes(self, which: int, side: str, reason: int) -> None:
        if (order := self.one(which)) is None:
            return
        fitting = [one for one in reasons.REASONS if order.status in one.of and one.direction == order.direction]
        if fitting:
            self.tried(lambda: acts.open_by(self.of(side, order), order, fitting[reason % len(fitting)].code))

    @rule(which=WHICH, side=st.sampled_from(("store", "trader")), gives_in=st.booleans())
    def speaks(self, which: int, side: str, gives_in: bool) -> None:
        if (order := self.one(which)) is None or (dispute := self._open(order)) is None:
            return
        act = acts.give_in if gives_in else acts.say
        self.tried(lambda: act(self.of(side, order), dispute))

    @rule(which=WHICH, at=st.none() | AT, outcome=st.sampled_from(("complete", "cancel", "stands", "correct")))
    def decide(self, which: int, at: int | None, outcome: str) -> None:
        if (order := self.one(which)) is not None:
            self.tried(lambda: acts.decided(order, outcome, None if at is None else RECEIVED[at]))

    @rule(yes=st.booleans())
    def goes_on(self, yes: bool) -> None:
        """Something that stands still is taken further, so that stories end within few steps."""
        for order in map(f.fresh, reversed(self.made)):
            if order.status == Status.DISPUTED:
                self.tried(lambda order=order: acts.decided(order, "complete" if yes else "cancel"))
                return
            if order.status == Status.EXPIRED and order.direction == "payin":
                if yes:
                    self.tried(lambda order=order: acts.open_by(self.cast.customer(order), order, "paid_late"))
                self.confirms(self.made[::-1].index(next(one for one in self.made if one.id == order.id)), 0, None)
                return

    @rule(minor=st.integers(0, 40_000_000), store=st.booleans())
    def money_leaves(self, minor: int, store: bool) -> None:
        owner = self.cast.store if store else self.cast.traders[0]
        self.tried(lambda: f.spend(owner, f.Money(minor, "USDT")))

    @rule(vary=st.integers(0, 3), policy=st.sampled_from(("accept", "ask", "return")))
    def store_chooses(self, vary: int, policy: str) -> None:
        with f.look() as session:
            f.change(session.get_one(Store, self.cast.store.id), vary_minor=vary, under_policy=policy)

    @invariant()
    def everything_adds_up(self) -> None:
        if hasattr(self, "cast"):
            session = reader()
            session.rollback()
            assert verify.run(session).differences == []

    def teardown(self) -> None:
        if hasattr(self, "moved"):
            self.moved.close()

    def _open(self, order: Order) -> Dispute | None:
        with f.look() as session:
            return queries.open_of(session, order.id)


STEPS, PROVED_EACH = 160, 4
WEIGHTS = {"order": 8, "time_passes": 5, "matched": 8, "pays": 6, "confirms": 7, "answers": 2, "replaces": 3,
           "cancels": 2, "declines": 2, "disputes": 5, "speaks": 4, "decide": 5, "goes_on": 4, "money_leaves": 1,
           "store_chooses": 1}


def asked_of(step: str, dice: Random) -> dict[str, object]:
    """What a step is asked with, out of the same values as the rules'."""
    values = {"at": dice.choice((None, 0, 1, 2, 3)), "out": dice.random() < .3, "which": dice.randrange(4),
              "minutes": dice.choice((0, 0, 5, 20, 65, 300)), "side": dice.choice(SIDES), "attempt": dice.randrange(4),
              "yes": dice.random() < .5, "reason": dice.randrange(20), "gives_in": dice.random() < .5,
              "outcome": dice.choice(("complete", "cancel", "stands", "correct")),
              "minor": dice.randrange(40_000_000), "store": dice.random() < .5, "vary": dice.randrange(4),
              "policy": dice.choice(("accept", "ask", "return"))}
    if step == "order":
        values["at"] = dice.randrange(4)
    return {name: values[name] for name in signature(getattr(Orders, step)).parameters if name != "self"}


def everything_ends(day: Orders) -> None:
    """The clock runs on, staff decide what waits for them: nothing stands still without somebody's word."""
    for _ in range(3):
        day.time_passes(300)
    for order in map(f.fresh, day.made):
        if order.status == Status.DISPUTED:
            day.tried(lambda order=order: acts.decided(order, "cancel"))
        elif order.status == Status.PAID:
            assert order.needs_attention_at is not None
    f.work_off("settle_order")
    assert {f.fresh(order).status for order in day.made} <= ENDED | {Status.PAID}


def test_a_long_day_adds_up(fresh_app: Flask) -> None:
    """One day, always the same, that takes nearly every step there is."""
    dice, day = Random(7), Orders()
    day.begin()
    for number, step in enumerate(dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=STEPS)):
        getattr(day, step)(**asked_of(step, dice))
        if number % PROVED_EACH == 0:
            day.everything_adds_up()
    with f.look() as session:
        taken = _taken(session)
    assert taken >= {"match", "decline", "replace", "confirm", "expire", "cancel", "reopen", "dispute", "settle",
                     "accept"}, taken
    assert taken & {"resolve_complete", "resolve_adjust", "resolve_cancel"}, taken
    everything_ends(day)
    day.teardown()


def _taken(session: Session) -> set[str | None]:
    return set(session.scalars(select(OrderEvent.action).distinct()))


@pytest.mark.slow
def test_the_books_hold_whatever_happens(fresh_app: Flask) -> None:
    run_state_machine_as_test(Orders, settings=settings(
        max_examples=200, stateful_step_count=50, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]))
    session = reader()
    session.rollback()
    assert verify.run(session).holds
