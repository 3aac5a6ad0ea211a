"""Forms that other tests reach by their services, or at most as a refusal: each sent once as its page sends it."""
import io
from datetime import timedelta

import pytest
from flask import Flask

from portal.core import clock
from portal.orders import payment_links
from portal.parties.models import Store, Trader
from portal.reference.windows import BankWindow
from tests import factories as f
from tests import people
from tests.disputes import acts

Seat = people.Seat


@pytest.fixture
def staff(app: Flask) -> Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def trader(app: Flask, cast: f.Cast) -> Seat:
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


@pytest.fixture
def owner(app: Flask, cast: f.Cast) -> Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def test_each_side_opens_a_dispute_and_says_more(cast: f.Cast, staff: Seat, owner: Seat, trader: Seat) -> None:
    for seat, area, reason, amount in ((staff, "admin", "not_confirmed", "1500.00"),
                                       (owner, "merchant", "not_confirmed", "1600.00"),
                                       (trader, "trader", "not_received", "1700.00")):
        order = f.paid_payin(cast, amount)
        made = seat.send(f"/{area}/disputes?order={order.public_id}", {"reason": reason, "text": "Look at it"})
        assert made.status_code == 303, made.text
        more = seat.send(f"{made.location}/statements", {"text": "And at this"})
        assert more.status_code == 303
        assert "And at this" in seat.get(made.location).text
        assert f.fresh(order).status == "disputed"


def test_a_trader_gives_in(cast: f.Cast, trader: Seat) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    assert trader.send(f"/trader/disputes/{dispute.public_id}/concession").status_code == 303
    assert f.fresh(order).status in ("confirmed", "completed")


def test_a_paid_order_is_called_off_by_a_form_that_asks_the_second(app: Flask, cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    with clock.moved(timedelta(seconds=1801)):
        staff = people.seat(app, people.person("admin"))
        asked = staff.send(f"/admin/orders/{order.public_id}/calling-off", {"reason": "Nothing in the bank"})
        assert asked.status_code == 303
        assert "Nothing in the bank" in staff.get("/admin/approvals").text
    assert f.fresh(order).status == "paid"


def test_a_template_is_put_right(staff: Seat) -> None:
    form = {"use": "dispute", "name": "Rare", "text_en": "Wait", "text_ru": "Подождите"}
    assert staff.send("/admin/replies", form).status_code == 303
    page = staff.get("/admin/replies").text.partition(">Rare<")[0].rpartition('href="')[2].partition('"')[0]
    assert staff.send(page, form | {"text_en": "A moment", "active": "yes"}).status_code == 303
    assert "A moment" in staff.get(page).text


def test_a_template_is_not_put_right_by_the_form_of_a_new_one(staff: Seat) -> None:
    """It took the number of another one, which no page sends."""
    form = {"use": "dispute", "name": "First", "text_en": "Wait", "text_ru": "Подождите"}
    assert staff.send("/admin/replies", form).status_code == 303
    page = staff.get("/admin/replies").text.partition(">First<")[0].rpartition('href="')[2].partition('"')[0]
    staff.send("/admin/replies", form | {"reply_id": page.rpartition("/")[2], "text_en": "Overwritten"})
    assert "Overwritten" not in staff.get(page).text


def test_a_window_is_removed(staff: Seat) -> None:
    windows = "/admin/reference/bank-windows"
    assert staff.send(windows, {"bank": "alfa", "begin": "03:00", "end": "04:00", "days": ["7"]}).status_code == 303
    with f.look() as session:
        window = session.query(BankWindow).filter_by(removed_at=None).order_by(BankWindow.id.desc()).first()
        assert window is not None
        at = f"{windows}/{window.public_id}/removal"
    assert staff.send(at).status_code == 303
    assert at not in staff.get(windows).text


def test_staff_say_frozen(cast: f.Cast, staff: Seat) -> None:
    card = cast.requisite(cast.trader())
    said = {"reason": "115-FZ", "stuck": "10"}
    assert staff.send(f"/admin/requisites/{card.public_id}/freezing", said).status_code == 303
    assert "115-FZ" in staff.get("/admin/requisites/frozen").text


def test_parties_are_suspended_and_let_go_on(cast: f.Cast, staff: Seat) -> None:
    for page, party in ((f"/admin/stores/{cast.store.public_id}", cast.store),
                        (f"/admin/traders/{cast.traders[0].public_id}", cast.traders[0])):
        for act, status in (("suspension", "suspended"), ("resumption", "active")):
            assert staff.send(f"{page}/{act}", {"reason": "Looked at"}).status_code == 303
            found = f.fresh(party)
            assert isinstance(found, Store | Trader)
            assert found.status == status


def test_a_stores_deposit_is_asked_for(cast: f.Cast, staff: Seat) -> None:
    page = f"/admin/stores/{cast.store.public_id}"
    assert staff.send(f"{page}/deposits", {"amount": "12.5", "reason": "Came by wire"}).status_code == 303
    assert "Came by wire" in staff.get("/admin/approvals?mine=1").text


def test_an_owner_calls_an_order_off_and_a_payer_another(app: Flask, cast: f.Cast, owner: Seat) -> None:
    order, other = f.assigned_payin(cast), f.assigned_payin(cast, "1600.00")
    assert owner.send(f"/merchant/orders/{order.public_id}/cancellation").status_code == 303
    payer, link = people.stranger(app), payment_links.path_of(other.id)
    form = {"csrf_token": payment_links.form_token_of(other.id)}
    assert payer.post(f"{link}/cancellation", data=form).status_code == 303
    assert [f.fresh(one).status for one in (order, other)] == ["cancelled", "cancelled"]


def test_a_payer_takes_a_draft_back(app: Flask, cast: f.Cast) -> None:
    order = f.assigned_payin(cast)
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    form = {"csrf_token": payment_links.form_token_of(order.id)}
    up = payer.post(f"{link}/files", data=form | {"file": (io.BytesIO(f.picture()), "receipt.png")},
                    content_type="multipart/form-data")
    assert up.status_code == 201, up.text
    assert payer.post(f"{link}/files/{up.text}/removal", data=form).status_code < 300


def test_notices_are_read_all_at_once_and_a_chat_is_let_go(trader: Seat) -> None:
    assert trader.send("/notices/reading").status_code == 303
    assert trader.send("/profile/notices/telegram/removal").status_code == 303
