"""Workers in bad weather: no database, no Redis, killed with work in hand. Nobody else waits for what they miss."""
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from flask import Flask

from portal.core import jobs
from portal.core.db import db
from portal.core.jobs import KINDS
from tasks import app as worker
from tasks import dispatcher
from tasks import watch as watching
from tasks.watch import Watch
from tests.running import Desk, running_desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.record import Record, cast_of_four, effects_once, orders_of
from tests.tasks.servers import own_valkey

NOBODY_THERE = "postgresql+psycopg://quittance_app:none@127.0.0.1:1/nothing"
FIRST_MAX_S = 0.8  # an order that a well worker hears of at once, on a busy machine
MATCHED_WITHIN_S = 2.0
TAKEN_UP_WITHIN_S = 25.0  # a lease of 8, a look of the dispatcher, and a worker that starts on a busy machine


def waited_s(record: Record) -> list[float]:
    """From the order to its requisite, by the database's own times, in the order they came in."""
    found = record.one("""
        SELECT array_agg(extract(epoch FROM assigned.created_at - made.created_at)::float8 ORDER BY made.created_at)
          FROM order_events made JOIN order_events assigned USING (order_id)
         WHERE made.to_status = 'new' AND assigned.to_status = 'assigned'""")
    return list(found or [])


def asked(caller: Caller, record: Record, numbers: range) -> list[float]:
    """What each of these orders waited; one after the other."""
    for number in numbers:
        assert caller.payin(number).status == 201
        wait_for(lambda done=number + 1: len(waited_s(record)) == done, f"order {number} is matched", 10)  # type: ignore[misc]
    return waited_s(record)[numbers.start:]


@pytest.mark.slow
def test_a_worker_without_a_database_leaves_the_wake_ups_to_others(fresh_app: Flask, fresh_database: str,
                                                                  record: Record, tmp_path: Path) -> None:
    """It took every second message, failed, and the order waited for the next one: no dispatcher runs here."""
    with running_desk(fresh_database, tmp_path / "desk.log", "web", "worker") as desk:
        caller = caller_of(desk, cast_of_four())
        asked(caller, record, range(2))
        sick = Desk(fresh_database, tmp_path / "sick.log", desk.environment | {"DATABASE_URL": NOBODY_THERE})
        sick.start("worker")
        try:
            wait_for(lambda: b"database_unavailable" in sick.log.read_bytes() or not asked(
                caller, record, range(len(waited_s(record)), len(waited_s(record)) + 1)), "the sick one took one", 20)
            waits = asked(caller, record, range(len(waited_s(record)), len(waited_s(record)) + 20))
        finally:
            sick.stop()
    print(f"longest wait beside a worker without a database: {max(waits):.3f} s")  # noqa: T201
    assert max(waits) < FIRST_MAX_S


def test_matching_goes_on_without_redis(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path) -> None:
    """The cache was a single point of failure of the desk's main promise."""
    with own_valkey() as valkey, running_desk(fresh_database, tmp_path / "desk.log", settings={
            "REDIS_URL": valkey.url, "RATELIMIT_ENABLED": "false"}) as desk:
        caller = caller_of(desk, cast_of_four())
        asked(caller, record, range(2))
        valkey.kill()
        waits = asked(caller, record, range(2, 8))
        valkey.start()
        orders = record.one("SELECT array_agg(id) FROM orders")
    print(f"longest wait without Redis: {max(waits):.3f} s")  # noqa: T201
    assert max(waits) < MATCHED_WITHIN_S
    effects_once(record, orders, settled=False)


def test_what_a_killed_worker_held_waits_no_longer_than_the_customer(fresh_app: Flask, fresh_database: str,
                                                                     record: Record, tmp_path: Path) -> None:
    """By the lease alone: nobody helps the clock here."""
    assert KINDS["match_order"].lease_s <= 10
    orders = orders_of(cast_of_four(), 5)
    with running_desk(fresh_database, tmp_path / "desk.log", "dispatcher") as desk:
        with record.held(("match_tries", "SHARE")):  # the desk's own housekeeping goes on meanwhile
            desk.start("worker")
            wait_for(record.in_hand, "work is under way")
            desk.kill("worker")
        died = time.monotonic()
        desk.start("worker")
        wait_for(lambda: record.done("match_order") == len(orders), "all is done", TAKEN_UP_WITHIN_S)
        print(f"taken up after {time.monotonic() - died:.1f} s")  # noqa: T201
    effects_once(record, orders, settled=False)


def test_the_database_is_asked_for_and_once_it_is_back_all_work_is_looked_for(app: Flask) -> None:
    rung, away = [], Event()
    away.set()
    watch = Watch(lambda: app, rung.append, away)
    watch._ring = lambda: rung.append("all")  # type: ignore[method-assign]
    watch.look()
    assert (away.is_set(), rung) == (False, ["all"])


def test_the_bell_rings_for_customers_first_says_what_failed_and_keeps_a_thread_from_long_work(
        app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error behind the bell was lost, and two long proofs would have kept it from matching."""
    long, failed, rung, at_work, proved = "test_long", [], list[str](), Event(), Event()
    monkeypatch.setitem(KINDS, long, replace(KINDS["prove_ledger"], name=long))
    due = [long, "prove_ledger", "match_order"]
    monkeypatch.setattr(jobs, "due_kinds", lambda session: due)
    monkeypatch.setattr(watching.log, "exception", lambda event, **told: failed.append((event, told["kind"])))

    def drain(kind: str) -> None:
        rung.append(kind)
        if kind == "match_order":
            raise ZeroDivisionError
        at_work.set()
        assert proved.wait(10)

    watch = Watch(lambda: app, drain, Event())
    with app.app_context():
        watch._ring()
        wait_for(lambda: watch._ringing == {"prove_ledger"} and at_work.is_set(), "matching ended", 5)
        assert failed == [("bell_failed", "match_order")]
        assert rung[0] == "match_order"
        watch._ring()
        wait_for(lambda: len(failed) == 2, "matching has its thread beside the long one", 5)
        assert sorted(rung) == ["match_order", "match_order", "prove_ledger"]
        proved.set()
        wait_for(lambda: not watch._ringing, "all threads are free", 5)


def test_no_wake_up_is_taken_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    taken: list[str] = []
    monkeypatch.setattr(worker.huey.storage, "dequeue", lambda: taken.append("one"))
    monkeypatch.setattr(worker, "away", Event())
    worker.away.set()
    assert worker.huey.dequeue() is None
    assert taken == []
    worker.away.clear()
    worker.huey.dequeue()
    assert taken == ["one"]


def test_weather_is_no_fault_of_the_dispatcher(app: Flask) -> None:
    """A lock or a statement that takes too long while a standby is frozen was a traceback, each second."""
    from psycopg.errors import DeadlockDetected, QueryCanceled, UndefinedTable
    from sqlalchemy.exc import DBAPIError

    said = {kind: dispatcher.is_weather(DBAPIError("look", {}, kind())) for kind in (
        QueryCanceled, DeadlockDetected, UndefinedTable)}
    assert said == {QueryCanceled: True, DeadlockDetected: True, UndefinedTable: False}
    assert db
