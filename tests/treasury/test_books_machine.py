"""Fault 12 for what staff put right: whatever is adjusted, reversed, moved and kept back, in whatever order, the books
hold. What each owner has, less what they owe, and what suspense and fees have, follow from what was done alone."""
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal import approvals, ledger
from portal.approvals import Approval
from portal.core import clock
from portal.core.db import give_back, reader
from portal.core.errors import PortalError
from portal.ledger import verify
from portal.ledger.models import JournalEntry
from portal.treasury import adjustments, reserve, result
from tests import factories as f
from tests.treasury import books
from tests.treasury.test_reserve import ask as ask_terms
from tests.treasury.test_transfers import another

NAMES = ("trader", "one", "two")
CODES = tuple(adjustments.CODES)


class Books(RuleBasedStateMachine):
    """A trader and two stores of one merchant, and two of the staff."""

    @initialize()
    def begin(self) -> None:
        self.cast = f.new_cast()
        trader = self.cast.trader()
        self.cast.requisite(trader)
        second = another(self.cast)
        self.owners = {"trader": ("trader", trader.id), "one": ("store", self.cast.store.id),
                       "two": ("store", second.id)}
        self.stores = {"one": self.cast.store, "two": second}
        self.staff = [f.staff("admin") for _ in range(2)]
        for _, id in list(self.owners.values())[1:]:
            f.deposit_to(ledger.store_available(id, "USDT", True), "20.000000")
        self.moved: Counter[str] = Counter()  # what was done, by whose account
        self.done: Counter[str] = Counter()
        self.waiting: list[tuple[Approval, dict[str, int]]] = []
        self.effects: dict[int, dict[str, int]] = {}  # of entries that may be reversed
        self.before = self.standing()

    def tried(self, act: Callable[[], object]) -> bool:
        with suppress(PortalError):
            act()
            return True
        return False

    def count(self, effect: dict[str, int], what: str) -> None:
        self.moved.update(effect)
        self.done[what] += 1

    @rule(name=st.sampled_from((*NAMES, "platform", "world")), code=st.sampled_from(CODES), credit=st.booleans(),
          minor=st.integers(0, 60_000_000), by=st.integers(0, 1))
    def adjust(self, name: str, code: str, credit: bool, minor: int, by: int) -> None:
        kind, id = self.owners.get(name, (name, books.NIL))
        against = "fees" if adjustments.CODES[code].at_the_desks_cost else "suspense"
        sign = 1 if credit else -1
        with suppress(PortalError):
            asked = books.adjust(kind, id, f"{minor // 10**6}.{minor % 10**6:06d}", code=code, by=self.staff[by],
                                 direction="credit" if credit else "debit")
            whose = {"platform": "fees", "world": "world"}.get(name, name)
            self.waiting.append((asked, {whose: sign * minor, against: -sign * minor}))

    @rule(which=st.integers(0, 30), by=st.integers(0, 1))
    def reverse(self, which: int, by: int) -> None:
        if not self.effects:
            return
        entry = list(self.effects)[which % len(self.effects)]
        with suppress(PortalError):
            asked = books.reverse(entry, by=self.staff[by])
            self.waiting.append((asked, {whose: -minor for whose, minor in self.effects[entry].items()}))

    @rule(which=st.integers(0, 30), by=st.integers(0, 1), yes=st.booleans())
    def decide(self, which: int, by: int, yes: bool) -> None:
        if not self.waiting:
            return
        approval, effect = self.waiting[which % len(self.waiting)]
        if not self.tried(lambda: books.decide(approval, "approve" if yes else "reject", by=self.staff[by])):
            assert self.state_of(approval) == "pending"
            return
        assert approval.asked_by != self.staff[by].id
        self.waiting.remove((approval, effect))
        if yes:
            self.count(effect, approval.kind)
            if approval.kind == "adjustment":
                self.effects[books.entry_of(approval.id)] = effect

    @rule(source=st.sampled_from(("one", "two")), minor=st.integers(0, 25_000_000))
    def transfer(self, source: str, minor: int) -> None:
        target = "two" if source == "one" else "one"
        with suppress(PortalError):
            made = books.move(self.cast.owner, self.stores[source], self.stores[target],
                              f"{minor // 10**6}.{minor % 10**6:06d}")
            effect = {source: -minor, target: minor}
            self.count(effect, "transfer")
            self.effects[books.entry_of(made.id)] = effect

    @rule(percent=st.integers(0, 100), days=st.integers(0, 5), delay=st.integers(0, 3))
    def terms(self, percent: int, days: int, delay: int) -> None:
        with suppress(PortalError):
            asked = ask_terms(self.cast.store, str(percent), days, delay, by=self.staff[0])
            if asked is not None:
                books.decide(asked, by=self.staff[1])
                self.done["terms"] += 1

    @rule(roubles=st.integers(500, 3000))
    def settle(self, roubles: int) -> None:
        order = f.fresh(f.completed_payin(self.cast, f"{roubles}.00"))
        settled, fee, reward = order.settlement.minor, order.fee.minor, order.final_reward_minor
        assert reward is not None
        self.count({"one": settled - fee, "trader": reward - settled, "fees": fee - reward}, "settle")

    @rule(days=st.integers(0, 6))
    def release(self, days: int) -> None:
        with clock.moved(timedelta(days=days)), f.act() as session:
            freed = reserve.coming(session, self.cast.store.id, "USDT", True)
            reserve.release(session)
        self.done["release"] += bool(freed and days)

    def state_of(self, approval: Approval) -> str:
        with f.look() as session:
            return approvals.find(session, self.staff[0], approval.public_id).state

    def standing(self) -> dict[str, int]:
        """What each has less what they owe; what suspense has, and would have once they have paid."""
        found, owed_in_all = {"fees": books.fees(), "world": books.outside()}, 0
        with f.look() as session:
            for name, (kind, id) in self.owners.items():
                has = ledger.balances_of(session, kind, id, True)["USDT"]
                owed = ledger.claims.owed(session, kind, id, "USDT").minor
                assert has.available.minor >= 0
                assert not (owed and has.available), "new money pays a claim first"
                found[name] = has.available.minor + has.held.minor + has.reserved.minor - owed
                owed_in_all += owed
        return found | {"suspense": books.suspense() + owed_in_all}

    @invariant()
    def everything_follows_from_what_was_done(self) -> None:
        if hasattr(self, "before"):
            now = self.standing()
            assert {name: now[name] - self.before[name] for name in now} == {name: self.moved[name] for name in now}

    def teardown(self) -> None:
        with f.act() as session:
            result.compute(session)
        give_back()
        assert verify.run(reader()).differences == []


