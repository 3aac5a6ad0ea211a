"""PostgreSQL restarted under load (faults 4): refusals that say when to come back, and recovery without our help."""
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.core.db import db
from tests.conftest import _application, _in_context
from tests.running import ROOT, Desk, running_desk, wait_for
from tests.tasks.caller import Answer, Caller, caller_of
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once
from tests.tasks.servers import OwnPostgres, own_postgres

A_SECOND = 30
HEALTHY_WITHIN_S = 10.0
DATABASE = "quittance"


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[OwnPostgres]:
    """A server of this test alone, migrated; whatever reads the environment meanwhile finds it."""
    with own_postgres(tmp_path / "home") as server, pytest.MonkeyPatch.context() as patch:
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
def test_a_fast_restart_under_load(app: Flask, postgres: OwnPostgres, tmp_path: Path) -> None:
    record = Record(postgres.urls["DATABASE_OWNER_URL"].replace("postgresql+psycopg", "postgresql"))
    with running_desk(DATABASE, tmp_path / "desk.log", settings={"RATELIMIT_ENABLED": "false"}) as desk:
        load = Load(caller_of(desk, cast_of_four()))
        processes = _alive(desk)
        load.begin()
        wait_for(lambda: load.taken_since(0) >= A_SECOND, "orders are taken in")
        postgres.stop()
        wait_for(load.refused, "the restart is felt")
        postgres.start()
        back = time.monotonic()
        db.engine.dispose()  # this process kept connections to the server of before
        wait_for(lambda: load.taken_since(back) >= 3 * A_SECOND, "orders are taken in again, and again")
        load.end()
        _only_told_to_come_back(load.answers)
        assert load.healthy_since() - back <= HEALTHY_WITHIN_S
        load.again()
        orders = record.one("SELECT array_agg(id) FROM orders")
        assert len(orders) == load.asked, "each key made one order"
        all_matched(record, len(orders))
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty", 60)
        assert _alive(desk) == processes, "nobody was started again"
    effects_once(record, orders, settled=False)


class Load:
    """Thirty new orders a second, whatever the answers are."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.asked = caller, 0
        self.answers: list[tuple[float, int, Answer]] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        self._clock = threading.Thread(target=self._tick)
        self._clock.start()

    def end(self) -> None:
        self._over.set()
        self._clock.join()
        for thread in self._threads:
            thread.join()

    def again(self) -> None:
        """As a store's system would: every order that was not taken, with its key."""
        taken = {number for _, number, answer in self.answers if answer.status == 201}
        assert {number for number in range(self.asked) if number not in taken}, "the restart was felt"
        for number in range(self.asked):
            if number not in taken:
                assert self.caller.payin(number).status == 201

    def taken_since(self, moment: float) -> int:
        return sum(at > moment and answer.status == 201 for at, _, answer in tuple(self.answers))

    def refused(self) -> bool:
        return any(answer.status != 201 for _, _, answer in tuple(self.answers))

    def healthy_since(self) -> float:
        """When the last refusal came."""
        return max(at for at, _, answer in self.answers if answer.status != 201)

    def _tick(self) -> None:
        while not self._over.wait(1 / A_SECOND):
            self._threads.append(threading.Thread(target=self._ask, args=(self.asked,)))
            self.asked += 1
            self._threads[-1].start()

    def _ask(self, number: int) -> None:
        answer = self.caller.payin(number)
        self.answers.append((time.monotonic(), number, answer))


def _only_told_to_come_back(answers: list[tuple[float, int, Answer]]) -> None:
    refused = [answer for _, _, answer in answers if answer.status != 201]
    assert {answer.status for answer in refused} == {503}, [a.body for a in refused if a.status != 503][:3]
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json["code"] == "database_unavailable"


def _alive(desk: Desk) -> set[int]:
    return {process.pid for group in desk.processes.values() for process in group if process.poll() is None}
