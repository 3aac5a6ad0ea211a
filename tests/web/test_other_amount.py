"""Another amount on the pages: asked about, reported, answered by the store, decided by two, corrected, told alike."""
import json
import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.approvals import Approval
from portal.orders import payment_links
from portal.orders.models import Order, OrderEvent
from tests import factories as f
from tests import people
from tests.web import attention, forms


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast(fee_bps=250)
    made.requisite(made.trader(reward_bps=120))
    return made


@pytest.fixture
def trader(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


@pytest.fixture
def owner(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


def reported(trader: people.Seat, order: Order, received: str) -> None:
    form = {"assignment_id": f.assignment_of(order).public_id, "received": received}
    page = f"/trader/orders/{order.public_id}"
    asked = trader.send(f"{page}/confirmation", form)
    html = asked.get_data(as_text=True)
    assert asked.status_code == 409
    assert 'name="differs" value="yes"' in html
    assert "Yes, report this amount" in html
    assert trader.send(f"{page}/confirmation", form | {"differs": "yes"}).status_code == 303
    assert "You reported" in trader.get(page).get_data(as_text=True)


def read(seat: people.Seat, page: str) -> str:
    return seat.get(page).get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")


def waiting(order: Order) -> str:
    with f.look() as session:
        return session.scalars(select(Approval).where(
            Approval.target_id == str(order.id), Approval.state == "pending")).one().public_id


def test_the_trader_reports_less_and_the_store_takes_it(
        cast: f.Cast, trader: people.Seat, owner: people.Seat) -> None:
    order = f.paid_payin(cast, "1500.00")
    reported(trader, order, "1 000,50")
    page = f"/merchant/orders/{order.public_id}"
    assert "1 000.50" in read(owner, page)
    assert owner.send(f"{page}/amount", {"answer": "maybe"}).status_code == 422
    assert owner.send(f"{page}/amount", {"answer": "yes"}).status_code == 303
    assert owner.send(f"{page}/amount", {"answer": "no"}).status_code == 409
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    assert "settled on" in trader.get(f"/trader/orders/{order.public_id}").get_data(as_text=True)


def test_staff_decide_with_every_posting_before_their_eyes(
        cast: f.Cast, trader: people.Seat, admin: people.Seat, second: people.Seat) -> None:
    attention.nothing_waits()
    order = f.paid_payin(cast, "1500.00")
    reported(trader, order, "1800.00")
    page = f"/admin/orders/{order.public_id}"
    assert "Another amount arrived" in admin.get(page).get_data(as_text=True)
    assert order.public_id in admin.get("/admin/").get_data(as_text=True)
    form = {"outcome": "complete", "amount": "1800", "reason": "Statement seen"}
    assert admin.send(f"{page}/amount", form | {"amount": "0"}).status_code == 422
    assert admin.send(f"{page}/amount", form | {"reason": ""}).status_code == 422
    assert admin.send(f"{page}/amount", form).status_code == 303
    assert admin.send(f"{page}/amount", form).status_code == 409, "it waits already"
    shown = read(second, f"/admin/approvals/{waiting(order)}")
    for words in ("What would be posted", "Amount ordered", "1 800.00", "Trader held", "Settle what arrived"):
        assert words in shown
    assert admin.send(f"/admin/approvals/{waiting(order)}/decision", {"decision": "approve"}).status_code == 403
    assert second.send(f"/admin/approvals/{waiting(order)}/decision", {"decision": "approve"}).status_code == 303
    f.work_off("settle_order")
    assert (f.fresh(order).status, f.fresh(order).exactness) == ("completed", "over")


def test_a_correction_is_told_with_the_same_numbers_everywhere(
        app: Flask, cast: f.Cast, trader: people.Seat, owner: people.Seat, admin: people.Seat,
        second: people.Seat) -> None:
    order = f.completed_payin(cast, "1500.00")
    page = f"/admin/orders/{order.public_id}"
    assert admin.send(f"{page}/correction", {"amount": "1500", "reason": "x"}).status_code == 422
    assert admin.send(f"{page}/correction", {"amount": "1200", "reason": "Statement seen"}).status_code == 303
    assert second.send(f"/admin/approvals/{waiting(order)}/decision", {"decision": "approve"}).status_code == 303
    found = f.fresh(order)
    told = {"amount": found.settlement.text, "fee": found.fee.text, "net": found.net.text}
    with f.look() as session:
        payload = session.scalars(select(OrderEvent).where(
            OrderEvent.order_id == order.id, OrderEvent.action == "correct")).one()
        body = json.loads(json.dumps(payload.payload))
    assert payload.type == "payin.corrected"
    assert {name: body["settlement"][name] for name in told} == told
    assert (body["amount_received"], body["exactness"], body["status"]) == ("1200.00", "under", "completed")
    html = read(owner, f"/merchant/orders/{order.public_id}")
    export = owner.take("/merchant/orders/export.csv").get_data(as_text=True)
    assert "1 200.00" in html
    for number in told.values():
        assert number in export
    statement = owner.get("/merchant/balance").get_data(as_text=True)
    assert "Order corrected" in statement


def test_a_stranger_answers_nothing(app: Flask, cast: f.Cast, trader: people.Seat) -> None:
    order = f.paid_payin(cast, "1500.00")
    reported(trader, order, "1000.00")
    other = people.seat(app, people.person("merchant_owner", merchant_id=f.new_cast().merchant.id))
    assert other.send(f"/merchant/orders/{order.public_id}/amount", {"answer": "yes"}).status_code == 404
    assert trader.send(f"/merchant/orders/{order.public_id}/amount", {"answer": "yes"}).status_code == 403
    assert f.fresh(order).status == "disputed"


def test_the_rest_comes_in_a_second_transfer_and_the_payer_is_told_how_much(
        app: Flask, cast: f.Cast, trader: people.Seat) -> None:
    order = f.paid_payin(cast, "1500.00")
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    assert "is missing" not in payer.get(link).text
    reported(trader, order, "1 000,50")
    shown = plain(payer.get(link).text)
    assert "1 000.50 ₽ came and 499.50 ₽ is missing" in shown
    assert "do not pay again" in shown
    assert "Where you paid" not in shown, "no number to send more to on one side's word"
    page = f"/trader/orders/{order.public_id}"
    form = forms.to(trader.get(page).text, f"{page}/transfers").sent
    sent = {name: values[-1] for name, values in form.items()}
    assert sent["before"] == "1000.50"
    assert trader.post(f"{page}/transfers", data=sent | {"received": "0"}).status_code == 422
    assert trader.post(f"{page}/transfers", data=sent | {"received": "200.00"}).status_code == 303
    assert trader.post(f"{page}/transfers", data=sent | {"received": "200.00"}).status_code in (303, 409)
    assert "1 200.50 ₽ came and 299.50 ₽ is missing" in plain(payer.get(link).text), "sent twice it is added once"
    form = forms.to(trader.get(page).text, f"{page}/transfers").sent
    sent = {name: values[-1] for name, values in form.items()}
    assert trader.post(f"{page}/transfers", data=sent | {"received": "299,50"}).status_code == 303
    assert (f.fresh(order).status, f.fresh(order).exactness) == ("confirmed", "exact")
    paid = payer.get(link).text
    assert "Payment received" in paid
    assert "is missing" not in paid


def plain(html: str) -> str:
    """Its words, with ordinary spaces between them."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html).replace("&nbsp;", " ").replace("\u202f", " "))
