"""Days of limits and figures: what is open at midnight, a clock that runs behind, and nights when clocks change."""
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from portal.core import clock, ids
from portal.core.db import db
from portal.orders.models import Assignment
from portal.orders.reading import merchant_day
from portal.orders.reading import trader_queue as queue_of
from portal.orders.reading.trader_queue import trader_queue
from tests import factories as f


@pytest.fixture
def zone() -> Iterator[object]:
    before = clock.zone_name()
    yield clock.use_zone
    clock.use_zone(before)


def until_midnight() -> timedelta:
    return clock.midnight_after(clock.today()) - clock.now()


def pick(order, day: date) -> bool:
    """As a worker whose clock says `day` picks; the order is made an assigned one by hand."""
    with f.act() as session:
        found = session.execute(text("SELECT order_id FROM pick_requisites(:orders, :ids, :at, :day)"), {
            "orders": [order.id], "ids": [ids.new_id()], "at": clock.now(), "day": day}).all()
    return bool(found)


def test_what_is_open_at_midnight_counts_on_the_day_it_was_assigned(cast):
    """The rule: an order counts once, on the day of its assignment, and goes back to that day and no other."""
    requisite = cast.requisite(day_max="2000.00")
    open_one = f.assigned_payin(cast, "1500.00")
    with clock.moved(until_midnight() + timedelta(seconds=1)):
        f.confirm(f.its_trader(open_one), open_one)
        assert f.assigned_payin(cast, "1999.00"), "the new day has its whole limit"
        used = f.fresh(requisite)
        assert (used.day_used_minor, used.day_on) == (199_900, clock.today())


def test_a_worker_whose_clock_is_behind_does_not_begin_the_day_again(cast):
    """It set the counter back to yesterday, and the next order found today's at zero: the limit was passed twice."""
    requisite = cast.requisite(day_max="2000.00", month_max="2000.00")
    day, after = date(2026, 11, 30), date(2026, 12, 1)
    assert pick(cast.order("900.00"), after)
    assert pick(cast.order("901.00"), day), "counted on the day that has begun"
    used = f.fresh(requisite)
    assert (used.day_on, used.day_used_minor, used.day_count) == (after, 180_100, 2)
    assert (used.month_on, used.month_used_minor) == (after, 180_100)
    assert not pick(cast.order("902.00"), after)
    assert not pick(cast.order("903.00"), day)
    assert {a.counted_on for a in _assignments(requisite)} == {after}


def _assignments(requisite):
    with f.look() as session:
        return session.scalars(select(Assignment).where(Assignment.requisite_id == requisite.id)).all()


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
def test_a_limit_holds_for_the_whole_of_a_day_when_clocks_change(zone, cast, month, hours):
    """Berlin's, of next year: a day of 23 hours gives its limit back an hour sooner, one of 25 an hour later."""
    zone("Europe/Berlin")
    last = date(clock.today().year + 1, month, 31)
    begins = clock.midnight_before(last - timedelta(days=(last.weekday() + 1) % 7))

    def at(after: timedelta):
        return clock.moved(begins + after - clock.now())

    requisite, second = cast.requisite(day_max="2000.00"), timedelta(seconds=1)
    with at(second):
        f.assigned_payin(cast, "1500.00")
    with at(timedelta(hours=hours) - timedelta(minutes=5)):
        late = cast.order("1000.00")
        f.work_off()
        assert f.fresh(late).status == "retrying"
        assert f.fresh(requisite).day_used_minor == 150_000
        f.cancel(cast.key, late)
    with at(timedelta(hours=hours) + second):
        f.assigned_payin(cast, "2000.00")
        assert f.fresh(requisite).day_used_minor == 200_000


@pytest.mark.parametrize(("name", "day", "begins", "hours"), [
    ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", 23),  # there was no midnight: 00:00 became 01:00
    ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17T02:00", 25),  # it ended at 23:00 once more
    ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00", 23),
    ("Asia/Beirut", date(2022, 10, 29), "2022-10-28T21:00", 25),
    ("America/Havana", date(2022, 11, 6), "2022-11-06T04:00", 25),  # midnight came twice: the first begins it
    ("Europe/Moscow", date(2026, 11, 26), "2026-11-25T21:00", 24),
    ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", 0),  # a day that never was
])
def test_days_begin_where_the_one_before_ends(zone, name, day, begins, hours):
    zone(name)
    start, end = clock.midnight_before(day), clock.midnight_after(day)
    assert start == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert end - start == timedelta(hours=hours)
    assert start == clock.midnight_after(day - timedelta(days=1))
    assert end == clock.midnight_before(day + timedelta(days=1))


@pytest.mark.parametrize("name", ["America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Europe/Berlin",
                                  "Australia/Lord_Howe", "UTC"])
def test_every_hour_of_two_years_lies_in_its_day(zone, name):
    zone(name)
    moment = datetime(2017, 12, 31, 12, tzinfo=UTC)
    while moment.year < 2020:
        local = moment.astimezone(clock._zone)
        assert clock.midnight_before(local.date()) <= moment < clock.midnight_after(local.date())
        before = clock.day_before(moment).astimezone(clock._zone)
        assert before.date() == local.date() - timedelta(days=1) or before.hour != local.hour
        moment += timedelta(minutes=30)


def test_yesterday_until_the_same_time_by_the_clock(zone):
    zone("Europe/Berlin")
    after_the_change = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)  # 12:00 in summer time, on the day that had 23 hours
    assert clock.day_before(after_the_change) == datetime(2026, 3, 28, 11, 0, tzinfo=UTC)


def test_a_merchants_hours_are_the_clocks(zone, cast):
    zone("Asia/Kolkata")
    order = cast.order()
    with f.look() as session:
        hours = merchant_day.today(session, [cast.store.id]).today.hours
    assert hours[order.created_at.astimezone(clock._zone).hour] == (1, 0)
    db.session.remove()


def test_what_came_in_today_is_not_cut_where_the_list_is(cast, monkeypatch):
    """It fell as the day went on: only the newest thirty were added up."""
    monkeypatch.setattr(queue_of, "CLOSED", queue_of.CLOSED.limit(2))
    trader = cast.trader()
    cast.requisite(trader)
    for number in range(3):
        f.completed_payin(cast, f"{1000 + number}.00")
    f.cancel(cast.key, f.assigned_payin(cast, "1700.00"))
    f.assigned_payin(cast, "1800.00")
    with f.look() as session:
        queue = trader_queue(session, f.as_trader(trader))
        assert (queue.closed_count, queue.came_in) == (4, [f.rub("3003.00")])
        assert len(queue.closed) == 2
    with clock.moved(until_midnight() + timedelta(seconds=1)), f.look() as session:
        queue = trader_queue(session, f.as_trader(trader))
        assert (queue.closed_count, queue.came_in, len(queue.closed)) == (0, [], 0)
