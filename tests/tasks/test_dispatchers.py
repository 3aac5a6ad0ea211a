"""Two dispatchers over the same queue for ten seconds (faults 6): each effect once, each recurring slot once."""
import time
from pathlib import Path

import pytest
from flask import Flask

from tests.running import running_desk, wait_for
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once
from tests.waiting import dawdle

TOGETHER_S = 10.0
PAUSE_S = 0.1


@pytest.mark.slow
def test_two_dispatchers_do_nothing_twice(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path
                                          ) -> None:
    cast, orders = cast_of_four(), []
    with running_desk(fresh_database, tmp_path / "desk.log", "worker", "dispatcher", "dispatcher"):
        end = time.monotonic() + TOGETHER_S
        while time.monotonic() < end:
            orders.append(cast.order(f"{100 + len(orders)}.00").id)  # found by the dispatchers alone: no door pokes
            dawdle(PAUSE_S)
        all_matched(record, len(orders))
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty")
    assert record.one("SELECT count(*) FROM jobs_done WHERE kind = 'sweep_sessions'") == 1
    effects_once(record, orders, settled=False)
