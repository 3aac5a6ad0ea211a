"""A clock that is put under running processes: nobody takes work by it, and what was promised by it comes back."""
import threading
from datetime import timedelta

import pytest
from flask import Flask

from portal.core import clock, jobs
from portal.core.db import transaction
from tasks import dispatcher
from tasks.watch import Watch
from tests import factories
from tests.tasks.record import Record, cast_of_four

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> clock.Steps:
    """Of a process that has just begun."""
    monkeypatch.setattr(clock, "steps", begun := clock.Steps())
    return begun


@pytest.fixture
def drained() -> list[str]:
    return []


@pytest.fixture
def watch(fresh_app: Flask, drained: list[str], monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Redis is silent: it would ring at every look."""
    monkeypatch.setattr("tasks.watch.BELL_EVERY_S", 0)
    monkeypatch.setattr("tasks.wakeups.answers", lambda: False)
    made = Watch(lambda: fresh_app, drained.append, threading.Event())
    monkeypatch.setattr(made._threads, "submit", lambda work, kind: work(kind))
    return made


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(seconds=31)], ids=["ahead", "behind", "half a minute"])
def test_a_step_is_seen_until_it_is_undone(steps: clock.Steps, by: timedelta) -> None:
    assert steps.stepped_s() == 0
    with clock.moved(by):
        assert steps.stepped_s() == pytest.approx(by.total_seconds(), abs=5)
    assert steps.stepped_s() == 0


def test_slewing_is_no_step(steps: clock.Steps) -> None:
    """Ten minutes in all, twenty seconds at a time."""
    for seconds in range(0, 600, 20):
        with clock.moved(timedelta(seconds=seconds)):
            assert steps.stepped_s() == 0


def test_a_clock_that_stands_in_its_new_place_is_trusted(steps: clock.Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.moved(HOUR):
        assert steps.stepped_s()
        steps._seen_at -= clock.TRUSTED_AFTER_S - 5
        assert steps.stepped_s(), "not yet"
        steps._seen_at -= 5
        assert steps.stepped_s() == 0
        assert steps.stepped_s() == 0
    assert steps.stepped_s() < 0, "and what leaves it is a step"


def test_a_worker_takes_nothing_by_it_and_expires_nobody(watch: Watch, drained: list[str]) -> None:
    cast = cast_of_four()
    factories.assigned_payin(cast)
    watch.look()
    drained.clear()
    with clock.moved(HOUR):
        with transaction() as session:
            assert "expire_order" in jobs.due_kinds(session), "by that clock its time is over"
        watch.look()
        assert drained == []
    watch.look()
    assert "expire_order" not in drained


def test_a_dispatcher_turns_no_slot_of_the_future(fresh_app: Flask, record: Record) -> None:
    dispatcher.look_once()
    slots = record.one("SELECT sum(slot) FROM job_slots")
    with clock.moved(HOUR):
        dispatcher.look_once()
    assert record.one("SELECT sum(slot) FROM job_slots") == slots


def test_what_was_promised_by_it_is_due_when_it_is_back(watch: Watch, drained: list[str], record: Record) -> None:
    """On the database's own machine: its clock was ahead as well."""
    cast = cast_of_four()
    watch.look()
    with clock.moved(HOUR):
        watch.look()
        order = cast.order()
        record.change("UPDATE jobs SET run_at = created_at WHERE kind = 'match_order'")
    with transaction() as session:
        assert "match_order" not in jobs.due_kinds(session)
    watch.look()
    drained.clear()
    watch.look()
    assert "match_order" in drained
    assert factories.work_off() == 1
    assert factories.fresh(order).status == "assigned"


def test_a_promiser_whose_clock_is_ahead_hides_nothing(fresh_app: Flask) -> None:
    cast = cast_of_four()
    with clock.moved(HOUR):
        cast.order()
        with transaction() as session:
            jobs.enqueue(session, "settle_order", cast.store.id)
    with transaction() as session:
        assert {"match_order", "settle_order"} <= set(jobs.due_kinds(session))


def test_a_clock_that_was_trusted_and_is_then_set_right(watch: Watch, steps: clock.Steps, drained: list[str],
                                                        record: Record) -> None:
    """An hour of it, and what was turned and promised by it does not keep the next hour from its work."""
    cast = cast_of_four()
    watch.look()
    with clock.moved(HOUR):
        watch.look()
        steps._seen_at -= clock.TRUSTED_AFTER_S
        watch.look()
        dispatcher.look_once()
        cast.order()
        record.change("UPDATE jobs SET run_at = created_at WHERE kind = 'match_order'")
    watch.look()
    assert steps.stepped_s() < 0, "nobody knows yet which of them is right"
    ahead = record.one("SELECT count(*) FROM job_slots WHERE turned_at > now() + interval '50 minutes'")
    steps._seen_at -= clock.TRUSTED_AFTER_S
    watch.look()
    assert ahead
    assert not record.one("SELECT count(*) FROM job_slots WHERE turned_at > now() + interval '1 minute'")
    dispatcher.look_once()
    assert record.one("SELECT min(slot) FROM job_slots") > 0
    with transaction() as session:
        assert "match_order" in jobs.due_kinds(session)
