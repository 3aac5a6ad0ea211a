"""Whatever owners and staff do in whatever order: the books hold, and what is held is what open withdrawals keep."""
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from inspect import signature
from random import Random
from secrets import token_hex

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal import approvals, ledger
from portal.approvals import DecideApproval
from portal.core import clock
from portal.core.access import SYSTEM, Actor
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.ledger import verify
from portal.parties import traders
from portal.parties.commands import MoveTrader
from portal.treasury import addresses, deposits
from portal.treasury.commands import NameAddress, Retract
from portal.treasury.models import Deposit, Withdrawal, WithdrawalAddress
from tests import factories as f
from tests.treasury import acts

OPEN = ("requested", "approved")
NAMES = ("trader", "store")


class Treasury(RuleBasedStateMachine):
    """Two owners and three of the staff. What the desk refuses, it refuses whole."""

    @initialize()
    def begin(self) -> None:
        self.cast = f.new_cast()
        self.trader = self.cast.trader(deposit="100.000000")
        f.deposit_to(ledger.store_available(self.cast.store.id, "USDT", True), "100.000000")
        self.owners: dict[str, Actor] = {"trader": f.as_trader(self.trader), "store": self.cast.owner}
        self.staff = [f.staff("admin") for _ in range(3)]
        self.references = [token_hex(8) for _ in range(3)]
        self.books: list[WithdrawalAddress] = [acts.usable(owner, self.cast) for owner in self.owners.values()]
        self.asked: list[Withdrawal] = []
        self.told: list[Deposit] = []

    def tried(self, act: Callable[[], object]) -> object:
        with suppress(PortalError):
            return act()
        return None

    @rule(name=st.sampled_from(NAMES), minor=st.integers(-1, 60_000_000), at=st.integers(0, 9))
    def ask(self, name: str, minor: int, at: int) -> None:
        amount = f"{minor // 1_000_000}.{minor % 1_000_000:06d}" if minor >= 0 else "-1"
        made = self.tried(lambda: acts.ask(self.owners[name], self.cast, amount, self.books[at % len(self.books)]))
        if isinstance(made, Withdrawal):
            self.asked.append(made)

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 9))
    def cancel(self, name: str, which: int) -> None:
        if self.asked:
            self.tried(lambda: acts.cancel(self.owners[name], self.asked[which % len(self.asked)]))

    @rule(by=st.integers(0, 2), which=st.integers(0, 9), yes=st.booleans(), kind=st.sampled_from(
        ("withdrawal", "withdrawal_release")))
    def decide(self, by: int, which: int, yes: bool, kind: str) -> None:
        if not self.asked:
            return
        target = self.asked[which % len(self.asked)].id
        with f.look() as session:
            waiting = approvals.waiting_for(session, "withdrawal", target, kind=kind)
        if waiting:
            self.tried(lambda: acts.decide(target, kind, "approve" if yes else "reject", self.staff[by]))

    @rule(by=st.integers(0, 2), which=st.integers(0, 9), over=st.none() | st.integers(0, 2))
    def take(self, by: int, which: int, over: int | None) -> None:
        if self.asked:
            self.tried(lambda: acts.take(self.staff[by], self.asked[which % len(self.asked)],
                                         None if over is None else self.staff[over]))

    @rule(by=st.integers(0, 2), which=st.integers(0, 9), reference=st.integers(0, 2))
    def send(self, by: int, which: int, reference: int) -> None:
        if self.asked:
            self.tried(lambda: acts.send(self.staff[by], self.asked[which % len(self.asked)],
                                         self.references[reference]))

    @rule(by=st.integers(0, 2), other=st.integers(0, 2), which=st.integers(0, 9))
    def go_on(self, by: int, other: int, which: int) -> None:
        """The next step of one that waits, so that many are sent within few steps."""
        waiting = [one for one in self.asked if f.fresh(one).status in OPEN]
        if not waiting:
            self.tried(lambda: self.ask("trader", 5_000_000 + which, which))
            return
        one = waiting[which % len(waiting)]
        if f.fresh(one).status == "requested":
            self.tried(lambda: acts.decide(one.id, "withdrawal", by=self.staff[by]))
        else:
            self.take(other, which=self.asked.index(one), over=None)
            self.tried(lambda: acts.send(self.staff[other], one, token_hex(8)))

    @rule(by=st.integers(0, 2), other=st.integers(0, 2), which=st.integers(0, 9))
    def go_back(self, by: int, other: int, which: int) -> None:
        """The same, given back: taken back, refused or never sent."""
        waiting = [one for one in self.asked if f.fresh(one).status in OPEN]
        if not waiting:
            return
        one = waiting[which % len(waiting)]
        if f.fresh(one).status == "approved":
            self.tried(lambda: acts.ask_release(one, self.staff[by]))
            self.decide(other, self.asked.index(one), True, "withdrawal_release")
        elif by == other:
            self.tried(lambda: acts.cancel(self.owners[one.owner_kind], one))
        else:
            self.decide(by, self.asked.index(one), False, "withdrawal")

    @rule(by=st.integers(0, 2), which=st.integers(0, 9))
    def ask_release(self, by: int, which: int) -> None:
        if self.asked:
            self.tried(lambda: acts.ask_release(self.asked[which % len(self.asked)], self.staff[by]))

    @rule(name=st.sampled_from(NAMES), rested=st.booleans())
    def add_address(self, name: str, rested: bool) -> None:
        with clock.moved(timedelta(hours=-25 if rested else 0)):
            made = acts.add(self.owners[name], self.cast)
            acts.decide(made.id, "withdrawal_address")
        self.books.append(made)

    @rule(name=st.sampled_from(NAMES), at=st.integers(0, 9))
    def remove_address(self, name: str, at: int) -> None:
        def act() -> None:
            with f.act() as session:
                addresses.remove(session, self.owners[name], NameAddress(
                    address_id=self.books[at % len(self.books)].public_id))

        self.tried(act)

    @rule(suspended=st.booleans())
    def move_trader(self, suspended: bool) -> None:
        with f.act() as session:
            traders.move(session, SYSTEM, MoveTrader(trader_id=self.trader.id, reason="test",
                                                     status="suspended" if suspended else "active"))

    @rule(name=st.sampled_from(NAMES), reference=st.integers(0, 2))
    def tell(self, name: str, reference: int) -> None:
        self.told.append(acts.tell(self.owners[name], self.cast, "7", reference=self.references[reference]))

    @rule(by=st.integers(0, 2), which=st.integers(0, 9), how=st.sampled_from(("approve", "reject", "retract")))
    def end_deposit(self, by: int, which: int, how: str) -> None:
        if not self.told:
            return
        deposit = self.told[which % len(self.told)]

        def act() -> None:
            with f.act() as session:
                if how == "retract":
                    deposits.retract(session, self.owners[deposit.owner_kind], Retract(deposit_id=deposit.public_id))
                else:
                    approvals.decide(session, self.staff[by], DecideApproval(
                        approval_id=deposit.approval_public_id, decision=how))  # type: ignore[arg-type]

        self.tried(act)

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "cast"):
            return
        withdrawn, credited = [f.fresh(one) for one in self.asked], [f.fresh(one) for one in self.told]
        for name, owner in self.owners.items():
            free, held = acts.balances(owner, self.cast)
            kept = sum(one.amount_minor for one in withdrawn if one.owner_kind == name and one.status in OPEN)
            gone = sum(one.amount_minor for one in withdrawn if one.owner_kind == name and one.status == "sent")
            came = 100_000_000 + sum(one.amount_minor for one in credited
                                     if one.owner_kind == name and one.status == "credited")
            assert int(held.replace(".", "")) == kept
            assert int(free.replace(".", "")) == came - gone - kept >= 0
        paid = [one.reference_key for one in withdrawn if one.status == "sent"]
        assert len(paid) == len(set(paid))

    def teardown(self) -> None:
        session = reader()
        session.rollback()
        assert verify.run(session).differences == []


