"""The whole desk stops taking orders for a while: a stable code on both roads, and whatever is open goes on."""
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from portal import reference
from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import db
from portal.core.errors import Denied, Invalid
from portal.parties.models import Trader
from portal.reference import pausing
from portal.reference.pauses import PartlyPaused
from portal.requisites import hindrances
from portal.requisites.models import Requisite
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


def stop_part(what: str, *, later: int = 0, store: object = None) -> pausing.DeskPause:
    def find(store_id: str) -> pausing.StoreToPause:
        return pausing.StoreToPause(store.id, store.name, store.merchant_id)

    with factories.act() as session:
        return pausing.pause(session, SYSTEM, pausing.PauseDesk(
            what=what, begins_in_minutes=later, for_minutes=60, reason="The bank is down", message="Bank is down"),
            find)


def end_part(pause: pausing.DeskPause) -> None:
    with factories.act() as session:
        pausing.resume_part(session, SYSTEM, pausing.ResumePart(pause_id=ids.public("pau", pause.id)))


@pytest.mark.parametrize("part", ["method", "bank", "direction", "store"])
def test_a_part_stands_still_and_the_rest_goes_on(app, part):
    cast = factories.new_cast()
    cast.requisite()
    what = {"method": f"method:{cast.method}", "bank": "bank:sber", "direction": "direction:payout",
            "store": "store:x"}[part]
    made = stop_part(what, store=cast.store)
    try:
        with pytest.raises(PartlyPaused) as refused:
            if part == "direction":
                factories.create_payout(cast)
            else:
                factories.create_payin(cast, bank="sber")
        assert refused.value.details["part"] == part
        assert refused.value.retry_after_s
        other = factories.new_cast()
        factories.create_payin(other, "1500.00", bank="alfa")
        with clock.moved(timedelta(minutes=61)):
            factories.create_payin(cast, "1501.00", bank="sber")
    finally:
        end_part(made)
    factories.create_payin(cast, "1502.00", bank="sber")


def test_the_lane_refuses_a_part_with_its_code(app, shop, payin):
    asked = payin()
    made = stop_part("direction:payin")
    try:
        with closing(Street(app)) as street:
            [refused] = street.post(shop, asked)
    finally:
        end_part(made)
    assert (refused.status, refused.json["code"], refused.json["part"]) == (503, "partly_paused", "direction")
    assert refused.json["notice"] == "Bank is down"
    assert "leaked" not in str(refused.json)
    assert shop.post("/payins", asked).status_code == 201


def test_what_is_announced_holds_from_its_time_on(app):
    cast = factories.new_cast()
    made = stop_part(f"method:{cast.method}", later=120)
    try:
        factories.create_payin(cast, "1500.00")
        with clock.moved(timedelta(hours=2, minutes=1)), pytest.raises(PartlyPaused):
            factories.create_payin(cast, "1501.00")
    finally:
        end_part(made)


def test_a_bank_that_stands_still_gets_no_orders_that_name_none(app):
    cast = factories.new_cast()
    cast.requisite(bank="tbank")
    made = stop_part("bank:tbank")
    try:
        order = cast.order()
        factories.work_off()
        assert factories.fresh(order).status == "retrying"
        with factories.look() as session:
            trader = session.get_one(Trader, cast.traders[0].id)
            [card] = session.query(Requisite).filter_by(trader_id=trader.id).all()
            [told] = hindrances.hindrances(session, trader, [card])[card.id]
        assert told.because == "bank_paused"
    finally:
        end_part(made)
    with clock.moved(timedelta(seconds=30)):
        factories.work_off()
    assert factories.fresh(order).status == "assigned"


@pytest.mark.parametrize("what", ["bank:none", "moon:1", "store:str_1", "desk:x", "direction:sideways", "method:"])
def test_what_is_no_part_is_refused(app, what):
    with pytest.raises(Invalid), factories.act() as session:
        pausing.pause(session, SYSTEM, pausing.PauseDesk(what=what, for_minutes=5, reason="x"))
