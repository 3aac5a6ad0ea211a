"""Simulated people do what people do, and nothing that people could not."""
from datetime import timedelta

import sqlalchemy as sa

from portal import ledger
from portal.core import clock, jobs
from portal.core.db import reader, transaction
from portal.demo import load
from portal.demo.simulator import Simulator
from portal.orders.models import Order
from tests.factories import kinds

assert kinds.ALL


def test_orders_come_and_are_done(fresh_app):
    with transaction() as session:
        load.load(session, "quittance-demo-password")
    simulator = Simulator(seed=7)
    for second in range(0, 600, 10):
        with clock.moved(timedelta(seconds=second)):
            simulator.tick()
            jobs.run("match_order")
            jobs.run("settle_order")
    rows = reader().execute(sa.select(Order.status, sa.func.count()).group_by(Order.status))
    ended = dict(rows.all())
    assert ended["completed"] >= 3
    reader().rollback()
    assert not ledger.verify.run(reader()).differences
