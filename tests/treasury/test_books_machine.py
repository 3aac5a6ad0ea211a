"""Fault 12 for what staff put right: whatever is adjusted, reversed, moved and kept back, in whatever order, the books
hold. What each owner has, less what they owe, and what suspense and fees have, follow from what was done alone."""
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis.stateful import invariant

from portal import approvals, ledger
from portal.approvals import Approval
from portal.core import clock
from portal.core.access import Actor
from portal.core.errors import PortalError
from portal.parties.models import Trader
from portal.treasury import adjustments, reserve, result
from tests import factories as f
from tests.machine import Ground, Machine, live, one_day
from tests.treasury import books
from tests.treasury.test_reserve import ask as ask_terms
from tests.treasury.test_transfers import another

NAMES = ("trader", "one", "two")
CODES = tuple(adjustments.CODES)
WEIGHTS = {"adjust": 6, "reverse": 3, "decide_correction": 9, "transfer": 3, "terms": 1, "release": 2}
VALUES = {
    "name": lambda dice: dice.choice((*NAMES, *NAMES, "one", "two", "platform", "world")),
    "code": lambda dice: dice.choice(CODES), "credit": lambda dice: dice.randrange(4) == 0,
    "minor": lambda dice: dice.randrange(40_000_000), "by": lambda dice: dice.randrange(2),
    "which": lambda dice: dice.randrange(10), "agreed": lambda dice: dice.randrange(10) < 8,
    "source": lambda dice: dice.choice(("one", "two")), "percent": lambda dice: dice.randrange(100),
    "days": lambda dice: dice.randrange(7), "delay": lambda dice: dice.randrange(3),
    "roubles": lambda dice: dice.randrange(500, 900)}


class BookRules:
    """What the staff put right for a trader and two stores of one merchant, and what its people move between these."""

    cast: f.Cast
    staff: list[Actor]

    def keep_books(self, trader: Trader) -> None:
        second = another(self.cast)
        self.owners = {"trader": ("trader", trader.id), "one": ("store", self.cast.store.id),
                       "two": ("store", second.id)}
        self.stores = {"one": self.cast.store, "two": second}
        self.posted: Counter[str] = Counter()  # what was done, by whose account
        self.done: Counter[str] = Counter()
        self.waiting: list[tuple[Approval, dict[str, int]]] = []
        self.effects: dict[int, dict[str, int]] = {}  # of entries that may be reversed

    def count(self, effect: dict[str, int], what: str) -> None:
        self.posted.update(effect)
        self.done[what] += 1

    def adjust(self, name: str, code: str, credit: bool, minor: int, by: int) -> None:
        kind, id = self.owners.get(name, (name, books.NIL))
        against = "fees" if adjustments.CODES[code].at_the_desks_cost else "suspense"
        sign = 1 if credit else -1
        with suppress(PortalError):
            asked = books.adjust(kind, id, f"{minor // 10**6}.{minor % 10**6:06d}", code=code, by=self.staff[by],
                                 direction="credit" if credit else "debit")
            whose = {"platform": "fees", "world": "world"}.get(name, name)
            self.waiting.append((asked, {whose: sign * minor, against: -sign * minor}))

    def reverse(self, which: int, by: int) -> None:
        if not self.effects:
            return
        entry = list(self.effects)[which % len(self.effects)]
        with suppress(PortalError):
            asked = books.reverse(entry, by=self.staff[by])
            self.waiting.append((asked, {whose: -minor for whose, minor in self.effects[entry].items()}))

    def decide_correction(self, which: int, by: int, agreed: bool) -> None:
        if not self.waiting:
            return
        approval, effect = self.waiting[which % len(self.waiting)]
        try:
            books.decide(approval, "approve" if agreed else "reject", by=self.staff[by])
        except PortalError:
            assert self.state_of(approval) == "pending"
            return
        assert approval.asked_by != self.staff[by].id
        self.waiting.remove((approval, effect))
        if agreed:
            self.count(effect, approval.kind)
            if approval.kind == "adjustment":
                self.effects[books.entry_of(approval.id)] = effect

    def transfer(self, source: str, minor: int) -> None:
        target = "two" if source == "one" else "one"
        with suppress(PortalError):
            made = books.move(self.cast.owner, self.stores[source], self.stores[target],
                              f"{minor // 10**6}.{minor % 10**6:06d}")
            effect = {source: -minor, target: minor}
            self.count(effect, "transfer")
            self.effects[books.entry_of(made.id)] = effect

    def terms(self, percent: int, days: int, delay: int) -> None:
        with suppress(PortalError):
            asked = ask_terms(self.cast.store, str(percent), days, delay, by=self.staff[0])
            if asked is not None:
                books.decide(asked, by=self.staff[1])
                self.done["terms"] += 1

    def release(self, days: int) -> None:
        with clock.moved(timedelta(days=days)), f.act() as session:
            freed = reserve.coming(session, self.cast.store.id, "USDT", True)
            reserve.release(session)
        self.done["release"] += bool(freed and days)

    def state_of(self, approval: Approval) -> str:
        with f.look() as session:
            return approvals.find(session, self.staff[0], approval.public_id).state


class Books(BookRules, Machine):
    """Nothing else moves money here but payins that are settled."""

    weights, values = WEIGHTS | {"settle": 2}, VALUES

    def arrive(self) -> None:
        self.cast = f.new_cast()
        trader = self.cast.trader()
        self.cast.requisite(trader)
        self.staff = [f.staff("admin") for _ in range(2)]
        self.keep_books(trader)
        for _, id in list(self.owners.values())[1:]:
            f.deposit_to(ledger.store_available(id, "USDT", True), "20.000000")
        self.before = self.standing()

    def settle(self, roubles: int) -> None:
        order = f.fresh(f.completed_payin(self.cast, f"{roubles}.00"))
        settled, fee, reward = order.settlement.minor, order.fee.minor, order.final_reward_minor
        assert reward is not None
        self.count({"one": settled - fee, "trader": reward - settled, "fees": fee - reward}, "settle")

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
            assert {name: now[name] - self.before[name] for name in now} == {name: self.posted[name] for name in now}

    def teardown(self) -> None:
        with f.act() as session:
            result.compute(session)
        self.ground.proved()


@pytest.fixture(autouse=True)
def _on_the_ground(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Books, "ground", ground, raising=False)


def test_a_long_day_of_corrections_holds(ground: Ground) -> None:
    """One day, always the same, on which everything happens, and owners come to owe the desk."""
    day, owed = Books(), []

    def look() -> None:
        day.everything_follows_from_what_was_done()
        owed.extend(owner for owner in day.owners.values() if books.owed(*owner) != "0.000000")
    one_day(day, seed=12, steps=180, then=look)
    assert set(day.done) == {"adjustment", "reversal", "transfer", "terms", "settle", "release"}
    assert owed
    day.teardown()
    assert ground.count()["reserve_release"]


@pytest.mark.slow
def test_the_books_hold_whatever_staff_put_right(ground: Ground, pytestconfig: pytest.Config) -> None:
    live(Books, pytestconfig.getoption("days") // 20)
    assert (ground.seen + ground.count())["deposit"], "they lived on this ground"
