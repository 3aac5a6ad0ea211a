"""A trader's list of orders, its search and its file, in his own time zone."""
import csv
import io
from decimal import Decimal

import pytest
from sqlalchemy import update

from portal.parties.models import User
from portal.web.filters import NBSP, percent
from tests import factories, people


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


@pytest.fixture
def trader(app, cast):
    him = people.person("trader", trader_id=cast.traders[0].id)
    with factories.act() as session:
        session.execute(update(User).where(User.id == him.id).values(time_zone="Asia/Tokyo"))
    return people.seat(app, him)


def test_he_finds_an_order_and_takes_the_list_with_him(cast, trader):
    order = factories.completed_payin(cast, "3990.00")
    factories.assigned_payin(cast, "1700.00")
    page = trader.get("/trader/orders/history?q=3990")
    assert page.status_code == 200
    assert order.public_id in page.text
    assert trader.get("/trader/orders/history?state=nonsense").status_code == 422
    outside = trader.get(f"/trader/orders/history?q={order.public_id}&state=lost")
    assert "outside the other filters" in outside.text
    answer = trader.take("/trader/orders/history/export.csv?state=done")
    [row] = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert (row["Order"], row["Amount"]) == (order.public_id, "3990.00")
    assert row["Given to you (Asia/Tokyo)"].endswith("+09:00")
    assert trader.take("/trader/orders/history/export.pdf").status_code == 404


def test_the_queue_leads_to_all_of_the_day(cast, trader):
    factories.completed_payin(cast, "3990.00")
    page = trader.get("/trader/orders")
    assert "/trader/orders/history?day_from=" in page.text
    assert "3,990" in page.text or f"3{NBSP}990.00" in page.text


@pytest.mark.parametrize(("share", "shown"), [
    ("100", "100.0"), ("99.97", f">{NBSP}99.9"), ("99.9", "99.9"), ("0", "0.0"), ("0.02", f"<{NBSP}0.1"),
    ("50", "50.0")])
def test_all_is_said_of_all_only(app, share, shown):
    with app.test_request_context():
        assert percent(Decimal(share)) == f"{shown}{NBSP}%"
