"""The rolling reserve and the delay: by the terms of the day, freed on the day, one entry a store and day."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import approvals, ledger, tariffs
from portal.approvals import DecideApproval, OwnApproval, StaleApproval
from portal.core import clock
from portal.core.access import Actor
from portal.core.db import give_back, reader
from portal.core.errors import Denied, Invalid
from portal.core.money import Money
from portal.ledger import verify
from portal.ledger.models import JournalEntry
from portal.orders.models import Order
from portal.orders.reserves import Reserve
from portal.parties.models import Store
from portal.tariffs.commands import AskReserveTerms
from portal.tariffs.reserve_terms import Terms
from portal.treasury import reserve
from tests import factories as f
from tests.statements import statements as heard
from tests.treasury import books


def ask(store: Store, percent: str = "10", days: int = 30, delay: int = 0, by: Actor | None = None):
    with f.act() as session:
        return tariffs.reserve_terms.ask(session, by or f.staff("admin"), AskReserveTerms(
            store_id=store.id, reserve_percent=percent, reserve_days=days, delay_days=delay, reason="New shop"))


def decide(approval: approvals.Approval, by: Actor | None = None) -> None:
    with f.act() as session:
        approvals.decide(session, by or f.staff("admin"), DecideApproval(
            approval_id=approval.public_id, decision="approve"))


def terms(store: Store, percent: str = "10", days: int = 30, delay: int = 0) -> None:
    asked = ask(store, percent, days, delay)
    assert asked is not None
    decide(asked)


def release(days: int = 0) -> None:
    with clock.moved(timedelta(days=days)), f.act() as session:
        reserve.release(session)


def has(store: Store, purpose: str = "available", live: bool = True) -> Money:
    return f.balance(ledger.Account("store", store.id, purpose, "USDT", live))


def waiting(store: Store, live: bool = True) -> list[tuple[int, str, str]]:
    """(days from today, reserved, delayed)"""
    with f.look() as session:
        return [((row.free_on - clock.today()).days, row.reserved.text, row.delayed.text)
                for row in reserve.coming(session, store.id, "USDT", live)]


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    made.requisite(made.traders[0])
    return made


def settled(cast: f.Cast, amount: str = "1500.00") -> Order:
    return f.fresh(f.completed_payin(cast, amount))


NET = 15_896739  # of 1500 roubles at 92, less 2.5 %


def test_a_share_waits_for_its_day(cast: f.Cast) -> None:
    terms(cast.store)
    order = settled(cast)
    assert order.net.minor == NET
    assert (has(cast.store).minor, has(cast.store, "reserve").minor) == (NET - 1_589674, 1_589674)
    assert waiting(cast.store) == [(30, "1.589674", "0.000000")]
    release(29)
    assert has(cast.store).minor == NET - 1_589674
    release(30)
    release(30)
    assert (has(cast.store).minor, has(cast.store, "reserve").minor) == (NET, 0)
    assert waiting(cast.store) == []


def test_the_rest_comes_late(cast: f.Cast) -> None:
    terms(cast.store, delay=2)
    settled(cast)
    assert (has(cast.store).minor, has(cast.store, "reserve").minor) == (0, NET)
    assert waiting(cast.store) == [(2, "0.000000", "14.307065"), (30, "1.589674", "0.000000")]
    release(2)
    assert has(cast.store).minor == NET - 1_589674
    release(30)
    assert has(cast.store).minor == NET


def test_only_a_delay(cast: f.Cast) -> None:
    terms(cast.store, "0", 0, 1)
    settled(cast)
    assert waiting(cast.store) == [(1, "0.000000", "15.896739")]
    release(1)
    assert has(cast.store).minor == NET


def test_without_terms_nothing_waits(cast: f.Cast) -> None:
    settled(cast)
    assert (has(cast.store).minor, has(cast.store, "reserve").minor) == (NET, 0)


def test_one_row_and_one_entry_for_a_day_however_many_orders(cast: f.Cast) -> None:
    terms(cast.store)
    orders = [f.confirmed_payin(cast, amount) for amount in ("1500.00", "1600.00", "1700.00")]
    f.work_off("settle_order")
    settled(cast, "1800.00")
    with f.look() as session:
        (row,) = session.query(Reserve).filter_by(store_id=cast.store.id).all()
    assert row.amount == has(cast.store, "reserve")
    release(30)
    with f.look() as session:
        entries = session.query(JournalEntry).filter_by(kind="reserve_release", reference=row.id).all()
    assert len(entries) == 1
    assert f.fresh(orders[0]).status == "completed"


def test_what_was_settled_keeps_the_terms_of_its_day(cast: f.Cast) -> None:
    terms(cast.store)
    settled(cast)
    terms(cast.store, "50", 60)
    assert waiting(cast.store) == [(30, "1.589674", "0.000000")]
    settled(cast)
    assert waiting(cast.store) == [(30, "1.589674", "0.000000"), (60, "7.948370", "0.000000")]


def test_a_payout_keeps_nothing_back(cast: f.Cast) -> None:
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    cast.requisite(cast.traders[0], payout=True)
    terms(cast.store, "50", 60, 5)
    f.agree(cast.key, f.paid_payout(cast))
    f.work_off("settle_order")
    assert has(cast.store, "reserve").minor == 0


def test_test_money_waits_apart(cast: f.Cast) -> None:
    terms(cast.store, "100", 10)
    settled(cast)
    assert waiting(cast.store, live=False) == []
    assert has(cast.store, "reserve", live=False).minor == 0


def test_terms_cost_the_batch_no_statement_for_an_order(cast: f.Cast, app: Flask) -> None:
    def statements(orders: int) -> int:
        for n in range(orders):
            f.confirmed_payin(cast, f"{1500 + n}.00")
        with heard() as sent:
            f.work_off("settle_order")
        return len(sent)

    for _ in range(2):  # opens the accounts, then remembers them
        settled(cast)
    bare = statements(1)
    assert statements(4) == bare
    terms(cast.store, delay=2)
    for _ in range(2):
        settled(cast)
    assert statements(1) == statements(4) == bare + 1


@pytest.mark.parametrize("changed", [("10", 0, 0), ("0", 30, 0), ("101", 30, 0), ("x", 30, 0)])
def test_odd_terms(cast: f.Cast, changed: tuple[str, int, int]) -> None:
    with pytest.raises(Invalid):
        ask(cast.store, *changed)


def test_two_people_change_terms(cast: f.Cast) -> None:
    author = f.staff("admin")
    asked = ask(cast.store, by=author)
    assert asked is not None
    with pytest.raises(OwnApproval):
        decide(asked, author)
    with f.look() as session:
        assert tariffs.reserve_terms.of(session, cast.store.id) == Terms()
    with pytest.raises(approvals.AlreadyAsked):
        ask(cast.store, "20")
    decide(asked)
    with f.look() as session:
        assert tariffs.reserve_terms.of(session, cast.store.id) == Terms(1000, 30, 0)
    assert ask(cast.store) is None
    for actor in (f.staff("support_traders"), cast.owner):
        with pytest.raises(Denied):
            ask(cast.store, "20", by=actor)


def test_terms_changed_meanwhile_are_stale(cast: f.Cast) -> None:
    asked = ask(cast.store)
    with f.act() as session:
        session.execute(tariffs.reserve_terms.insert(tariffs.reserve_terms.ReserveTerms).values(
            store_id=cast.store.id, reserve_bps=1, reserve_days=1, delay_days=0))
    assert asked is not None
    with pytest.raises(StaleApproval):
        decide(asked)


def test_who_owes_pays_when_it_comes_free(cast: f.Cast) -> None:
    terms(cast.store, "100", 10)
    settled(cast)
    books.adjusted("store", cast.store.id, "5", direction="debit", code="penalty")
    assert books.owed("store", cast.store.id) == "5.000000"
    release(10)
    assert (has(cast.store).minor, books.owed("store", cast.store.id)) == (NET - 5_000000, "0.000000")


def test_two_releases_and_a_settling_at_once(app: Flask, cast: f.Cast) -> None:
    """Every part of it comes free once; what is settled meanwhile waits for its own day."""
    terms(cast.store, "0", 0, 1)
    for n in range(4):
        settled(cast, f"{1500 + n}.00")
    due = has(cast.store, "reserve")
    for n in range(4):
        f.confirmed_payin(cast, f"{1600 + n}.00")
    with clock.moved(timedelta(days=1)):
        outcomes = f.at_the_same_time(app, [release, release, lambda: f.work_off("settle_order"), release])
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert has(cast.store) == due
        assert [day for day, _, _ in waiting(cast.store)] == [1]
    release(2)
    assert has(cast.store, "reserve").minor == 0


def test_the_statement_says_what_was_kept_and_freed(cast: f.Cast) -> None:
    terms(cast.store)
    settled(cast)
    release(30)
    with f.look() as session:
        shown = [(line.event, line.amount.minor) for line in ledger.statement(
            session, ledger.store_available(cast.store.id, "USDT", True)).lines]
        kept = [line.event for line in ledger.statement(
            session, ledger.store_reserve(cast.store.id, "USDT", True)).lines]
        held = {line.event for line in ledger.statement(
            session, ledger.trader_held(cast.traders[0].id, "USDT", True)).lines}
    assert shown == [("reserve_release", 1_589674), ("kept_back", -1_589674), ("payin_settle", NET)]
    assert kept == ["reserve_release", "kept_back"]
    assert "kept_back" not in held


@pytest.fixture
def day(fresh_app: Flask) -> f.Cast:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    terms(cast.store, delay=2)
    f.completed_payin(cast)
    release(2)
    return cast


def proof() -> verify.Report:
    give_back()
    return verify.run(reader())


def test_the_books_know_what_waits(day: f.Cast) -> None:
    report = proof()
    assert report.differences == []
    assert [one.examined for one in report.results if one.name in {check.name for check in reserve.CHECKS}] == [1, 1]


@pytest.mark.parametrize(("statement", "check"), [
    ("UPDATE reserves SET reserved_minor = reserved_minor + 1 WHERE released_at IS NULL", "what stores have in"),
    ("UPDATE reserves SET released_at = now() WHERE released_at IS NULL", "what was freed"),
    ("UPDATE reserves SET delayed_minor = delayed_minor + 1 WHERE released_at IS NOT NULL", "what was freed"),
    ("DELETE FROM reserves WHERE released_at IS NOT NULL", "what was freed"),
])
def test_each_planted_corruption_is_found(day: f.Cast, corrupt, statement: str, check: str) -> None:
    corrupt(statement)
    assert any(difference.startswith(check) for difference in proof().differences)


def test_the_database_keeps_what_waits(cast: f.Cast) -> None:
    terms(cast.store)
    settled(cast)
    for change in ({"reserved_minor": 1}, {"free_on": clock.today()}):
        with pytest.raises(DBAPIError), f.act() as session:
            session.query(Reserve).filter_by(store_id=cast.store.id).update(change)
