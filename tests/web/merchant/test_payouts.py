"""A merchant pays out by pages alone: asked for by a form, watched, agreed to, and never twice."""
import pytest

from portal import ledger
from tests import factories as f
from tests import people

NUMBER = "2200150000000007"


@pytest.fixture
def cast(app):
    cast = f.new_cast()
    cast.requisite(payout=True)
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    return cast


@pytest.fixture
def owner(app, cast):
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def asked(seat, cast, **changes):
    form = {"csrf_token": seat.token, "proof_password": people.PASSWORD, "store_id": cast.store.public_id,
            "amount": "1 500,00", "currency": "RUB",
            "method": cast.method, "number": NUMBER, "holder": "Anna Petrova"} | changes
    return seat.post("/merchant/payouts", data={name: value for name, value in form.items() if value is not None})


def the_payout(answer):
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_from_the_form_to_the_end(cast, owner):
    assert "100" in owner.get("/merchant/payouts/new").text
    page = the_payout(asked(owner, cast))
    assert "are held" in owner.get(page).text
    assert page.rpartition("/")[2] in owner.get("/merchant/payouts").text
    assert page.rpartition("/")[2] not in owner.get("/merchant/orders").text
    f.work_off()
    order = f.found(page.rpartition("/")[2])
    trader = f.its_trader(order)
    f.accept(trader, order)
    assert "taken it on" in owner.get(page).text
    f.pay(trader, order)
    shown = owner.get(page).text
    assert "receipt.png" in shown
    assert NUMBER not in shown
    assert owner.post(f"{page}/confirmation", data={"csrf_token": owner.token}).status_code == 428
    assert owner.send(f"{page}/confirmation").status_code == 303
    f.work_off("settle_order")
    assert "It cost" in owner.get(page).text


@pytest.mark.parametrize(("changes", "field"), [
    ({"number": "2200150000000008"}, "number"), ({"amount": "a lot"}, "amount"), ({"amount": "1"}, "amount"),
    ({"number": None}, "number"), ({"method": "nothing"}, "method")])
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(cast, owner, changes, field):
    answer = asked(owner, cast, **changes)
    assert answer.status_code == 422
    assert f'id="field-{field}"' in answer.text
    assert "Anna Petrova" in answer.text
    assert f.store_held(cast.store) == f.usdt("0.000000")


def test_a_form_sent_twice_is_one_payout(cast, owner):
    first, again = (asked(owner, cast, idempotency_key="f" * 32) for _ in range(2))
    assert the_payout(first) == the_payout(again)
    assert f.store_held(cast.store) == f.usdt("16.711957")


def test_more_than_there_is_is_refused_with_a_sentence(cast, owner):
    answer = asked(owner, cast, amount="20000")
    assert answer.status_code == 409
    assert "does not cover" in answer.text
    assert "122.826087" in answer.text, "what is missing"


def test_a_cancel_asks_and_frees_the_money(cast, owner):
    page = the_payout(asked(owner, cast))
    assert "are yours again" in owner.get(f"{page}/cancellation").text
    assert owner.post(f"{page}/cancellation", data={"csrf_token": owner.token}).status_code == 303
    assert f.store_available(cast.store) == f.usdt("100.000000")


def test_who_only_looks_asks_for_nothing(app, cast):
    viewer = people.seat(app, people.person("merchant_viewer", merchant_id=cast.merchant.id))
    assert viewer.get("/merchant/payouts").status_code == 200
    assert viewer.get("/merchant/payouts/new").status_code == 403
    assert asked(viewer, cast).status_code == 403


def test_out_of_anothers_store_nothing_is_paid(app, cast):
    stranger = f.new_cast()
    other = people.seat(app, people.person("merchant_owner", merchant_id=stranger.merchant.id))
    assert asked(other, cast).status_code == 404
    assert f.store_held(cast.store) == f.usdt("0.000000")


def test_what_is_refused_is_said_in_the_readers_language(cast, owner):
    """Ranges and bad numbers were refused in English whoever read it."""
    owner.set_cookie("lang", "ru")
    wrong = asked(owner, cast, amount="0.01")
    assert wrong.status_code == 422
    assert "Магазин принимает от 50.00 до 100000.00 RUB." in wrong.text
    assert "контрольная цифра" in asked(owner, cast, number=NUMBER[:-1] + "8").text
