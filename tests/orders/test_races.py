"""Crowds, on a desk of their own whose books are proved afterwards (faults 13 and 16)."""
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from portal.core import clock
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.ledger import verify
from portal.ledger.models import JournalEntry
from portal.orders.models import Order
from portal.parties.models import Holder
from tests import factories as f
from tests.factories import Cast, new_cast

SEED_AMOUNTS = [f"{1000 + 10 * n}.00" for n in range(16)]  # 200 orders of 16 amounts: they meet


@pytest.fixture
def desk(monkeypatch, request):
    """A database of its own, and connections enough for a crowd to be one."""
    monkeypatch.setenv("DATABASE_POOL_SIZE", "16")
    return request.getfixturevalue("fresh_app")


@pytest.fixture
def cast(desk) -> Cast:
    return new_cast()


def assert_books_hold() -> None:
    session = reader()
    session.rollback()
    report = verify.run(session)
    assert report.differences == []


def test_fifty_confirms_and_fifty_cancels_have_one_winner(desk, cast):
    trader = cast.trader()
    cast.requisite(trader)
    for n in range(3):
        order = f.assigned_payin(cast, f"{1000 + n}.00")
        shown, who = f.assignment_of(order).public_id, f.as_trader(trader)

        def act(does, order=order):
            try:
                return does().status
            except PortalError as error:
                return error.code

        confirm = lambda who=who, order=order, shown=shown: f.confirm(who, order, assignment_id=shown)  # noqa: E731
        cancel = lambda order=order: f.cancel(cast.customer(order), order)  # noqa: E731
        came_to = Counter(f.at_the_same_time(desk, [
            lambda does=does: act(does) for _ in range(50) for does in (confirm, cancel)], threads=32))
        f.work_off("settle_order")
        found = f.fresh(order)
        came_to["invalid_transition"] += came_to.pop("busy", 0)  # who waited too long for the lock is told to try again
        # called off first, it is taken up again by the trader who says that the money came all the same
        winners = [one for one in ("cancelled", "confirmed") if came_to[one]]
        assert came_to == {**dict.fromkeys(winners, 1), "invalid_transition": 100 - len(winners)}
        assert (found.status, found.late) == ("completed" if "confirmed" in winners else "cancelled", len(winners) == 2)
        with f.look() as session:
            entries = session.scalars(select(JournalEntry.kind).where(
                JournalEntry.reference.in_([order.id, *(one.id for one in f.assignments_of(order))]))
                .order_by(JournalEntry.id)).all()
        first, again = ["payin_hold", "payin_release"], ["payin_hold", "payin_settle"]
        assert entries == (first if "cancelled" in winners else []) + (again if "confirmed" in winners else [])
    assert_books_hold()


def test_two_hundred_orders_race_for_ten_requisites_near_their_limits(desk, cast):
    """Whatever the threads do: no limit is exceeded, no two open orders of one amount meet on a requisite."""
    limits = [{"day_max": "9000.00"}, {"day_count_max": 4}, {"month_max": "7000.00"}, {"open_orders_max": 3},
              {"max_amount": "1050.00"}, {"day_max": "5000.00", "open_orders_max": 2},
              {"weight": 3, "day_count_max": 6}, {"holder": "One Person"}, {"holder": "One Person"}, {}]
    crowded = cast.trader(open_orders_max=5)
    poor = cast.trader(deposit="60.000000")
    owners = [cast.trader(), cast.trader(), crowded, crowded, poor, poor, *(cast.trader() for _ in range(4))]
    made = [cast.requisite(owner, **limit) for owner, limit in zip(owners, limits, strict=True)]
    with f.look() as session:
        person = session.get_one(Holder, made[7].holder_id)
    f.change(person, currency="RUB", day_count_max=7, day_max_minor=8_000_00)
    orders = [cast.order(SEED_AMOUNTS[n % len(SEED_AMOUNTS)]) for n in range(200)]

    for round in range(6):
        with clock.moved(timedelta(seconds=25 * round)):
            f.at_the_same_time(desk, [lambda: f.work_off()] * 6)
            _assert_within_limits()
            for order in _assigned(orders)[:6]:  # places come free, and limits are given back
                f.cancel(cast.key, order)
    with clock.moved(timedelta(minutes=5)):
        f.at_the_same_time(desk, [lambda: f.work_off()] * 6)
        _assert_within_limits()
    states = Counter(f.fresh(order).status for order in orders)
    assert set(states) <= {"assigned", "failed", "cancelled"}
    assert states["assigned"] >= 20
    with clock.moved(timedelta(hours=1)):
        f.at_the_same_time(desk, [lambda: f.work_off("expire_order")] * 4)
    assert _assigned(orders) == []
    for trader in cast.traders:
        assert f.trader_held(trader) == f.usdt("0.000000")
    assert_books_hold()


