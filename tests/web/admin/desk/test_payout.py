"""A payout from all sides, as staff see it: recipient masked, receipts, the same receipt elsewhere, what they force."""
import pytest

from portal.orders import cancel_paid, payment_links
from tests import factories as f
from tests import people

NUMBER = "2200150000000007"


@pytest.fixture
def cast(app):
    cast = f.new_cast()
    cast.requisite(payout=True)
    return cast


@pytest.fixture
def staff(app):
    return people.seat(app, people.person("admin"))


def opened(seat, order):
    answer = seat.get(f"/admin/orders/{order.public_id}")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("made", [f.assigned_payout, f.accepted_payout, f.paid_payout])
def test_every_stage_has_a_page_with_the_number_masked(cast, staff, made):
    order = made(cast, destination={"method": cast.method, "number": NUMBER, "holder": "Anna Petrova"})
    page = opened(staff, order)
    assert '<span class="mask">220015******0007</span> · Anna Petrova' in page
    assert NUMBER not in page
    assert "Collateral" not in page


def test_the_same_receipt_on_another_payout_is_shown(cast, staff):
    sent, trader = f.picture(), None
    orders = []
    for _ in range(2):
        order = f.accepted_payout(cast)
        trader = f.its_trader(order)
        f.pay(trader, order, receipts=[f.upload(trader, sent).public_id])
        orders.append(order)
    page = opened(staff, orders[0])
    assert "The same receipt stands on another order." in page
    assert orders[1].public_id in page


def test_a_payout_to_a_traders_own_card_is_marked(cast, staff):
    mine = f.robots.test_number("card", cast.method)
    cast.requisite(number=mine)
    order = f.assigned_payout(cast, destination={"method": cast.method, "number": mine})
    assert "own requisite" in opened(staff, order)


def test_staff_confirm_in_the_stores_place_with_a_reason(cast, staff):
    order = f.paid_payout(cast)
    path = f"/admin/orders/{order.public_id}/confirmation"
    assert "s place" in opened(staff, order)
    assert staff.post(path, data={"csrf_token": staff.token}).status_code == 422
    assert staff.post(path, data={"csrf_token": staff.token, "reason": "Seen"}).status_code == 303
    assert f.fresh(order).status == "confirmed"


def test_two_of_the_staff_call_off_what_was_never_sent(cast):
    f.change(cast.store, payout_confirm="store", payout_window_s=0)
    order = f.paid_payout(cast)
    with f.act() as session:
        asked = cancel_paid.ask(session, f.staff(), cancel_paid.AskCallOff(order_id=order.public_id, reason="No money"))
    with f.act() as session:
        f.approvals.decide(session, f.staff("admin"), f.DecideApproval(
            approval_id=asked.public_id, decision="approve", reason="Checked"))
    assert f.fresh(order).status == "cancelled"
    assert f.store_held(cast.store) == f.usdt("0.000000")


def test_a_payout_has_no_payment_page(app, cast):
    order = f.assigned_payout(cast)
    assert app.test_client().get(payment_links.path_of(order.id)).status_code == 404