STEPS = 180
WEIGHTS = {"adjust": 6, "reverse": 3, "decide": 9, "transfer": 3, "terms": 1, "settle": 2, "release": 2}


def asked_of(step: str, dice: Random) -> dict[str, object]:
    """What a step is asked with, out of the same values as the rules'."""
    values: dict[str, dict[str, object]] = {
        "adjust": {"name": dice.choice((*NAMES, "one", "two", "platform", "world")), "code": dice.choice(CODES),
                   "credit": dice.random() < .25, "minor": dice.randrange(60_000_000), "by": dice.randrange(2)},
        "reverse": {"which": dice.randrange(30), "by": dice.randrange(2)},
        "decide": {"which": dice.randrange(30), "by": dice.randrange(2), "yes": dice.random() < .8},
        "transfer": {"source": dice.choice(("one", "two")), "minor": dice.randrange(25_000_000)},
        "terms": {"percent": dice.randrange(100), "days": dice.randrange(1, 6), "delay": dice.randrange(3)},
        "settle": {"roubles": dice.randrange(500, 900)},
        "release": {"days": dice.randrange(7)}}
    return values[step]


def test_a_long_day_of_corrections_holds(fresh_app: Flask) -> None:
    """One day, always the same, on which everything happens, and owners come to owe the desk."""
    dice, day, owed = Random(12), Books(), 0
    day.begin()
    for step in dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=STEPS):
        getattr(day, step)(**asked_of(step, dice))
        day.everything_follows_from_what_was_done()
        owed += any(books.owed(*owner) != "0.000000" for owner in day.owners.values())
    assert set(day.done) == {"adjustment", "reversal", "transfer", "terms", "settle", "release"}
    assert owed
    day.teardown()
    assert reader().query(JournalEntry).filter_by(kind="reserve_release").count() > 0


@pytest.mark.slow
def test_the_books_hold_whatever_staff_put_right(fresh_app: Flask) -> None:
    run_state_machine_as_test(Books, settings=settings(
        max_examples=100, stateful_step_count=50, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]))
    give_back()
    assert verify.run(reader()).holds