def test_matching_confirming_cancelling_and_settling_all_at_once(desk, cast):
    """Locks are taken in one order everywhere: nobody waits in a circle, and nothing is lost."""
    for _ in range(3):
        trader = cast.trader()
        for _ in range(2):
            cast.requisite(trader)
    before = [f.assigned_payin(cast, f"{1000 + n}.00") for n in range(24)]
    more = [cast.order(f"{2000 + n}.00") for n in range(40)]
    who = {order.id: (f.its_trader(order), f.assignment_of(order).public_id) for order in before}

    def confirm(order):
        return lambda: f.confirm(who[order.id][0], order, assignment_id=who[order.id][1])

    def end(order, n):
        return {0: confirm(order), 1: lambda: f.cancel(cast.key, order),
                2: lambda: f.decline(who[order.id][0], order), 3: confirm(order)}[n % 4]

    acts = [end(order, n) for n, order in enumerate(before)]
    workers = [lambda: f.work_off(), lambda: f.work_off("settle_order")] * 3
    came_to = f.at_the_same_time(desk, [*workers, *acts], threads=12)
    assert [one for one in came_to if isinstance(one, Exception)] == []
    for seconds in (0, 2, 6):
        with clock.moved(timedelta(seconds=seconds)):
            f.work_off()
            f.work_off("settle_order")
    assert {f.fresh(order).status for order in more} == {"assigned"}
    assert_books_hold()


def _assigned(orders) -> list[Order]:
    with f.look() as session:
        return list(session.scalars(select(Order).where(Order.id.in_([order.id for order in orders]),
                                                        Order.status == "assigned").order_by(Order.id)))


def _assert_within_limits() -> None:
    with f.look() as session:
        over = session.scalars(text("""
            SELECT r.id FROM requisites r JOIN traders t ON t.id = r.trader_id JOIN holders h ON h.id = r.holder_id
             WHERE r.day_used_minor > r.day_max_minor OR r.day_count > r.day_count_max
                OR r.month_used_minor > r.month_max_minor OR r.open_orders > r.open_orders_max
                OR t.open_orders > t.open_orders_max
                OR h.day_used_minor > h.day_max_minor OR h.day_count > h.day_count_max""")).all()
        counted_wrong = session.scalars(text("""
            SELECT r.id FROM requisites r LEFT JOIN assignments a ON a.requisite_id = r.id AND a.state <> 'ended'
             GROUP BY r.id HAVING r.day_count <> count(a.id) OR r.day_used_minor <> coalesce(sum(a.amount_minor), 0)
                OR r.open_orders <> count(a.id)""")).all()
        twins = session.execute(text("SELECT requisite_id, amount_minor FROM assignments WHERE state = 'open'"
                                     " GROUP BY 1, 2 HAVING count(*) > 1")).all()
        overdrawn = session.scalar(select(func.count()).select_from(text("balances")).where(
            text("NOT may_overdraw AND credits_minor < debits_minor")))
    assert (over, counted_wrong, twins, overdrawn) == ([], [], [], 0)
