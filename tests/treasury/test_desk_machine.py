"""Fault 12: whatever all of them do in whatever order, in time and late, with the same balances: the books hold.

Orders, disputes, deposits, withdrawals, corrections, reversals, transfers and reserves of one merchant and his traders.
"""
import pytest

from tests import factories as f
from tests.disputes import test_machine as orders
from tests.machine import Ground, Machine, live, one_day
from tests.treasury import test_books_machine as books
from tests.treasury import test_machine as treasury

SURE_AFTER = 1000  # days
REACHED = {
    "payin_hold", "payin_release", "payin_settle", "payout_hold", "payout_release", "payout_settle",
    "settle_correction", "deposit", "withdrawal_hold", "withdrawal_settle", "withdrawal_release", "adjustment",
    "reversal", "transfer", "reserve_release", "claim_payment",
    "match", "decline", "replace", "reassign", "accept", "mark_paid", "confirm", "settle", "cancel", "expire", "reopen",
    "dispute", "add_transfer", "accept_amount", "refuse_amount", "concede", "give_up", "resolve_complete",
    "resolve_adjust", "resolve_cancel", "correct", "hold_for_review", "release", "refuse"}
"""Entries by kind and steps by action: many days without one of them would prove little."""


class Desk(orders.OrderRules, treasury.TreasuryRules, books.BookRules, Machine):
    """A merchant with two stores, three traders, three of the staff."""

    weights = {step: 2 * weight for step, weight in (orders.WEIGHTS | books.WEIGHTS).items()} | treasury.WEIGHTS
    values = books.VALUES | treasury.VALUES | orders.VALUES

    def arrive(self) -> None:
        self.cast = f.new_cast()
        for _ in range(3):
            self.cast.requisite(self.cast.trader(deposit="120.000000"), payout=True, open_orders_max=3)
        f.deposit_to(f.ledger.store_available(self.cast.store.id, "USDT", True), "100.000000")
        self.trader, self.staff = self.cast.traders[0], [f.staff("admin") for _ in range(3)]
        self.take_orders()
        self.keep_money()
        self.keep_books(self.trader)
        for out in (False, True, False):
            self.order(0, out, soon=True)

    def teardown(self) -> None:
        if hasattr(self, "moved"):
            self.moved.close()


@pytest.fixture(autouse=True)
def _on_the_ground(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "ground", ground, raising=False)


def test_a_long_day_of_everything_adds_up(ground: Ground) -> None:
    """One day, always the same."""
    day = Desk()
    try:
        one_day(day, seed=12, steps=100)
        orders.everything_ends(day)
    finally:
        day.teardown()
    ground.proved()


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_the_books_hold_whatever_happens(ground: Ground, pytestconfig: pytest.Config) -> None:
    days = pytestconfig.getoption("days")
    live(Desk, days)
    reached = ground.seen + ground.count()
    assert days < SURE_AFTER or reached.keys() >= REACHED, (REACHED - reached.keys(), reached)
