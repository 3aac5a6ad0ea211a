"""Dead work: what it was, again or never; and what waits, by kind."""
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal.core import clock, ids, jobs
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.jobs import Job
from portal.core.jobs import admin as jobs_admin
from tests import people
from tests.factories import (
    Cast,
    act,
    assigned_payin,
    assignment_of,
    cancel,
    confirmed_payin,
    create_payin,
    paid_payin,
)
from tests.statements import statements

KIND = "a_kind_of_the_jobs_page"


def promise(*, dead: bool = False, run_at=None) -> int:
    with act() as session:
        job = Job(kind=KIND, unique_key=ids.new_id().hex, run_at=run_at or clock.now(), attempts=3 if dead else 0,
                  last_error="ValueError('<b>what broke</b>')" if dead else None,
                  dead_at=clock.now() if dead else None)
        session.add(job)
        session.flush()
        return job.id


@pytest.fixture(autouse=True)
def _registered(app: Flask):
    yield
    with transaction() as session:
        session.query(Job).filter_by(kind=KIND).delete()


def lag() -> jobs_admin.KindLag:
    return next(line for line in jobs_admin.by_kind(reader()) if line.kind == KIND)


def test_figures_by_kind_are_the_tables() -> None:
    promise(dead=True)
    promise(run_at=clock.now() - timedelta(minutes=2))
    promise()
    promise(run_at=clock.now() + timedelta(hours=1))
    jobs.claim(KIND, limit=1, lease_s=30)
    found = lag()
    assert (found.due, found.running, found.later, found.dead) == (1, 1, 1, 1)
    assert found.oldest_s < 60, "the oldest one is in hand"


def test_dead_ones_come_with_their_error_and_go_again(admin: people.Seat) -> None:
    job = promise(dead=True)
    page = admin.get(f"/admin/jobs?kind={KIND}").get_data(as_text=True)
    assert "&lt;b&gt;what broke&lt;/b&gt;" in page
    assert admin.send(f"/admin/jobs/{job}/retry").status_code == 303
    reader().rollback()
    assert reader().get(Job, job, populate_existing=True).dead_at is None
    assert reader().query(AuditRow).filter_by(action="job.retried", target_id=str(job)).count() == 1
    assert admin.send(f"/admin/jobs/{job}/retry").status_code == 409, "it lives"


def test_dropping_takes_a_reason(admin: people.Seat) -> None:
    job = promise(dead=True)
    assert admin.send(f"/admin/jobs/{job}/drop").status_code == 422
    assert reader().get(Job, job) is not None
    assert admin.send(f"/admin/jobs/{job}/drop", {"reason": "Its order was cancelled by hand"}).status_code == 303
    reader().rollback()
    reader().expire_all()
    assert reader().get(Job, job) is None
    assert reader().query(AuditRow).filter_by(action="job.dropped", target_id=str(job)).one().reason \
        == "Its order was cancelled by hand"


def killed(kind: str, reference: object) -> int:
    """The order's promise of this kind has died."""
    with transaction() as session:
        job = session.query(Job).filter_by(kind=kind, unique_key=str(reference)).one()
        job.dead_at, job.last_error = clock.now(), "ZeroDivisionError()"
        return job.id


def said(seat: people.Seat, job: int, act: str, **form: str) -> tuple[int, str]:
    answer = seat.send(f"/admin/jobs/{job}/{act}", form)
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("kind", ["settle_order", "expire_order", "match_order", "flag_unconfirmed"])
def test_work_that_its_order_needs_is_not_dropped(app: Flask, cast: Cast, admin: people.Seat, kind: str) -> None:
    """Dropped, the order stood for ever where it stood, on no list and in no proof."""
    order = {"settle_order": confirmed_payin, "expire_order": assigned_payin, "flag_unconfirmed": paid_payin,
             "match_order": lambda cast: create_payin(cast).order}[kind](cast)
    job = killed(kind, assignment_of(order).id if kind == "expire_order" else order.id)
    status, page = said(admin, job, "drop", reason="Tidy up")
    assert (status, "Its order still needs this work" in page) == (409, True)
    refused = app.test_cli_runner().invoke(args=["jobs", "drop", str(job), "--reason", "Tidy up"])
    assert (refused.exit_code, "Its order still needs this work" in refused.output) == (1, True)
    reader().rollback()
    assert reader().get(Job, job, populate_existing=True) is not None
    assert said(admin, job, "retry")[0] == 303


