"""Workers asked to stop with every drain busy (faults 2): they finish what they hold, nothing is left or repeated."""
from pathlib import Path

import pytest
from flask import Flask

from tasks import wakeups
from tests.running import running_desk, wait_for
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once, orders_of, seeded

ORDERS = 600  # who is stopping may begin a batch or two more before it hears of it
STOPS = 3
EXIT_MAX_S = 30


@pytest.mark.slow
def test_three_stops_with_both_drains_busy(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path
                                           ) -> None:
    seeded(11)
    orders = orders_of(cast_of_four(), ORDERS)
    with running_desk(fresh_database, tmp_path / "desk.log", "dispatcher") as desk:
        for _ in range(STOPS):
            with record.held(("orders", "EXCLUSIVE")):
                desk.start("worker")
                wait_for(lambda: wakeups.poke("match_order") or record.in_hand() == 2,
                         "another has joined the stuck one")
                worker = desk.ask_to_stop("worker")
            assert worker.wait(EXIT_MAX_S) == 0
            assert record.one("SELECT count(*) FROM jobs WHERE lease IS NOT NULL") == 0, "all is finished or given back"
        desk.start("worker")
        all_matched(record, ORDERS)
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty")
    assert record.one("SELECT coalesce(sum(lost), 0) FROM jobs_done") == 0, "no lease ran out"
    effects_once(record, orders, settled=False)
