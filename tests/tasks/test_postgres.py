"""PostgreSQL restarted and crashed under load (faults 4): nothing acknowledged is lost, refusals say when to come back.

It recovers without our help.
"""
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.core.db import db
from tests.conftest import _application, _in_context
from tests.running import ROOT, Desk, running_desk, wait_for
from tests.tasks.caller import caller_of
from tests.tasks.load import Load, stand_once, under_load
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once
from tests.tasks.servers import OwnPostgres, own_postgres

A_SECOND = 30
HEALTHY_WITHIN_S = 10.0
COME_BACK = {"database_unavailable", "outcome_unknown"}
DATABASE = "quittance"


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[OwnPostgres]:
    """A server of this test alone, migrated; whatever reads the environment meanwhile finds it.

    Durable: what it has acknowledged outlives a crash.
    """
    with own_postgres(tmp_path / "home", durable=True) as server, pytest.MonkeyPatch.context() as patch:
        for name, url in server.urls.items():
            patch.setenv(name, url)
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, check=True, capture_output=True,
                       env={**os.environ, "FLASK_APP": "wsgi.py"})
        yield server


@pytest.fixture
def app(postgres: OwnPostgres, redis_url: str) -> Iterator[Flask]:
    with _application(DATABASE, redis_url) as made, _in_context(made):
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "times"), [
    pytest.param("fast", 1, id="restarted"),
    pytest.param("immediate", 5, id="crashed five times", marks=pytest.mark.timeout(900))])
def test_postgres_stops_under_load(app: Flask, postgres: OwnPostgres, tmp_path: Path, mode: str, times: int) -> None:
    """`immediate`: nothing is written down any more, and its log is all that the server begins anew from."""
    record = Record(postgres.urls["DATABASE_OWNER_URL"].replace("postgresql+psycopg", "postgresql"))
    with (running_desk(DATABASE, tmp_path / "desk.log", settings={"RATELIMIT_ENABLED": "false"}) as desk,
          under_load(caller_of(desk, cast_of_four()), A_SECOND) as load):
        processes = _alive(desk)
        wait_for(lambda: load.taken_since(0) >= A_SECOND, "orders are taken in")
        for _ in range(times):
            _stopped_and_started(postgres, mode, load)
        load.end()
        _only_told_to_come_back(load)
        load.again()
        orders = stand_once(record, load.asked, load.acked)
        all_matched(record, len(orders))
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty", 60)
        assert _alive(desk) == processes, "nobody was started again"
    effects_once(record, orders, settled=False)


def _stopped_and_started(postgres: OwnPostgres, mode: str, load: Load) -> None:
    stopped = time.monotonic()
    postgres.stop(mode)
    wait_for(lambda: load.refused_since(stopped), "it is felt")
    postgres.start()
    back = time.monotonic()
    db.engine.dispose()  # this process kept connections to the server of before
    wait_for(lambda: load.taken_since(back) >= 3 * A_SECOND, "orders are taken in again, and again")
    last = max(at for at, _ in load.refused_since(stopped))
    print(f"{mode}: back after {back - stopped:.1f} s, the last refusal {last - back:.1f} s later")  # noqa: T201
    assert last - back <= HEALTHY_WITHIN_S


def _only_told_to_come_back(load: Load) -> None:
    refused = [answer for _, answer in load.refused_since(0)]
    assert {answer.status for answer in refused} == {503}, [a.body for a in refused if a.status != 503][:3]
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json["code"] in COME_BACK


def _alive(desk: Desk) -> set[int]:
    return {process.pid for group in desk.processes.values() for process in group if process.poll() is None}
