"""A developer goes through the list before going live alone, with a test key and nothing else."""
import re

import pytest
from sqlalchemy import update

from portal.core import clock, jobs
from portal.core.access import SCOPES, SYSTEM
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.orders.robots_turn import AFTER
from portal.parties import keys, stores
from portal.parties.commands import CreateKey, MoveStore
from portal.requisites import robots, test_outcomes
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint, Ping
from portal.webhooks.models import Delivery
from tests import factories as f
from tests import people

BASE = "/gateway/v1"


@pytest.fixture
def cast(app) -> f.Cast:
    cast = f.new_cast(under_policy="accept")
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    return cast


def opened(app, cast, template="merchant_owner") -> str:
    seat = people.seat(app, people.person(template, merchant_id=cast.merchant.id))
    return seat.get("/merchant/developers").get_data(as_text=True)


def done(page: str) -> list[str]:
    return re.findall(r'data-step="([^"]+)" data-done="yes"', page)


def test_each_step_ticks_itself_off(app, client, cast):
    assert done(opened(app, cast)) == []
    with transaction() as session:
        _, token = keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=False, name="key",
                                                          scopes=tuple(SCOPES)))
        endpoint, _ = webhooks.create_endpoint(session, cast.test_key, CreateEndpoint(
            url="http://127.0.0.1:9/hook", events=["*"]))
        webhooks.ping(session, cast.test_key, Ping(endpoint_id=endpoint.public_id))

    def call(path, body, key=None):
        return client.post(BASE + path, json=body, headers={
            "Authorization": f"Bearer {token}", "Idempotency-Key": key or new_id().hex})

    def payin(amount, external_id=None, key=None):
        return call("/payins", {"external_id": external_id or new_id().hex, "amount": amount, "currency": "RUB",
                                "method": cast.method}, key)

    for amount in ("1500.00", "1500.04", "1500.06", "1500.02", "1500.08"):
        made = payin(amount).json
        answer = call(f"/payins/{made['id']}/advance", {"seconds": 86_400}).json
        assert answer["status"] == ("expired" if amount.endswith("04") else "failed" if amount.endswith("06")
                                    else "completed")
    paid_out = call("/payouts", {"external_id": "p", "amount": "500.00", "currency": "RUB", "destination": {
        "method": cast.method, "number": robots.test_number("luhn16", "x")}}).json
    assert call(f"/payouts/{paid_out['id']}/advance", {"seconds": 60}).json["status"] == "completed"
    for _ in range(2):
        payin("1500.00", external_id="twice", key="twice")
    with f.act() as session:  # its answer came, as the sender notes it
        session.execute(update(Delivery).where(Delivery.endpoint_id == endpoint.id).values(state="delivered"))
    page = opened(app, cast)
    assert done(page) == ["key", "answered", "payin.completed", "payin.expired", "payin.failed", "other_amount",
                          "payin.disputed", "payout.completed", "replayed"]
    assert "9 of 9 tried" in page
    assert "May go live" in page


def test_it_says_what_to_do_where_the_store_may_not_be_live(app, cast):
    with transaction() as session:
        stores.move(session, SYSTEM, MoveStore(store_id=cast.store.id, status="suspended", reason="test"))
    page = opened(app, cast)
    assert "Waits for the desk: Bookshop" in page
    assert "Make a live key" not in page


def test_live_orders_and_other_merchants_tick_nothing(app, cast):
    f.completed_payin(cast)
    other = f.new_cast()
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[other.method])
    order = other.order(actor=other.test_key)
    f.work_off()
    f.mark_paid(other.customer(order), order)
    with clock.moved(robots_after()):
        jobs.run(test_outcomes.PLAY)
        f.work_off("settle_order")
    with clock.moved(robots_after() * 2):
        jobs.run(test_outcomes.PLAY)
    assert f.fresh(order).status == "completed"
    assert done(opened(app, other)) == ["payin.completed"]
    assert done(opened(app, cast)) == []


def robots_after():

    return AFTER * 2
