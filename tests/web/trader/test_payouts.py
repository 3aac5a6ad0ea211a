"""A trader's payouts by pages alone: offered, accepted, the recipient seen, sent with a receipt."""
from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import files
from portal.files.storage import storage
from tests import factories as f
from tests import people

NUMBER = "2200150000000007"


@pytest.fixture
def cast(app):
    cast = f.new_cast()
    cast.requisite(payout=True)
    return cast


@pytest.fixture
def trader(app, cast):
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


def offered(cast):
    return f.assigned_payout(cast, destination={"method": cast.method, "number": NUMBER, "holder": "Anna Petrova"})


def act(seat, order, noun, **fields):
    sent = {"csrf_token": seat.token, "assignment_id": f.assignment_of(order).public_id} | fields
    boundary, body = encode_multipart(sent)
    return seat.post(f"/trader/payouts/{order.public_id}/{noun}", data=body,
                     content_type=f"multipart/form-data; boundary={boundary}")


def receipt(width=90, height=120):
    return FileStorage(BytesIO(f.picture(width, height)), "receipt.png")


def test_from_the_offer_to_the_receipt(cast, trader):
    order = offered(cast)
    page = f"/trader/payouts/{order.public_id}"
    assert order.public_id in trader.get("/trader/payouts").text
    before = trader.get(page).text
    assert "Accept the payout" in before
    assert NUMBER not in before
    assert "Anna" not in before
    assert act(trader, order, "acceptance").status_code == 303
    accepted = trader.get(page).text
    assert NUMBER in accepted  # to be copied
    assert "Anna Petrova" in accepted
    assert 'data-copy="1500.00"' in accepted, "as a bank's field takes it: without blanks, with a point"
    assert act(trader, order, "payment", receipt=receipt()).status_code == 303
    assert f.fresh(order).status == "paid"
    paid = trader.get(page).text
    assert "receipt.png" in paid
    f.agree(cast.key, order)
    f.work_off("settle_order")
    over = trader.get(page).text
    assert NUMBER not in over
    assert "Anna" not in over
    assert "You got back" in over


@pytest.mark.parametrize("size", [(300, 500), (1000, 1300)])
def test_a_photograph_of_some_megabytes_is_taken(cast, trader, size):
    """Half a megabyte was “too large”: pieces of a file were held to the memory of a form's fields."""
    order = offered(cast)
    act(trader, order, "acceptance")
    assert act(trader, order, "payment", receipt=receipt(*size)).status_code == 303
    assert f.fresh(order).status == "paid"


@pytest.mark.parametrize(("sent", "says"), [
    ({}, "Attach the receipt of your bank."),
    ({"receipt": FileStorage(BytesIO(b"<html>"), "a.png")}, "“a.png” is no picture or PDF that can be read.")])
def test_without_a_receipt_nothing_is_paid(cast, trader, sent, says):
    order = offered(cast)
    act(trader, order, "acceptance")
    answer = act(trader, order, "payment", **sent)
    assert answer.status_code == 422
    assert says in answer.text
    assert f.fresh(order).status == "assigned"


@pytest.mark.parametrize("second", [b"<html>", f.picture()])
def test_a_refusal_leaves_no_receipt_behind(cast, trader, tmp_path, second):
    """Of the second file; or, both taken, of the step: it was not accepted yet."""
    order, before = offered(cast), storage()
    files.configure(files.LocalFolder(tmp_path))
    try:
        answer = act(trader, order, "payment", receipt=[receipt(), FileStorage(BytesIO(second), "b.png")])
    finally:
        files.configure(before)
    assert answer.status_code in (409, 422)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_paid_before_it_is_accepted_it_is_asked_to_accept(cast, trader):
    order = offered(cast)
    answer = act(trader, order, "payment", receipt=receipt())
    assert answer.status_code == 409
    assert "Accept this payout first" in answer.text


def test_a_refusal_asks_and_gives_it_to_somebody_else(cast, trader):
    order = offered(cast)
    assert "never offered to you again" in trader.get(f"/trader/payouts/{order.public_id}/refusal").text
    asked = f"/trader/payouts/{order.public_id}/refusal"
    unsaid = trader.post(asked, data={"csrf_token": trader.token, "reason": "Tomorrow"})
    assert unsaid.status_code == 422, "staff want to know why"
    assert "Tomorrow" in unsaid.text
    assert f.fresh(order).status == "assigned"
    assert trader.post(asked, data={"csrf_token": trader.token, "why": "account"}).status_code == 303
    assert f.fresh(order).status == "new"


def test_a_payin_is_no_payout_and_the_queues_are_apart(cast, trader):
    payin, payout = f.assigned_payin(cast), offered(cast)
    assert trader.get(f"/trader/payouts/{payin.public_id}").status_code == 404
    assert trader.get(f"/trader/orders/{payout.public_id}").headers["Location"].endswith(payout.public_id)
    assert payout.public_id not in trader.get("/trader/orders").text
    assert payin.public_id not in trader.get("/trader/payouts").text


def test_the_receipt_is_seen_by_those_who_see_the_order_and_by_nobody_else(app, cast, trader):
    order = offered(cast)
    act(trader, order, "acceptance")
    act(trader, order, "payment", receipt=receipt())
    link = next(part.split('"')[0] for part in trader.get(f"/trader/payouts/{order.public_id}").text.split('href="')
                if part.startswith("/files/"))
    assert trader.get(link).status_code == 200
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    assert owner.get(link).status_code == 200
    assert people.seat(app, people.person("support_orders")).get(link).status_code == 200
    stranger = f.new_cast()
    assert people.seat(app, people.person("merchant_owner", merchant_id=stranger.merchant.id)).get(
        link).status_code == 404
    assert people.seat(app, people.person("trader", trader_id=stranger.trader().id)).get(link).status_code == 404
