"""Maintenance of banks that recurs is planned as pauses, in the operator's time, once each time."""
from datetime import UTC, date, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.errors import Denied, Invalid
from portal.reference import pauses, pausing, windows
from portal.reference.pauses import DeskPause
from portal.requisites import hindrances
from portal.requisites.models import Requisite
from tests import factories as f

DAILY = (1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
def desk(fresh_app):
    return fresh_app


def added(days=DAILY, begin="01:00", end="02:30", bank="alfa", by=None) -> windows.BankWindow:
    with f.act() as session:
        return windows.add(session, by or f.staff("admin"), windows.AddWindow(
            bank=bank, days=days, begin=begin, end=end, message="We are back at half past two"))


def planned() -> list[DeskPause]:
    with f.act() as session:
        windows.plan(session)
    with f.look() as session:
        return list(session.scalars(select(DeskPause).where(DeskPause.ended_at.is_(None)).order_by(DeskPause.began_at)))


def hours(pause: DeskPause) -> str:
    return f"{clock.local(pause.began_at):%H:%M}–{clock.local(pause.ends_at):%H:%M}"


def test_a_window_of_every_day_is_planned_a_day_ahead_and_once(desk):
    added()
    first = planned()
    assert {hours(one) for one in first} == {"01:00–02:30"}
    assert 1 <= len(first) <= 3
    assert [one.id for one in planned()] == [one.id for one in first], "harmless twice"
    with clock.moved(timedelta(days=1)):
        assert planned()[-1].began_at - first[-1].began_at == timedelta(days=1)


def test_it_keeps_orders_away_while_it_lasts_and_its_trader_reads_until_when(desk):
    cast = f.new_cast()
    card = cast.requisite()
    now = clock.local(clock.now())
    begin, end = now - timedelta(minutes=5), now + timedelta(hours=2)
    added(begin=f"{begin:%H:%M}", end=f"{end:%H:%M}")
    order = cast.order()
    f.work_off("match_order")
    assert f.fresh(order).status == "retrying"
    with f.look() as session:
        [why] = hindrances.hindrances(session, cast.traders[0], [session.get_one(Requisite, card.id)])[card.id]
    assert why.because == "bank_paused"
    assert f"{clock.local(why.until):%H:%M}" == f"{end:%H:%M}"


def test_what_staff_call_off_is_not_planned_again(desk):
    added()
    [*_, last] = planned()
    with f.act() as session:
        found = next(one for one in pauses.of_parts(session) if one.id == last.id)
        pausing.resume_part(session, f.staff("admin"), pausing.ResumePart(pause_id=found.public_id))
    assert last.id not in [one.id for one in planned()]


def test_what_recurred_is_forgotten_after_a_year_and_what_was_done_by_hand_is_not(desk):
    added()
    of_the_window = {one.id for one in planned()}
    with f.act() as session:
        by_hand = pausing.pause(session, f.staff("admin"), pausing.PauseDesk(
            what="bank:alfa", for_minutes=30, reason="It does not answer")).id
    with f.act() as session:
        for one in session.scalars(select(DeskPause)):
            one.ended_at = one.ends_at

    def kept(days: int) -> set[UUID]:
        with clock.moved(timedelta(days=days)), f.act() as session:
            windows.forget(session)
        with f.look() as session:
            return set(session.scalars(select(DeskPause.id)))

    assert kept(360) == of_the_window | {by_hand}
    assert kept(370) == {by_hand}


def test_a_pause_by_hand_leaves_what_is_to_come(desk):
    now = clock.local(clock.now())
    added(begin=f"{now + timedelta(hours=3):%H:%M}", end=f"{now + timedelta(hours=4):%H:%M}")
    before = {one.id for one in planned()}
    with f.act() as session:
        pausing.pause(session, f.staff("admin"), pausing.PauseDesk(what="bank:alfa", for_minutes=30, reason="Slow"))
    assert before < {one.id for one in planned()}


def test_a_removed_window_takes_what_is_planned_with_it(desk):
    window = added()
    assert planned()
    for _ in range(2):
        with f.act() as session:
            windows.remove(session, f.staff("admin"), windows.RemoveWindow(window_id=window.public_id))
    assert planned() == []


@pytest.mark.parametrize(("zone", "day", "begin", "end", "hours"), [
    ("Europe/Berlin", date(2026, 10, 25), 60, 240, 4),  # clocks go back: an hour more
    ("Europe/Berlin", date(2026, 3, 29), 60, 240, 2),  # and forward: one less
    ("UTC", date(2026, 11, 29), 1380, 120, 3),  # over midnight
])
def test_days_of_the_operators_clocks(zone, day, begin, end, hours):
    before = clock.zone_name()
    try:
        clock.use_zone(zone)
        window = SimpleNamespace(days=[day.isoweekday()], begins_at=begin, ends_at=end)
        [(since, until)] = windows.times(window, day - timedelta(days=3), days=7)
        assert until - since == timedelta(hours=hours)
        assert clock.day_of(since) == day
        assert since.tzinfo is UTC
    finally:
        clock.use_zone(before)


def test_what_is_refused(desk):
    for wrong in ({"begin": "01:00", "end": "01:00"}, {"bank": "nowhere"}):
        with pytest.raises(Invalid):
            added(**wrong)
    with pytest.raises(Denied):
        added(by=f.staff())
