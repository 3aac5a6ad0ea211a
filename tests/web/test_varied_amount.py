"""A varied sum is one number wherever it is told: set on the store's page, asked for, paid, searched and settled."""
import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core.access import SCOPES, SYSTEM
from portal.orders import payment_links
from portal.orders.models import Order
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Event
from tests import factories as f
from tests import people
from tests.orders.test_varied import asked

BLANKS = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


def set_up(admin: people.Seat, cast: f.Cast, vary: str) -> int:
    """The card of the store's page as staff send it."""
    store = cast.store
    form = {name: str(getattr(store, name)) for name in
            ("name", "match_for_s", "pay_for_s", "grace_s", "confirm_for_s", "late_for_s", "under_policy")}
    return int(admin.send(f"/admin/stores/{store.public_id}/setup", form | {"vary_minor": vary}).status_code)


def varied(admin: people.Seat, cast: f.Cast) -> Order:
    """The second of two orders of one sum."""
    assert set_up(admin, cast, "2") == 303
    first, second = asked(cast, 2, "8431.00")
    assert first.amount_to_pay.text == "8431.00"
    return second


def read(seat: people.Seat, page: str) -> str:
    return str(seat.get(page).text).translate(BLANKS)


@pytest.mark.parametrize("vary", ["1000", "-1", "0.5", "x"])
def test_what_is_no_number_of_minor_units_is_said_at_its_field(cast, admin, vary):
    assert set_up(admin, cast, vary) == 422
    assert f.fresh(cast.store).vary_minor == 0


def test_the_store_page_sets_it_and_takes_it_back(cast, admin):
    assert set_up(admin, cast, "2") == 303
    assert re.search(r'name="vary_minor" [^>]*value="2"', read(admin, f"/admin/stores/{cast.store.public_id}"))
    assert set_up(admin, cast, "0") == 303
    assert f.fresh(cast.store).vary_minor == 0


def test_everybody_is_told_the_same_sum(app, cast, admin):
    with f.act() as session:
        webhooks.create_endpoint(session, cast.key, CreateEndpoint(url="https://shop.example/hook", events=["*"]))
    order = varied(admin, cast)
    payer = read(people.stranger(app), payment_links.path_of(order.id))
    assert "8 430.99" in payer
    assert "8 431" not in payer, "one number, and not the one that was ordered"
    with f.act() as session:
        _, token = keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="key",
                                                          scopes=tuple(SCOPES)))
    answer = app.test_client(use_cookies=False).get(f"/gateway/v1/payins/{order.public_id}",
                                                    headers={"Authorization": f"Bearer {token}"}).json
    assert (answer["amount"], answer["amount_to_pay"]) == ("8431.00", "8430.99")
    with f.look() as session:
        told = session.scalars(select(Event).where(Event.order_id == order.id, Event.type == "payin.assigned")).one()
    assert told.payload["amount_to_pay"] == "8430.99"
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    assert "8 430.99" in read(trader, f"/trader/orders/{order.public_id}")
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    for seat, area in ((owner, "merchant"), (admin, "admin")):
        page = read(seat, f"/{area}/orders/{order.public_id}")
        assert "8 430.99" in page, area
        assert "8 431.00" in page, area


def test_staff_find_it_by_either_sum(cast, admin):
    order = varied(admin, cast)
    for wanted in ("8430.99", "8 430,99", "8431"):
        assert order.public_id in admin.get("/admin/search", query_string={"q": wanted}).text, wanted
    found = admin.get("/admin/search", query_string={"q": "8430.99"}).text.translate(BLANKS)
    assert "8 430.99" in found, "as it was looked for"
    assert order.public_id not in admin.get("/admin/search", query_string={"q": "8430.98"}).text


def test_the_store_is_told_what_it_is_settled_on(app, cast, admin):
    order = varied(admin, cast)
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    done = trader.send(f"/trader/orders/{order.public_id}/confirmation",
                       {"assignment_id": f.assignment_of(order).public_id, "received": "8430.99"})
    assert done.status_code == 303
    f.work_off("settle_order")
    assert (f.fresh(order).status, f.fresh(order).exactness) == ("completed", "exact")
