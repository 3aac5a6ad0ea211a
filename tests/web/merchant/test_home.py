"""A merchant's first page says what the books and the orders say, of this merchant only, to those who may know."""
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import update

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.ledger import store_available
from portal.orders.models import Order
from portal.orders.reading.go_live_checklist import checklist
from portal.orders.reading.merchant_day import today
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.requisites import robots
from portal.web.filters import glance
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Endpoint
from tests import factories, people
from tests.factories import look, rub


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


def opened(app, cast, template="merchant_owner") -> str:
    """The page as text."""
    answer = people.seat(app, people.person(template, merchant_id=cast.merchant.id)).get("/merchant/")
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).partition("<main")[2])
    return re.sub(r"\s+", " ", unescape(text))


def created(order: Order, at) -> None:
    """As if the store had asked for it then."""
    with factories.act() as session:
        session.execute(update(Order).where(Order.id == order.id).values(created_at=at))


def test_figures_of_today_are_those_of_the_orders(app, cast):
    factories.completed_payin(cast, "1500.00")
    factories.completed_payin(cast, "2500.50")
    factories.expire(factories.assigned_payin(cast, "900.00"))
    cast.order("700.00")
    factories.create_payin(cast, "800.00", actor=cast.test_key)
    with look() as session:
        day = today(session, [cast.store.id]).today
    assert (day.orders, day.completed, day.ended) == (4, 2, 3)
    assert day.paid == [rub("4000.50")]
    assert [sum(numbers) for numbers in zip(*day.hours, strict=True)] == [4, 2]
    page = opened(app, cast)
    assert "Orders today 4" in page
    assert "4 000.50" in page
    assert "66.7 %" in page
    assert glance(factories.balance(store_available(cast.store.id, "USDT", True))).text[:-4] in page


def test_yesterday_counts_to_the_same_time_of_day(cast):
    now, hour = clock.now(), timedelta(hours=1)
    created(cast.order("700.00"), clock.midnight_before(clock.today()) - timedelta(days=1))
    created(cast.order("800.00"), now - timedelta(days=1) + hour)
    created(cast.order("900.00"), now - timedelta(days=2) - hour)
    with look() as session:
        found = today(session, [cast.store.id])
    assert found.yesterday.orders == 1
    assert found.yesterday.conversion is None


def test_a_merchant_sees_nothing_of_another(app, cast):
    factories.completed_payin(cast, "1234.50", external_id="mine-only")
    page = opened(app, factories.new_cast())
    assert "Orders today 0" in page
    assert "1 234.50" not in page
    assert "mine-only" not in page


def test_each_part_is_for_those_who_may_read_it(app, cast):
    factories.completed_payin(cast, "1500.00")
    owed = glance(factories.balance(store_available(cast.store.id, "USDT", True))).text[:-4]
    assert owed in opened(app, cast, "merchant_finance")
    for template in ("merchant_viewer", "merchant_developer"):
        assert owed not in opened(app, cast, template)
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    assert trader.get("/merchant/").status_code == 403


def test_an_address_that_was_given_up_is_said(app, cast):
    with transaction() as session:
        made, _ = webhooks.create_endpoint(session, cast.key, CreateEndpoint(
            url="http://127.0.0.1:9/mine", events=["*"]))
    assert "127.0.0.1:9/mine" not in opened(app, cast)
    with factories.act() as session:
        session.execute(update(Endpoint).where(Endpoint.id == made.id).values(
            status="disabled", disabled_because="failing", disabled_at=clock.now()))
    assert "127.0.0.1:9/mine" in opened(app, cast)
    assert "127.0.0.1:9/mine" not in opened(app, cast, "merchant_finance")


def test_the_checklist_is_found_in_the_records(app, cast):
    def done() -> dict[str, bool]:
        with look() as session:
            return {name for name, is_done in vars(checklist(session, [cast.store.id])).items() if is_done}

    assert done() == set()
    assert "Before real customers can pay" in opened(app, cast)
    with transaction() as session:
        for live in (False, True):
            keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=live, name="k",
                                                         scopes=("orders:read",)))
        webhooks.create_endpoint(session, cast.key, CreateEndpoint(url="http://127.0.0.1:9/hook", events=["*"]))
    assert done() == {"test_key", "live_key", "endpoint"}
    with factories.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    order = cast.order("800.00", actor=cast.test_key)
    factories.work_off()
    cast.order("700.00")
    assert done() == {"test_key", "live_key", "endpoint", "live_order"}, "a test order that was only sent"
    assert "Have a test order completed" in opened(app, cast)
    factories.mark_paid(cast.customer(order), order)
    factories.confirm(factories.staff(), order)
    factories.work_off("settle_order")
    assert len(done()) == 5
    assert "Before real customers can pay" not in opened(app, cast)