STEPS = 160
WEIGHTS = {"ask": 5, "cancel": 1, "decide": 2, "take": 1, "send": 2, "go_on": 10, "go_back": 3, "ask_release": 1,
           "add_address": 1, "remove_address": 1, "move_trader": 1, "tell": 2, "end_deposit": 3}


def asked_of(step: str, dice: Random) -> dict[str, object]:
    """What a step is asked with, out of the same values as the rules'."""
    values = {"name": dice.choice(NAMES), "minor": dice.randrange(-1, 30_000_000), "at": dice.randrange(10),
              "which": dice.randrange(10), "by": dice.randrange(3), "other": dice.randrange(3),
              "yes": dice.random() < .7, "kind": dice.choice(("withdrawal", "withdrawal_release")),
              "over": dice.choice((None, 0, 1, 2)), "reference": dice.randrange(3), "rested": dice.random() < .8,
              "suspended": dice.random() < .2, "how": dice.choice(("approve", "reject", "retract"))}
    return {name: values[name] for name in signature(getattr(Treasury, step)).parameters if name != "self"}


def test_a_long_day_adds_up(fresh_app: Flask) -> None:
    """One day, always the same, that reaches every end."""
    dice, day = Random(12), Treasury()
    day.begin()
    for step in dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=STEPS):
        getattr(day, step)(**asked_of(step, dice))
        day.everything_adds_up()
    assert {f.fresh(one).status for one in day.asked} >= {"sent", "refused", "cancelled", "released"}
    assert {f.fresh(one).status for one in day.told} == {"asked", "credited", "refused", "retracted"}
    day.teardown()


@pytest.mark.slow
def test_the_books_hold_whatever_happens(fresh_app: Flask) -> None:
    run_state_machine_as_test(Treasury, settings=settings(
        max_examples=200, stateful_step_count=50, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]))
    session = reader()
    session.rollback()
    assert verify.run(session).holds
