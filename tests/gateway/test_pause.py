"""The whole desk stops taking orders for a while: a stable code on both roads, and whatever is open goes on."""
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from portal import reference
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import db
from portal.core.errors import Denied
from portal.reference import pausing
from tests import factories
from tests.gateway.test_fast_create import Street
from tests.running import wait_for


def stop(minutes: int = 60, message: str | None = "Back at noon") -> None:
    with factories.act() as session:
        pausing.pause(session, SYSTEM, pausing.PauseDesk(for_minutes=minutes, reason="A key has leaked",
                                                         message=message))


def go_on() -> None:
    with factories.act() as session:
        pausing.resume(session, SYSTEM, pausing.ResumeDesk())


@pytest.fixture(autouse=True)
def _afterwards(app) -> Iterator[None]:
    yield
    if reference.snapshot().pause is not None:
        go_on()


def test_a_create_is_refused_with_the_time_to_come_back(shop, payin):
    stop()
    answer = shop.post("/payins", payin())
    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "desk_paused", True)
    assert 3590 <= int(answer.headers["Retry-After"]) <= 3604, "who was refused together comes apart"
    assert answer.json["until"].endswith("Z")
    assert answer.json["notice"] == "Back at noon"
    assert "leaked" not in answer.text, "the reason is for the staff"
    assert shop.get("/payins").status_code == 200
    go_on()
    assert shop.post("/payins", payin()).status_code == 201


def test_the_fast_lane_refuses_too(app, shop, payin):
    with closing(Street(app)) as street:
        shop.get("/currencies")
        assert street.post(shop, payin())[0].status == 201
        street.by_road = 0
        assert street.post(shop, payin())[0].status == 201
        assert street.by_road == 0, "warm: this is the lane"
        stop()
        refused = street.post(shop, *[payin() for _ in range(5)])
        assert {(answer.status, answer.json["code"]) for answer in refused} == {(503, "desk_paused")}
        go_on()
        street.by_road = 0
        assert street.post(shop, payin())[0].status == 201
        assert street.by_road == 0


def test_another_process_sees_it_within_five_seconds(app, shop, payin, monkeypatch):
    """A process that was not told: it believes what it has read for a moment, and then looks."""
    assert shop.post("/payins", payin()).status_code == 201
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("portal.reference.cache.forget", lambda: None)
        stop()
    wait_for(lambda: shop.post("/payins", payin()).status_code == 503, "it is refused here", 5)


def test_what_was_accepted_before_is_answered_again(shop, payin):
    asked = payin()
    first = shop.post("/payins", asked, key="before-the-stop")
    stop()
    again = shop.post("/payins", asked, key="before-the-stop")
    assert (again.status_code, again.get_data()) == (201, first.get_data())


def test_open_orders_go_on(app):
    cast = factories.new_cast()
    cast.requisite()
    order = cast.order()
    stop()
    factories.work_off()
    order = factories.fresh(order)
    assert order.status == "assigned"
    factories.mark_paid(cast.customer(order), order)
    factories.confirm(factories.its_trader(order), order)
    factories.work_off("settle_order")
    assert factories.fresh(order).status == "completed"


def test_it_ends_by_itself_and_that_is_written_down(shop, payin):
    stop(minutes=15)
    with clock.moved(timedelta(minutes=15, seconds=1)):
        assert shop.post("/payins", payin()).status_code == 201, "nobody had to do anything"
        factories.work_off(pausing.JOB)
        row = db.session.query(AuditRow).filter_by(action="desk.resumed").order_by(AuditRow.id.desc()).first()
        assert (row.actor_name, row.reason) == ("system", "Its time was over")
        factories.work_off(pausing.JOB)
    with pytest.raises(pausing.NotPaused):
        go_on()


def test_a_new_end_replaces_the_old_one(shop, payin):
    stop(minutes=15)
    stop(minutes=60, message=None)
    with clock.moved(timedelta(minutes=20)):
        reference.forget()
        factories.work_off(pausing.JOB)
        answer = shop.post("/payins", payin())
        assert answer.status_code == 503
        assert "notice" not in answer.json
    reference.forget()


def test_a_key_or_support_cannot_stop_the_desk(app):
    for actor in (factories.staff("support_orders"), factories.new_cast().key):
        with pytest.raises(Denied), factories.act() as session:
            pausing.pause(session, actor, pausing.PauseDesk(for_minutes=5, reason="x"))
