"""Live and test are apart: a test order only ever gets a robot, a live one never."""
import pytest
from sqlalchemy import select

from portal import ledger
from portal.core.errors import NotFound
from portal.orders import queries
from portal.parties.models import Trader
from portal.requisites import robots
from portal.requisites.models import Requisite
from tests import factories as f


@pytest.fixture
def robot(cast) -> Trader:
    """With a requisite for the rail of this test."""
    with f.act() as session:
        return robots.ensure(session, "USDT", methods=[cast.method])


def test_a_test_order_gets_a_robot_though_people_are_there(cast, robot):
    cast.requisite()
    order = cast.order(actor=cast.test_key)
    f.work_off()
    assignment = f.assignment_of(order)
    assert assignment.trader_id == robot.id
    with f.look() as session:
        requisite = session.get_one(Requisite, assignment.requisite_id)
    assert (requisite.live, requisite.robot) == (False, True)
    assert f.trader_held(cast.traders[0]) == f.usdt("0.000000")


def test_a_test_order_never_gets_a_person(cast):
    cast.requisite()
    order = cast.order(actor=cast.test_key)
    f.work_off()
    assert f.fresh(order).status == "retrying"


def test_a_live_order_never_gets_a_robot(cast, robot):
    order = cast.order()
    f.work_off()
    assert f.fresh(order).status == "retrying"


def test_a_robot_knows_no_limits_and_no_same_amount(cast, robot):
    orders = [cast.order("100000.00", actor=cast.test_key) for _ in range(25)]
    f.work_off()
    assert {f.fresh(order).status for order in orders} == {"assigned"}


def test_test_money_stays_test_money(cast, robot):
    f.work_off("settle_order")  # what other tests left to settle would count as live fees
    before = f.trader_available(robot, live=False), f.trader_held(robot, live=False), _fees(live=True)
    order = cast.order(actor=cast.test_key)
    f.work_off()
    assert f.trader_held(robot, live=False) - before[1] == order.settlement
    assert f.trader_available(robot, live=False) == before[0]  # paid in as it was needed
    f.mark_paid(cast.customer(order), order)
    f.confirm(f.staff(), order)
    f.work_off("settle_order")
    assert f.store_available(cast.store, live=False) == order.net
    assert f.store_available(cast.store) == f.usdt("0.000000")
    assert _fees(live=True) == before[2]


def test_a_cancelled_test_order_gives_everything_back(cast, robot):
    open_before = f.fresh(robot).open_orders
    order = cast.order(actor=cast.test_key)
    f.work_off()
    f.cancel(cast.test_key, order)
    assert f.fresh(robot).open_orders == open_before
    assert f.fresh(order).status == "cancelled"


def test_a_key_sees_its_own_mode_only(cast):
    live, test = cast.order(), cast.order(actor=cast.test_key)
    with f.look() as session:
        assert [o.id for o in session.scalars(queries.visible_to(cast.key))] == [live.id]
        assert [o.id for o in session.scalars(queries.visible_to(cast.test_key))] == [test.id]
        with pytest.raises(NotFound):
            queries.find(session, cast.test_key, live.public_id)


def test_robots_are_made_once_for_sixteen_at_once(app, cast):
    def ensure():
        with f.act() as session:
            return robots.ensure(session, "USDT", methods=[cast.method]).id

    assert len(set(f.at_the_same_time(app, [ensure] * 16))) == 1
    with f.look() as session:
        made = session.scalars(select(Requisite.trader_id).where(Requisite.method == cast.method)).all()
    assert len(made) == len(set(made)) == len(robots.TIERS)


def _fees(live: bool):
    return f.balance(ledger.FEES("USDT", live))
