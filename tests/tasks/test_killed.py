"""Workers killed with work in their hands (faults 1): nothing lost, nothing twice, the books whole."""
import time
from pathlib import Path

import pytest
from flask import Flask

from tests.running import Desk, running_desk, wait_for
from tests.tasks.record import (
    MOMENTS,
    OF_ORDERS,
    Record,
    all_matched,
    all_settled,
    cast_of_four,
    confirm_all,
    effects_once,
    orders_of,
    seeded,
)

AT_ONCE = 2  # workers
TAKEN_UP_WITHIN_S = 60


@pytest.mark.parametrize(("count", "matching", "settling"), [
    pytest.param(150, 2, 1, id="6 killed over 300 jobs"),
    pytest.param(750, 5, 5, id="20 killed over 1,500 jobs",
                 marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_workers_killed_over_many_jobs(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path,
                                       count: int, matching: int, settling: int) -> None:
    """Each order is matched and settled: two jobs. Two workers are killed so many times over each."""
    chance = seeded(7)
    orders = orders_of(cast_of_four(), count)
    record.no_housekeeping()
    with running_desk(fresh_database, tmp_path / "desk.log", "dispatcher") as desk:
        for moment in chance.choices(MOMENTS, k=matching):
            _killed_at(moment, desk, record)
        desk.start(*["worker"] * AT_ONCE)
        all_matched(record, count)
        with record.held(("jobs_done", "SHARE")):
            confirm_all(orders)
            wait_for(lambda: record.in_hand("settle_order"), "settlement is under way")
            _kill_all(desk)
        record.leases_run_out()
        for _ in range(settling - 1):
            _killed_at(("jobs_done", "SHARE"), desk, record)
        desk.start("worker")
        all_settled(record, count)
    lost = record.one("SELECT array_agg(DISTINCT kind ORDER BY kind) FROM jobs_done WHERE lost > 0 AND kind = ANY(%s)",
                      list(OF_ORDERS))
    assert lost == [*OF_ORDERS], "the killed had work in hand"
    effects_once(record, orders)


@pytest.mark.slow
def test_a_killed_workers_work_is_taken_up_within_a_minute(fresh_app: Flask, fresh_database: str, record: Record,
                                                           tmp_path: Path) -> None:
    """By the lease alone: nobody helps the clock here."""
    orders = orders_of(cast_of_four(), 20)
    record.no_housekeeping()
    with running_desk(fresh_database, tmp_path / "desk.log", "dispatcher") as desk:
        with record.held(("jobs_done", "SHARE")):
            desk.start("worker")
            wait_for(record.in_hand, "work is under way")
            desk.kill("worker")
        died = time.monotonic()
        desk.start("worker")
        wait_for(lambda: record.done("match_order") == len(orders), "all is done", TAKEN_UP_WITHIN_S)
        print(f"taken up after {time.monotonic() - died:.1f} s")  # noqa: T201
    effects_once(record, orders, settled=False)


def _killed_at(moment: tuple[str, str], desk: Desk, record: Record) -> None:
    with record.held(moment):
        desk.start(*["worker"] * AT_ONCE)
        wait_for(record.in_hand, "work is under way")
        _kill_all(desk)
    record.leases_run_out()


def _kill_all(desk: Desk) -> None:
    for _ in range(AT_ONCE):
        desk.kill("worker")
