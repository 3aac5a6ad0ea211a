"""Requisites that fail, rest at night; banks through which nothing comes."""
from datetime import UTC, datetime, timedelta

import pytest

from portal.core import clock
from portal.core.errors import Invalid
from portal.orders import breaker
from portal.orders.commands import Customer
from portal.reference import pauses
from portal.requisites import hours, quarantine
from portal.requisites.commands import MoveRequisite
from portal.requisites.models import Requisite
from tests import factories as f


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


def its_requisite(cast: f.Cast) -> Requisite:
    with f.look() as session:
        return session.query(Requisite).filter(Requisite.trader_id == cast.traders[0].id).one()


def unpaid(cast: f.Cast, times: int, first: int = 1000) -> None:
    """Each goes to this requisite: who let one expire is not asked again for the same order only."""
    for number in range(times):
        f.expire(f.assigned_payin(cast, f"{first + number}.00"))


def status(cast: f.Cast, amount: str) -> str:
    order = cast.order(amount)
    f.work_off("match_order")
    return f.fresh(order).status


def test_five_in_a_row_and_it_gets_one_small_order_at_a_time(cast):
    unpaid(cast, 4)
    f.completed_payin(cast, "1100.00")
    unpaid(cast, 4, 1200)
    assert its_requisite(cast).quarantined_at is None, "one that was paid begins the count anew"
    unpaid(cast, 1, 1300)
    found = its_requisite(cast)
    assert (len(found.failed_payers), found.quarantined_at is not None) == (5, True)
    small = found.max_minor // 1000  # a tenth of the largest, in roubles
    assert status(cast, f"{small + 1}.00") == "retrying"
    first = f.assigned_payin(cast, f"{small}.00")
    assert status(cast, f"{small - 1}.00") == "retrying", "one at a time"
    f.confirm(f.its_trader(first), first)
    assert (its_requisite(cast).failed_payers, its_requisite(cast).quarantined_at) == ([], None)
    assert status(cast, f"{small + 2}.00") == "assigned"


def test_one_payer_who_never_pays_quarantines_nothing(cast):
    for number in range(6):
        f.expire(f.assigned_payin(cast, f"{1000 + number}.00", customer=Customer(id="trifler")))
    assert (len(its_requisite(cast).failed_payers), its_requisite(cast).quarantined_at) == (1, None)
    unpaid(cast, 4, 1200)
    assert its_requisite(cast).quarantined_at is not None, "he and four others"


def test_staff_let_it_go_on(cast):
    unpaid(cast, 5)
    with f.act() as session:
        quarantine.lift(session, f.staff(), MoveRequisite(requisite_id=its_requisite(cast).public_id, reason="Seen"))
    assert its_requisite(cast).quarantined_at is None


def test_hours(cast):
    with f.act() as session:
        hours.set_hours(session, f.as_trader(cast.traders[0]), hours.SetHours(
            requisite_id=its_requisite(cast).public_id, begin="22:00", end="06:30"))
    assert hours.shown(its_requisite(cast)) == "22:00–06:30"

    def at(clock_face: str) -> bool:
        local = clock.local(clock.now())
        wanted = local.replace(hour=int(clock_face[:2]), minute=int(clock_face[3:]), second=0)
        with clock.moved(wanted.astimezone(UTC) - datetime.now(UTC)):
            with f.act() as session:
                hours.follow(session)
            return its_requisite(cast).off_hours

    assert [at(face) for face in ("21:59", "22:00", "23:59", "00:00", "06:29", "06:30", "12:00")] == [
        True, False, False, False, False, True, True]
    assert status(cast, "1500.00") == "retrying"
    for wrong in ({"begin": "09:00"}, {"begin": "09:00", "end": "09:00"}):
        with pytest.raises(Invalid), f.act() as session:
            hours.set_hours(session, f.as_trader(cast.traders[0]), hours.SetHours(
                requisite_id=its_requisite(cast).public_id, **wrong))
    with f.act() as session:
        hours.set_hours(session, f.as_trader(cast.traders[0]), hours.SetHours(
            requisite_id=its_requisite(cast).public_id))
    assert its_requisite(cast).off_hours is False


def one_of_eleven_is_paid(cast):
    for number in range(breaker.PAYERS_MIN + 1):
        order = f.assigned_payin(cast, f"{1000 + number}.00")
        if number == 0:
            f.confirm(f.its_trader(order), order)
        else:
            f.expire(order)


def test_one_store_of_two_stops_no_bank(cast):
    """It names its payers as it likes."""
    for _ in range(2):
        cast.requisite(cast.trader())
    f.create_payin(f.new_cast(), "50.00")
    one_of_eleven_is_paid(cast)
    with clock.moved(timedelta(minutes=10)), f.act() as session:
        assert breaker.watch(session) == []


def test_a_bank_through_which_hardly_anything_comes_stands_still(cast):
    bank = its_requisite(cast).bank
    assert bank
    for _ in range(2):  # so that no single card is quarantined
        cast.requisite(cast.trader())
    one_of_eleven_is_paid(cast)

    def watched(after: timedelta = timedelta(minutes=10)) -> list[str]:
        with clock.moved(after), f.act() as session:
            return breaker.watch(session)

    assert watched() == [bank]
    with clock.moved(timedelta(minutes=10)), f.look() as session:
        [pause] = pauses.of_parts(session)
    assert (pause.scope, pause.target, pause.by) == ("bank", bank, "system")
    assert pause.reason == "1 of the last 11 attempts through this bank were paid"
    assert watched(timedelta(minutes=11)) == [], "once"
