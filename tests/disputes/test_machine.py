"""Whatever payers, traders, stores and staff do in whatever order, in time and late: the books hold, every order ends.

Fault 12: payins and payouts, declines, exchanged details, other amounts, late claims, disputes, corrections, orders
that are varied, and a clock that runs.
"""
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import approvals
from portal.approvals import Approval
from portal.core import clock, ids
from portal.disputes import clocks, confirming, queries, reasons
from portal.disputes.models import Dispute
from portal.orders import cancel_paid, corrections, other_amount, replacing, second_payment
from portal.orders.cancel_paid import AskCallOff
from portal.orders.commands import ConfirmOrder
from portal.orders.corrections import AskCorrection
from portal.orders.models import Order
from portal.orders.second_payment import ReportSecondPayment
from portal.orders.second_transfer import AddTransfer
from portal.orders.states import ENDED, Status
from portal.parties.models import Store
from tests import factories as f
from tests.disputes import acts
from tests.machine import Ground, Machine, live, one_day, tried
from tests.risk import rulebook as risk

WORK = ("match_order", "expire_order", "flag_unconfirmed", "amount_unanswered", "confirm_payout", "settle_order",
        "dispute_deadline")
AMOUNTS = ("1500.00", "1500.00", "1600.00", "2500.00")  # they meet
RECEIVED = ("1500.00", "1499.99", "1000.00", "3000.00")
AGREES = ("store", "window", "at_once")
UNDER_WAY = (Status.NEW, Status.RETRYING, Status.ASSIGNED)
OVER = (Status.COMPLETED, Status.CANCELLED, Status.FAILED)
SIDES = ("store", "trader", "payer", "staff")
WEIGHTS = {"goes_on": 8, "order": 8, "time_passes": 5, "matched": 5, "pays": 6, "confirms": 7, "answers": 5,
           "replaces": 4, "cancels": 2, "declines": 4, "disputes": 5, "speaks": 4, "ends_dispute": 6, "rest_comes": 5,
           "comes_twice": 1, "staff_put_right": 4, "looks_at_risk": 2, "money_leaves": 1, "store_chooses": 1}
VALUES = {
    "at": lambda dice: dice.randrange(4), "other": lambda dice: dice.choice((None, 2, 2, 1, 0, 3)),
    "which": lambda dice: dice.randrange(10), "attempt": lambda dice: dice.randrange(4),
    "out": lambda dice: dice.randrange(3) == 0, "soon": lambda dice: dice.randrange(3) > 0,
    "yes": lambda dice: dice.randrange(2) > 0, "minutes": lambda dice: dice.choice((0, 0, 5, 20, 65, 300)),
    "side": lambda dice: dice.choice(SIDES), "reason": lambda dice: dice.randrange(21),
    "outcome": lambda dice: dice.choice(("complete", "cancel", "stands", "correct")),
    "minor": lambda dice: dice.randrange(40_000_000), "vary": lambda dice: dice.randrange(4),
    "policy": lambda dice: dice.choice(("accept", "ask", "return")), "agrees": lambda dice: dice.choice(AGREES)}


