"""Robots stand ready for test orders, once, and never among the live ones."""
import pytest
import sqlalchemy as sa

from portal.core import crypto
from portal.core.db import reader, transaction
from portal.core.ids import new_id
from portal.parties.models import Merchant, Store, StoreCurrency, Trader
from portal.requisites import robots
from portal.requisites.models import Lane, LaneMember, Requisite


@pytest.fixture
def store(method):
    """One that takes rubles by the method, settled in a currency other tests leave alone."""
    with transaction() as session:
        id, merchant = new_id(), Merchant(id=new_id(), name="Merchant", status="active")
        session.add(merchant)
        session.flush()
        session.add(Store(id=id, merchant_id=merchant.id, slug=f"s{id.hex}", name="Store", settlement_currency="USDC",
                          data_key=crypto.new_data_key(f"stores|data_key|{id}")))
        session.flush()
        session.add(StoreCurrency(store_id=id, currency="RUB", min_minor=1, max_minor=10**9, methods=[method]))
    return id


def test_a_robot_is_made_once_with_a_requisite_for_each_rail(app, store, method):
    with transaction() as session:
        first = robots.ensure(session, "USDC", methods=[method])
    with transaction() as session:
        assert robots.ensure(session, "USDC", methods=[method]).id == first.id
    mine = reader().scalars(sa.select(Requisite).where(Requisite.trader_id == first.id)).all()
    assert len({(requisite.method, requisite.currency) for requisite in mine}) == len(mine)
    assert method in {requisite.method for requisite in mine}
    assert {(requisite.live, requisite.robot, requisite.status) for requisite in mine} == {(False, True, "active")}
    assert (first.robot, first.on_shift, first.status) == (True, True, "active")


def test_there_are_two_and_each_has_the_rail(app, store, method):
    with transaction() as session:
        robots.ensure(session, "USDC", methods=[method])
    found = reader().execute(sa.select(Trader.tier, Requisite.payin, Requisite.payout).join(
        Requisite, Requisite.trader_id == Trader.id).where(Requisite.method == method).order_by(Trader.tier)).all()
    assert [tuple(row) for row in found] == [(1, True, True), (2, True, True)]


def test_it_stands_on_test_lanes_only(app, store, method):
    with transaction() as session:
        robot = robots.ensure(session, "USDC", methods=[method])
    lives = reader().scalars(sa.select(Lane.live).join(LaneMember).join(Requisite)
                             .where(Requisite.trader_id == robot.id).distinct()).all()
    assert lives == [False]