def test_work_whose_order_has_ended_is_only_dropped(app: Flask, cast: Cast, admin: people.Seat) -> None:
    order = create_payin(cast).order
    job = killed("match_order", order.id)
    cancel(cast.key, order)
    status, page = said(admin, job, "retry")
    assert (status, "can only be dropped" in page) == (409, True)
    refused = app.test_cli_runner().invoke(args=["jobs", "retry", str(job)])
    assert (refused.exit_code, "can only be dropped" in refused.output) == (1, True)
    assert said(admin, job, "drop", reason="Its order was cancelled")[0] == 303


def test_what_waits_comes_soonest_first_over_all_kinds() -> None:
    later, soon = promise(run_at=clock.now() - timedelta(days=1)), promise(run_at=clock.now() - timedelta(days=2))
    with statements() as sent:
        ids_of = [job.id for job in jobs_admin.page(reader(), dead=False, limit=100)]
    assert ids_of.index(soon) < ids_of.index(later)
    assert len(sent) == 2
    assert [job.id for job in jobs_admin.page(reader(), dead=False, limit=1, kind=KIND)] == [soon]


def test_who_may_look_and_who_may_act(seat_of: Callable[[str], people.Seat]) -> None:
    job = promise(dead=True)
    for kind in ("support_readonly", "support_orders", "trader", "merchant_owner"):
        seat = seat_of(kind)
        assert seat.get("/admin/jobs").status_code == 403, kind
        assert seat.send(f"/admin/jobs/{job}/drop", {"reason": "x"}).status_code == 403, kind
    assert reader().get(Job, job) is not None


@pytest.mark.parametrize("asked", ["?state=odd", "?kind=nothing", "?kind=%00", "?kind=" + "a" * 500])
def test_odd_filters(admin: people.Seat, asked: str) -> None:
    assert admin.get(f"/admin/jobs{asked}").status_code == 200


def test_dead_work_is_taken_handed_over_and_left_when_it_lives_again(app: Flask, admin: people.Seat) -> None:
    """Two of the staff would mend the same: the row says who is on it, since when, and gives it on."""
    me, she, support = people.person("admin"), people.person("super_admin"), people.person("support_orders")
    mine, hers = people.seat(app, me), people.seat(app, she)
    job = promise(dead=True)
    page, case = f"/admin/jobs?kind={KIND}", f"/admin/cases/job_{job}"
    assert case in admin.get(page).get_data(as_text=True)
    for _ in range(2):
        taken = hers.send(case)
        assert taken.status_code == 303, "harmless twice"
    assert taken.location.endswith(f"kind={KIND}#job-{job}")
    row = hers.get(page).get_data(as_text=True)
    assert "You are on it" in row
    assert f"{she.email} is on it" in admin.get(page).get_data(as_text=True)
    assert f"job_{job}" in hers.get("/admin/cases").get_data(as_text=True)
    assert admin.send(case).status_code == 409, "a colleague was faster"
    assert admin.send(f"{case}/release").status_code == 409, "it is not theirs to release"
    assert people.seat(app, support).send(case).status_code == 404, "who sees no jobs sees no cases of them"
    assert hers.send(f"{case}/release", {"to": str(support.id)}).status_code == 422, "and is handed none"
    assert hers.send(f"{case}/release", {"to": str(me.id)}).status_code == 303
    assert f"{me.email} is on it" in hers.get(page).get_data(as_text=True)
    acts = [row.action for row in reader().query(AuditRow).filter_by(target_id=str(job)).order_by(AuditRow.id)]
    assert acts == ["case.taken", "case.handed_over"]
    assert mine.send(f"{case}/release").status_code == 303
    assert "Nobody is on it." in mine.get(page).get_data(as_text=True)
    assert mine.send(case).status_code == 303
    assert admin.send(f"/admin/jobs/{job}/retry").status_code == 303
    assert f"job_{job}" not in admin.get("/admin/cases?whose=all").get_data(as_text=True), "it waits no longer"


@pytest.mark.parametrize("number", ["0", "-1", "x", "\u0661", "9" * 18, "9" * 30, ""])
def test_a_case_of_no_job_is_not_found(admin: people.Seat, number: str) -> None:
    assert admin.send(f"/admin/cases/job_{number}").status_code == 404
