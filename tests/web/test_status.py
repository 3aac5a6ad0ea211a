"""The public page of how the desk is: words, no figures, and without a database too."""
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from flask import Flask

from portal.core import clock, jobs
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.reference import pausing
from portal.web import status
from tests import factories as f
from tests import people


@pytest.fixture(autouse=True)
def _looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "KEPT_S", -1.0)


@pytest.fixture
def at_work(fresh_app: Flask) -> Flask:
    """As a dispatcher and a worker leave it that have just done something."""
    now = clock.now()
    with transaction() as session:
        session.add(jobs.JobSlot(kind="prove_ledger", slot=1, turned_at=now))
        session.add(jobs.DoneJob(id=1, kind="prove_ledger", unique_key="1", attempts=0, lost=0, done_at=now,
                              created_at=now))
    return fresh_app


def page(app: Flask) -> str:
    answer = app.test_client().get("/status")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_all_works_and_what_waits_too_long_is_slow(at_work: Flask) -> None:
    assert "All works" in page(at_work)
    with transaction() as session:
        jobs.enqueue(session, "settle_order", new_id(), run_at=clock.now() - timedelta(minutes=2))
    assert "Something is slow" in page(at_work)


def test_a_paused_desk_says_so(at_work: Flask) -> None:
    with transaction() as session:
        pausing.pause(session, f.staff("admin"), pausing.PauseDesk(what="desk", for_minutes=30, reason="Moving"))
    shown = page(at_work)
    assert "No new orders just now" in shown
    assert "Moving" not in shown, "the reason is staff's"


def test_nobody_works(fresh_app: Flask) -> None:
    assert "Something is down" in page(fresh_app)


def test_what_the_database_refuses_is_down(at_work: Flask, fresh_database: str,
                                               url_of: Callable[[str, str], str]) -> None:
    with psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner:
        owner.execute("ALTER TABLE jobs RENAME TO gone")
    assert "Something is down" in page(at_work)


def test_addresses_that_others_know_lead_on(app: Flask) -> None:
    seat = people.seat(app, people.person("admin"))
    assert seat.get("/admin/switches").headers["Location"].endswith("/admin/pause")
    assert seat.get("/admin/review").headers["Location"].endswith("/admin/risk/reviews")
    assert seat.get("/admin/reconciliation").headers["Location"].endswith("/admin/proof")
