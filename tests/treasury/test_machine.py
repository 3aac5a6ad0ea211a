"""Whatever owners and staff do in whatever order: the books hold, and what is held is what open withdrawals keep."""
from datetime import timedelta
from secrets import token_hex

import pytest
from hypothesis.stateful import invariant

from portal import approvals, ledger
from portal.approvals import DecideApproval
from portal.core import clock
from portal.core.access import SYSTEM, Actor
from portal.parties import traders
from portal.parties.commands import MoveTrader
from portal.parties.models import Trader
from portal.treasury import addresses, deposits
from portal.treasury.commands import NameAddress, Retract
from portal.treasury.models import Deposit, Withdrawal, WithdrawalAddress
from tests import factories as f
from tests.machine import Ground, Machine, live, one_day, tried
from tests.treasury import acts

OPEN = ("requested", "approved")
NAMES = ("trader", "store")
WEIGHTS = {"ask": 5, "cancel": 1, "decide_withdrawal": 2, "take": 1, "send": 2, "go_on": 10, "go_back": 3,
           "ask_release": 1, "add_address": 1, "remove_address": 1, "move_trader": 1, "tell": 2, "end_deposit": 3}
VALUES = {
    "owner": lambda dice: dice.choice(NAMES), "sum_minor": lambda dice: dice.randrange(-1, 30_000_000),
    "address": lambda dice: dice.randrange(10), "which": lambda dice: dice.randrange(10),
    "by": lambda dice: dice.randrange(3), "then_by": lambda dice: dice.randrange(3),
    "agreed": lambda dice: dice.randrange(10) < 7,
    "kind": lambda dice: dice.choice(("withdrawal", "withdrawal", "withdrawal_release")),
    "over": lambda dice: dice.choice((None, 0, 1, 2)), "reference": lambda dice: dice.randrange(3),
    "rested": lambda dice: dice.randrange(10) < 8, "suspended": lambda dice: dice.randrange(10) < 2,
    "how": lambda dice: dice.choice(("approve", "reject", "retract"))}


class TreasuryRules:
    """Two owners and three of the staff. What the desk refuses, it refuses whole."""

    cast: f.Cast
    trader: Trader
    staff: list[Actor]

    def keep_money(self) -> None:
        """For the cast's store and `trader`, each with an address that is approved."""
        self.actors: dict[str, Actor] = {"trader": f.as_trader(self.trader), "store": self.cast.owner}
        self.references = [token_hex(8) for _ in range(3)]
        self.addresses: list[WithdrawalAddress] = [acts.usable(owner, self.cast) for owner in self.actors.values()]
        self.asked: list[Withdrawal] = []
        self.told: list[Deposit] = []

    def ask(self, owner: str, sum_minor: int, address: int) -> None:
        amount = f"{sum_minor // 1_000_000}.{sum_minor % 1_000_000:06d}" if sum_minor >= 0 else "-1"
        at = self.addresses[address % len(self.addresses)]
        made = tried(lambda: acts.ask(self.actors[owner], self.cast, amount, at))
        if isinstance(made, Withdrawal):
            self.asked.append(made)

    def cancel(self, owner: str, which: int) -> None:
        if self.asked:
            tried(lambda: acts.cancel(self.actors[owner], self.asked[which % len(self.asked)]))

    def decide_withdrawal(self, by: int, which: int, agreed: bool, kind: str) -> None:
        if not self.asked:
            return
        target = self.asked[which % len(self.asked)].id
        with f.look() as session:
            waiting = approvals.waiting_for(session, "withdrawal", target, kind=kind)
        if waiting:
            tried(lambda: acts.decide(target, kind, "approve" if agreed else "reject", self.staff[by]))

    def take(self, by: int, which: int, over: int | None) -> None:
        if self.asked:
            tried(lambda: acts.take(self.staff[by], self.asked[which % len(self.asked)],
                                         None if over is None else self.staff[over]))

    def send(self, by: int, which: int, reference: int) -> None:
        if self.asked:
            tried(lambda: acts.send(self.staff[by], self.asked[which % len(self.asked)],
                                         self.references[reference]))

    def go_on(self, by: int, then_by: int, which: int) -> None:
        """The next step of one that waits, so that many are sent within few steps."""
        waiting = [one for one in self.asked if f.fresh(one).status in OPEN]
        if not waiting:
            tried(lambda: self.ask("trader", 5_000_000 + which, which))
            return
        one = waiting[which % len(waiting)]
        if f.fresh(one).status == "requested":
            tried(lambda: acts.decide(one.id, "withdrawal", by=self.staff[by]))
        else:
            self.take(then_by, which=self.asked.index(one), over=None)
            tried(lambda: acts.send(self.staff[then_by], one, token_hex(8)))

    def go_back(self, by: int, then_by: int, which: int) -> None:
        """The same, given back: taken back, refused or never sent."""
        waiting = [one for one in self.asked if f.fresh(one).status in OPEN]
        if not waiting:
            return
        one = waiting[which % len(waiting)]
        if f.fresh(one).status == "approved":
            tried(lambda: acts.ask_release(one, self.staff[by]))
            self.decide_withdrawal(then_by, self.asked.index(one), True, "withdrawal_release")
        elif by == then_by:
            tried(lambda: acts.cancel(self.actors[one.owner_kind], one))
        else:
            self.decide_withdrawal(by, self.asked.index(one), False, "withdrawal")

    def ask_release(self, by: int, which: int) -> None:
        if self.asked:
            tried(lambda: acts.ask_release(self.asked[which % len(self.asked)], self.staff[by]))

    def add_address(self, owner: str, rested: bool) -> None:
        with clock.moved(timedelta(hours=-25 if rested else 0)):
            made = acts.add(self.actors[owner], self.cast)
            acts.decide(made.id, "withdrawal_address")
        self.addresses.append(made)

    def remove_address(self, owner: str, address: int) -> None:
        def act() -> None:
            with f.act() as session:
                addresses.remove(session, self.actors[owner], NameAddress(
                    address_id=self.addresses[address % len(self.addresses)].public_id))

        tried(act)

    def move_trader(self, suspended: bool) -> None:
        with f.act() as session:
            traders.move(session, SYSTEM, MoveTrader(trader_id=self.trader.id, reason="test",
                                                     status="suspended" if suspended else "active"))

    def tell(self, owner: str, reference: int) -> None:
        self.told.append(acts.tell(self.actors[owner], self.cast, "7", reference=self.references[reference]))

    def end_deposit(self, by: int, which: int, how: str) -> None:
        if not self.told:
            return
        deposit = self.told[which % len(self.told)]

        def act() -> None:
            with f.act() as session:
                if how == "retract":
                    deposits.retract(session, self.actors[deposit.owner_kind], Retract(deposit_id=deposit.public_id))
                else:
                    approvals.decide(session, self.staff[by], DecideApproval(
                        approval_id=deposit.approval_public_id, decision=how))  # type: ignore[arg-type]

        tried(act)


