"""Who could take an order of each size, what is asked for, and the holes between the two."""
from datetime import timedelta

import pytest

from portal import ledger
from portal.core import clock
from portal.notices.models import Happening
from portal.orders.coverage import bands, demand, holes
from portal.orders.coverage.models import CoverageHole, DemandHour
from portal.orders.states import Direction
from portal.parties import traders
from tests import factories as f
from tests import people


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), min_amount="500.00", max_amount="20000.00")
    return made


def sizes(cast: f.Cast, direction: Direction = Direction.PAYIN) -> dict[int, holes.Size]:
    with f.look() as session:
        return {size.band: size for size in holes.sizes(session, direction) if size.method == cast.method}


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
            assert holes.of_now(session, Direction.PAYIN) == []
            assert len(holes.lately(session, Direction.PAYIN, clock.now() - timedelta(hours=1))) == 2
    assert small


def test_what_was_asked_at_this_hour_of_other_days(cast):
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    with f.act() as session:
        session.add_all(DemandHour(hour=hour - timedelta(days=back), direction="payin", currency="RUB",
                                   method=cast.method, band=12, asked=back, served=0, asked_minor=1)
                                   for back in range(1, 8))
    found = sizes(cast)[12]
    assert (found.expected, found.lately, found.able, found.is_hole) == (4, 0, 0, True)


def counted_an_hour_later() -> None:
    with f.act() as session:
        demand.count(session)


def test_payouts_have_a_coverage_of_their_own(cast):
    assert sizes(cast, Direction.PAYOUT) == {}, "its one requisite takes payins only"
    payer = cast.trader(deposit=None)
    cast.requisite(payer, payout=True, payin=False, min_amount="1000.00", max_amount="2999.00")
    able = {band: (size.able, size.there) for band, size in sizes(cast, Direction.PAYOUT).items()}
    assert able == {6: (1, 1)}, "without collateral: a payout needs none"
    assert sizes(cast)[6].there == 1, "and payins are covered by the other alone"
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "500.000000")
    f.create_payout(cast, "4000.00")
    with clock.moved(until_the_next_hour() + timedelta(minutes=15)):
        counted_an_hour_later()
        found = sizes(cast, Direction.PAYOUT)
        assert (found[7].lately, found[7].able, found[7].is_hole) == (1, 0, True)
        assert not any(size.lately for size in sizes(cast).values())
        assert [(hole.direction, hole.band) for hole in watched()] == [("payout", 7)]
        f.work_off("tell_people")
        with f.look() as session:
            assert holes.of_now(session, Direction.PAYIN) == []
            told = session.query(Happening).filter(Happening.event == "coverage.hole").one()
        assert (told.facts["direction"], told.facts["what"]) == ("payout", "Payouts")


def test_what_was_asked_is_told_by_the_bank_that_orders_named(cast, fresh_app):
    cast.order("2000.00")
    for bank in ("sber", "tbank", "tbank"):
        cast.order("2000.00", bank=bank)
    cast.requisite(cast.trader(), bank="sber", min_amount="1000.00", max_amount="2999.00")
    with clock.moved(until_the_next_hour() + timedelta(minutes=15)):
        counted_an_hour_later()
        size = sizes(cast)[6]
        assert (size.lately, size.able, size.is_hole) == (4, 2, False)
        assert {bank: (of.able, of.there, of.lately, of.falls_short) for bank, of in size.banks.items()} == {
            "alfa": (1, 1, 0, False), "sber": (1, 1, 1, False), "tbank": (0, 0, 2, True)}
        admin = people.seat(fresh_app, people.person("admin"))
        shown, payouts = (admin.get(f"/admin/coverage{query}").text for query in ("", "?direction=payout"))
    row = shown.partition(f'id="size-RUB-{cast.method}-6"')[2].partition("</tr>")[0]
    assert "asked 2" in row
    assert "asked 1" in row
    assert row.count("circle-alert") == 1, "the bank that nobody there could serve"
    assert f"size-RUB-{cast.method}" not in payouts
