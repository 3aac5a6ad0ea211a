"""Robots stand ready for test orders, once, and never among the live ones."""
import sqlalchemy as sa

from portal.core.db import reader, transaction
from portal.requisites import robots
from portal.requisites.models import Lane, LaneMember, Requisite


def test_a_robot_is_made_once_with_a_requisite_for_each_rail(app, method):
    with transaction() as session:
        first = robots.ensure(session, "USDC", ["RUB"])
    with transaction() as session:
        assert robots.ensure(session, "USDC", ["RUB"]).id == first.id
    mine = reader().scalars(sa.select(Requisite).where(Requisite.trader_id == first.id)).all()
    assert len({(requisite.method, requisite.currency) for requisite in mine}) == len(mine)
    assert method in {requisite.method for requisite in mine}
    assert {(requisite.live, requisite.robot, requisite.status) for requisite in mine} == {(False, True, "active")}
    assert (first.robot, first.on_shift, first.status) == (True, True, "active")


def test_it_stands_on_test_lanes_only(app, method):
    with transaction() as session:
        robot = robots.ensure(session, "USDC", ["RUB"])
    lives = reader().scalars(sa.select(Lane.live).join(LaneMember).join(Requisite)
                             .where(Requisite.trader_id == robot.id).distinct()).all()
    assert lives == [False]
