"""Who could take an order of each size, what is asked for, and the holes between the two."""
from datetime import timedelta

import pytest

from portal.core import clock
from portal.notices.models import Happening
from portal.orders.coverage import bands, demand, holes
from portal.orders.coverage.models import CoverageHole, DemandHour
from portal.parties import traders
from tests import factories as f


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), min_amount="500.00", max_amount="20000.00")
    return made


def sizes(cast: f.Cast) -> dict[int, holes.Size]:
    with f.look() as session:
        return {size.band: size for size in holes.sizes(session) if size.method == cast.method}


def watched() -> list[CoverageHole]:
    with f.act() as session:
        return list(holes.watch(session))


def test_bands_are_those_people_think_in():
    assert [bands.begins(band, "RUB").text for band in (0, 1, 6, 7, 8)] == [
        "0.01", "3.00", "1000.00", "3000.00", "10000.00"]
    assert bands.ends(bands.LAST, "RUB") is None


def test_every_size_that_somebody_could_take(cast):
    found = sizes(cast)
    assert sorted(found) == [5, 6, 7, 8], "500 to 20,000: 300–1000, 1000–3000, 3000–10,000, 10,000–30,000"
    assert {(size.able, size.there, size.is_hole) for size in found.values()} == {(1, 1, False)}
    f.spend(cast.traders[0], f.trader_available(cast.traders[0]) - f.usdt("20.000000"))
    assert [sizes(cast)[band].able for band in (5, 6, 7, 8)] == [1, 1, 0, 0], "collateral for 1840 roubles"


def until_the_next_hour() -> timedelta:
    """Whichever minute it is: a quarter of an hour more was two hours on at a quarter to."""
    now = clock.now()
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) - now


def test_a_hole_is_found_told_and_closed(cast):
    order = cast.order("2000.00")
    f.work_off("match_order")
    assert f.fresh(order).status == "assigned"
    small = cast.order("400.00")  # in a band that nobody is there for
    assert watched() == [], "nothing is known of an hour that is not over"
    with clock.moved(until_the_next_hour() + timedelta(minutes=15)):
        with f.act() as session:
            demand.count(session)
            demand.count(session)  # harmless twice
        with f.look() as session:
            counted = {(row.band, row.asked, row.served) for row in session.query(DemandHour)}
        assert counted == {(5, 1, 0), (6, 1, 1)}
        assert {band for band, size in sizes(cast).items() if size.is_hole} == set()
        with f.act() as session:
            traders.end_shift(session, f.as_trader(cast.traders[0]), cast.traders[0].id)
        [first, second] = sorted(watched(), key=lambda hole: hole.band)
        assert (first.band, second.band, first.expected) == (5, 6, 1)
        assert watched() == [], "told once"
        with f.look() as session:
            assert session.query(Happening).filter(Happening.event == "coverage.hole").count() == 2
        with f.act() as session:
            traders.begin_shift(session, f.as_trader(cast.traders[0]), cast.traders[0].id)
        assert watched() == []
        with f.look() as session:
            assert holes.of_now(session) == []
            assert len(holes.lately(session, clock.now() - timedelta(hours=1))) == 2
    assert small


def test_what_was_asked_at_this_hour_of_other_days(cast):
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    with f.act() as session:
        session.add_all(DemandHour(hour=hour - timedelta(days=back), currency="RUB", method=cast.method, band=12,
                                   asked=back, served=0, asked_minor=1) for back in range(1, 8))
    found = sizes(cast)[12]
    assert (found.expected, found.lately, found.able, found.is_hole) == (4, 0, 0, True)