class OrderRules:
    """What payers, traders, a store and staff do with its orders. What the desk refuses, it refuses whole."""

    cast: f.Cast

    def take_orders(self) -> None:
        """Of the cast, which has traders with requisites, from now on; the largest want a person first."""
        risk.rule(self.cast, verdict="review", amount="2000")
        self.moved = ExitStack()
        self.made: list[Order] = []
        self.passed = timedelta()

    def one(self, which: int, *fitting: str) -> Order | None:
        """Counted from the newest, so that stories go on: of those that stand so; now and then any, to be refused."""
        made = self.made
        if fitting and which % 5 < 4 and made:  # hypothesis likes zero best
            with f.look() as session:
                found = set(session.scalars(select(Order.id).where(
                    Order.id.in_([order.id for order in made]), Order.status.in_(fitting))))
            made = [order for order in made if order.id in found] or made
        return f.fresh(made[-1 - which % len(made)]) if made else None

    def of(self, side: str, order: Order):  # type: ignore[no-untyped-def]
        attempts = f.assignments_of(order)
        return {"store": self.cast.owner, "staff": f.staff("admin"), "payer": self.cast.customer(order),
                "trader": f.as_trader(attempts[-1].trader_id if attempts else self.cast.traders[0])}[side]

    def order(self, at: int, out: bool, soon: bool) -> None:
        """`soon`: the worker is at it already."""
        make = f.create_payout if out else f.create_payin
        made = tried(lambda: make(self.cast, AMOUNTS[at]))
        if made is not None:
            self.made.append(f.found(made.answer["id"]))
        if soon:
            f.work_off()

    def time_passes(self, minutes: int) -> None:
        """What is due then is worked off."""
        self.passed += timedelta(minutes=minutes)
        self.moved.close()
        self.moved.enter_context(clock.moved(self.passed))
        for kind in WORK:
            f.work_off(kind)
        with f.act() as session:
            clocks.open_unconfirmed(session)

    def matched(self, which: int) -> None:
        f.work_off("match_order")
        order = self.one(which, "assigned")
        if order is not None and order.direction == "payout" and order.status == "assigned":
            tried(lambda: f.accept(f.its_trader(order), order))

    def pays(self, which: int, side: str) -> None:
        if (order := self.one(which, "assigned")) is None:
            return
        if order.direction == "payin":
            tried(lambda: f.mark_paid(self.of(side, order), order))
        elif order.status == "assigned":
            tried(lambda: f.pay(f.its_trader(order), order))

    def confirms(self, which: int, attempt: int, other: int | None) -> None:
        """On any of its requisites, in time or late; what was asked for, or another amount."""
        order = self.one(which, "assigned", "paid", "expired", "cancelled")
        if order is None or not (attempts := f.assignments_of(order)):
            return
        if order.direction == "payout":
            tried(lambda: f.agree(self.cast.key, order))
            return
        on = attempts[-1 - attempt % len(attempts)]
        received = f.Money(on.amount_minor, "RUB").text if other is None else RECEIVED[other]

        def confirm() -> None:
            with f.act() as session:
                confirming.confirm(session, f.as_trader(on.trader_id), ConfirmOrder(
                    order_id=order.public_id, assignment_id=on.public_id, received=received, differs=True))
        tried(confirm)

    def answers(self, which: int, yes: bool) -> None:
        if (order := self.one(which, "disputed")) is None:
            return

        def answer() -> None:
            with f.act() as session:
                confirming.answer_amount(session, self.cast.owner, other_amount.AnswerAmount(
                    order_id=order.public_id, answer="yes" if yes else "no"))
        tried(answer)

    def replaces(self, which: int) -> None:
        if (order := self.one(which, "assigned")) is None or order.assignment_id is None:
            return
        shown = ids.public("asg", order.assignment_id)

        def replace() -> None:
            with f.act() as session:
                replacing.replace(session, self.cast.customer(order), replacing.ReplaceOrder(
                    order_id=order.public_id, instead_of=shown))
        tried(replace)

    def cancels(self, which: int, side: str) -> None:
        if (order := self.one(which)) is not None:
            tried(lambda: f.cancel(self.of(side, order), order))

    def declines(self, which: int, attempt: int) -> None:
        order = self.one(which, "assigned", "new", "retrying")
        if order is not None and (attempts := f.assignments_of(order)):
            tried(lambda: f.decline(f.as_trader(attempts[attempt % len(attempts)].trader_id), order))

    def disputes(self, which: int, side: str, reason: int) -> None:
        if (order := self.one(which, "paid", "completed", "expired", "cancelled", "assigned")) is None:
            return
        fitting = [one for one in reasons.REASONS if order.status in one.of and one.direction == order.direction]
        if fitting:
            tried(lambda: acts.open_by(self.of(side, order), order, fitting[reason % len(fitting)].code))

    def speaks(self, which: int, side: str, yes: bool) -> None:
        order = self.one(which, "disputed", "completed", "expired", "cancelled")
        if order is None or (dispute := self._open(order)) is None:
            return
        act = acts.give_in if yes else acts.say
        tried(lambda: act(self.of(side, order), dispute))

    def ends_dispute(self, which: int, other: int | None, outcome: str) -> None:
        if (order := self.one(which, "disputed", "completed", "expired", "cancelled")) is not None:
            tried(lambda: acts.decided(order, outcome, None if other is None else RECEIVED[other]))

    def goes_on(self, which: int, yes: bool) -> None:
        """Something that stands still is taken further, so that stories end within few steps."""
        standing = [order for order in map(f.fresh, self.made[:-5:-1]) if order.status not in OVER]
        if standing:
            order = standing[which % len(standing)]
            tried(lambda: self._next_step(order, yes))

    def _next_step(self, order: Order, yes: bool) -> object:
        """The one that is expected of people, or of the desk."""
        payin = order.direction == "payin"
        match order.status:
            case Status.REVIEW:
                return risk.decide(order, "release")
            case Status.ASSIGNED if payin:
                return f.mark_paid(self.cast.customer(order), order) if yes else f.confirm(f.its_trader(order), order)
            case Status.ASSIGNED:
                return (f.accept if order.accepted_at is None else f.pay)(f.its_trader(order), order)
            case Status.PAID:
                return f.confirm(f.its_trader(order), order) if payin else f.agree(self.cast.key, order)
            case Status.CONFIRMED:
                return f.work_off("settle_order")
            case Status.DISPUTED:
                return acts.decided(order, "complete" if yes else "cancel")
            case Status.EXPIRED if payin:
                if yes:
                    tried(lambda: acts.open_by(self.cast.customer(order), order, "paid_late"))
                return self.confirms([one.id for one in self.made[::-1]].index(order.id), 0, None)
        return f.work_off()

    def rest_comes(self, which: int, at: int) -> None:
        """Another transfer of one that came short."""
        order = self.one(which, "disputed")
        if order is None or order.amount_received is None or order.assignment_id is None:
            return
        before, whose = order.amount_received, self.of("trader", order)

        def add() -> None:
            with f.act() as session:
                confirming.add_transfer(session, whose, AddTransfer(
                    order_id=order.public_id, before=before.text,
                    received=RECEIVED[at] if at else (order.amount_to_pay - before).text))
        tried(add)

    def comes_twice(self, which: int, attempt: int) -> None:
        """To another of its traders, too."""
        if (order := self.one(which, "completed", "confirmed")) is None or not (attempts := f.assignments_of(order)):
            return

        def report() -> None:
            with f.act() as session:
                second_payment.report(session, f.as_trader(attempts[attempt % len(attempts)].trader_id),
                                      ReportSecondPayment(order_id=order.public_id))
        tried(report)

    def staff_put_right(self, which: int, other: int | None) -> None:
        """By two: what nobody ever confirmed is called off, what is completed came to another amount."""
        if (order := self.one(which, "completed", "paid")) is None:
            return

        def asked() -> Approval:
            with f.act() as session:
                if other is None:
                    return cancel_paid.ask(session, f.staff("admin"), AskCallOff(
                        order_id=order.public_id, reason="Nothing came"))
                return corrections.ask(session, f.staff("admin"), AskCorrection(
                    order_id=order.public_id, amount=RECEIVED[other], reason="Seen in the bank"))
        tried(lambda: acts.agree(asked()))

    def looks_at_risk(self, which: int, yes: bool) -> None:
        if (order := self.one(which, "review")) is not None:
            tried(lambda: risk.decide(order, "release" if yes else "refuse"))

    def money_leaves(self, minor: int, out: bool) -> None:
        owner = self.cast.store if out else self.cast.traders[0]
        tried(lambda: f.spend(owner, f.Money(minor, "USDT")))

    def store_chooses(self, vary: int, policy: str, agrees: str) -> None:
        with f.look() as session:
            f.change(session.get_one(Store, self.cast.store.id), vary_minor=vary, under_policy=policy,
                     payout_confirm=agrees)

    def _open(self, order: Order) -> Dispute | None:
        with f.look() as session:
            return queries.open_of(session, order.id)


