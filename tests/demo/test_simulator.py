"""Simulated people do what people do, and nothing that people could not."""
from datetime import timedelta
from random import Random

import psycopg
import pytest
import sqlalchemy as sa

from portal import ledger
from portal.core import clock, jobs
from portal.core.db import reader, transaction
from portal.demo import load, simulator
from portal.orders.models import Order
from tests import people
from tests.factories import registry

assert registry.ALL


@pytest.fixture
def demo(fresh_app):
    with transaction() as session:
        load.load(session, "quittance-demo-password")
    return fresh_app


def test_orders_come_and_are_done(demo):
    dice = Random(7)
    for second in range(0, 1200, 5):
        with clock.moved(timedelta(seconds=second)):
            simulator.tick(dice)
            jobs.run("match_order")
            jobs.run("settle_order")
    rows = reader().execute(sa.select(Order.status, sa.func.count()).group_by(Order.status))
    ended = dict(rows.all())
    assert ended["completed"] >= 3
    reader().rollback()
    assert not ledger.verify.run(reader()).differences


def test_the_switch_gives_one_move_a_second(demo):
    for _ in range(2):
        with transaction() as session:
            simulator.turn(session, on=True)
    assert simulator.is_on(reader())
    assert [simulator.drain(), simulator.drain()] == [1, 0]
    with clock.moved(timedelta(seconds=2)):
        assert simulator.drain() == 1
    with transaction() as session:
        simulator.turn(session, on=False)
    assert not simulator.is_on(reader())
    with clock.moved(timedelta(seconds=9)):
        assert simulator.drain() == 0


def test_staff_turn_it_on_from_the_desk(demo):
    admin = people.seat(demo, people.person("super_admin"))
    assert 'role="switch" aria-checked="false"' in admin.get("/admin/").get_data(as_text=True)
    assert admin.send("/admin/demo/simulator", {"on": "yes"}).status_code == 303
    assert 'role="switch" aria-checked="true"' in admin.get("/admin/").get_data(as_text=True)
    viewer = people.seat(demo, people.person("support_readonly"))
    assert 'role="switch"' not in viewer.get("/admin/").get_data(as_text=True)
    assert viewer.send("/admin/demo/simulator", {"on": "no"}).status_code == 403
    reader().rollback()
    assert simulator.is_on(reader())


def test_a_database_that_goes_away_is_no_end(demo):
    pid = reader().execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(demo.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
    simulator.tick(Random(7))
    with transaction() as session:
        assert session.scalar(sa.text("SELECT pg_backend_pid()")) != pid