class Treasury(TreasuryRules, Machine):
    """Nothing else moves money here: what each has follows from what was told, asked for and sent."""

    weights, values = WEIGHTS, VALUES

    def arrive(self) -> None:
        self.cast = f.new_cast()
        self.trader = self.cast.trader(deposit="100.000000")
        f.deposit_to(ledger.store_available(self.cast.store.id, "USDT", True), "100.000000")
        self.staff = [f.staff("admin") for _ in range(3)]
        self.keep_money()

    @invariant()
    def everything_follows_from_what_was_done(self) -> None:
        withdrawn, credited = [f.fresh(one) for one in self.asked], [f.fresh(one) for one in self.told]
        for name, owner in self.actors.items():
            free, held = acts.balances(owner, self.cast)
            kept = sum(one.amount_minor for one in withdrawn if one.owner_kind == name and one.status in OPEN)
            gone = sum(one.amount_minor for one in withdrawn if one.owner_kind == name and one.status == "sent")
            came = 100_000_000 + sum(one.amount_minor for one in credited
                                     if one.owner_kind == name and one.status == "credited")
            assert int(held.replace(".", "")) == kept
            assert int(free.replace(".", "")) == came - gone - kept >= 0
        paid = [one.reference_key for one in withdrawn if one.status == "sent"]
        assert len(paid) == len(set(paid))


@pytest.fixture(autouse=True)
def _on_the_ground(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Treasury, "ground", ground, raising=False)


def test_a_long_day_adds_up() -> None:
    """One day, always the same, that reaches every end."""
    day = Treasury()
    one_day(day, seed=12, steps=160, then=day.everything_follows_from_what_was_done)
    assert {f.fresh(one).status for one in day.asked} >= {"sent", "refused", "cancelled", "released"}
    assert {f.fresh(one).status for one in day.told} == {"asked", "credited", "refused", "retracted"}


@pytest.mark.slow
def test_the_books_hold_whatever_happens(ground: Ground, pytestconfig: pytest.Config) -> None:
    live(Treasury, pytestconfig.getoption("days") // 10)
    assert (ground.seen + ground.count())["deposit"], "they lived on this ground"