class Orders(OrderRules, Machine):
    """A store and three traders."""

    weights, values = WEIGHTS, VALUES

    def arrive(self) -> None:
        self.cast = f.new_cast()
        for _ in range(3):
            self.cast.requisite(self.cast.trader(deposit="120.000000"), payout=True, open_orders_max=3)
        f.deposit_to(f.ledger.store_available(self.cast.store.id, "USDT", True), "100.000000")
        self.take_orders()

    def teardown(self) -> None:
        if hasattr(self, "moved"):
            self.moved.close()


def everything_ends(day: OrderRules) -> None:
    """The clock runs on, staff decide what waits for them: nothing stands still without somebody's word."""
    for _ in range(10):  # a payout goes from trader to trader
        day.time_passes(300)
        if not any(f.fresh(order).status in UNDER_WAY for order in day.made):
            break
    for order in map(f.fresh, day.made):
        if order.status == Status.DISPUTED:
            refuse_what_waits(order)
            acts.decided(order, "cancel")
        elif order.status == Status.REVIEW:
            risk.decide(order, "refuse")
        elif order.status == Status.PAID:
            assert order.needs_attention_at is not None
    f.work_off("settle_order")
    assert {f.fresh(order).status for order in day.made} <= ENDED | {Status.PAID}


def refuse_what_waits(order: Order) -> None:
    """What was asked for and could not be carried out stands in the way of what is asked next."""
    with f.act() as session:
        for one in approvals.waiting_for(session, "order", order.id):
            approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
                approval_id=one.public_id, decision="reject", reason="It cannot be"))


@pytest.fixture(autouse=True)
def _on_the_ground(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Orders, "ground", ground, raising=False)


def test_a_long_day_adds_up(ground: Ground) -> None:
    """One day, always the same, that takes nearly every step there is."""
    day = Orders()
    try:
        one_day(day, seed=20, steps=160)
        everything_ends(day)
    finally:
        day.teardown()
    ground.proved()
    taken = ground.count()
    assert taken.keys() >= {"match", "decline", "replace", "confirm", "expire", "cancel", "reopen", "dispute", "settle",
                            "accept", "correct", "add_transfer"}, taken
    assert taken.keys() & {"resolve_complete", "resolve_adjust", "resolve_cancel"}, taken


@pytest.mark.slow
def test_the_books_hold_whatever_happens(ground: Ground, pytestconfig: pytest.Config) -> None:
    live(Orders, pytestconfig.getoption("days") // 10)
    assert (ground.seen + ground.count())["deposit"], "they lived on this ground"
