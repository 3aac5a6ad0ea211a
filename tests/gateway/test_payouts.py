"""Payouts as a store's system asks for them: held when accepted, refused with what is missing, once for each key."""
import json

import pytest

from portal import ledger
from tests import factories as f
from tests.gateway.conftest import PAYOUT_NUMBER


def asked(shop, body, key="k-1"):
    return shop.post("/payouts", body, key=key)


def test_the_shape_of_a_payout(funded, payout, method):
    made = asked(funded, payout())
    assert made.status_code == 201
    answer = made.json
    assert answer["id"].startswith("pout_")
    assert answer["object"] == "payout"
    assert {name: answer["settlement"][name] for name in ("currency", "amount", "fee", "total", "rate")} == {
        "currency": "USDT", "amount": "16.304348", "fee": "0.407609", "total": "16.711957", "rate": "92.000000"}
    assert answer["destination"] == {"method": method, "bank": "alfa", "number": "220015******0007",
                                     "holder": "I Petrov"}
    assert PAYOUT_NUMBER not in made.get_data(as_text=True)
    assert "payment_url" not in answer
    assert funded.get(f"/payouts/{answer['id']}").json == answer
    assert funded.get("/payouts", external_id="po-7").json["data"] == [answer]
    assert funded.get("/payins").json["data"] == []
    assert funded.get("/balance").json["data"] == [
        {"currency": "USDT", "available": "3.288043", "held": "16.711957",
         "reserved": "0.000000"}]


def test_the_same_key_is_the_same_answer_and_one_hold(funded, payout):
    first, again = asked(funded, payout()), asked(funded, payout())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_data() == first.get_data()
    assert funded.get("/balance").json["data"][0]["held"] == "16.711957"
    assert asked(funded, payout(amount="1500.01")).json["code"] == "idempotency_key_reused"


def test_what_is_not_there_is_not_promised_and_a_retry_under_the_key_may_succeed(funded, payout):
    refused = asked(funded, payout(amount="2000.00"))
    assert (refused.status_code, refused.json["code"]) == (409, "insufficient_funds")
    assert funded.get("/payouts").json["data"] == []
    f.deposit_to(ledger.store_available(funded.store.id, "USDT", True), "20.000000")
    made = asked(funded, payout(amount="2000.00"))
    assert made.status_code == 201
    lacked = f.usdt(made.json["settlement"]["total"]) - f.usdt("20.000000")
    assert {name: refused.json[name] for name in ("missing", "missing_minor", "currency")} == {
        "missing": lacked.text, "missing_minor": lacked.minor, "currency": "USDT"}, "to the last unit"


def test_a_quote_is_what_the_payout_then_costs(funded, payout, method):
    quote = funded.get(f"/quote?direction=payout&currency=RUB&method={method}&amount=1500.00")
    assert quote.status_code == 200
    settlement = asked(funded, payout()).json["settlement"]
    assert {name: quote.json[name] for name in ("direction", "settlement", "fee", "due", "rate")} == {
        "direction": "payout", "settlement": settlement["amount"], "fee": settlement["fee"],
        "due": settlement["total"], "rate": settlement["rate"]}
    assert funded.get("/balance").json["data"][0]["held"] == settlement["total"], "the quote itself held nothing"


def test_a_key_without_the_scope_asks_in_vain(funded, payout):
    reader = funded.with_scopes("orders:read", "orders:write")
    assert asked(reader, payout()).json["code"] == "scope_missing"


@pytest.mark.parametrize(("changes", "field"), [
    ({"destination": {"method": "card"}}, "/destination/number"), ({"destination": None}, "/destination"),
    ({"return_url": "https://shop.example/"}, "/return_url"), ({"amount": "1500"}, "/amount"),
    ({"destination": {"method": "card", "number": PAYOUT_NUMBER, "x": 1}}, "/destination/x")])
def test_a_body_that_cannot_be_is_refused_at_its_field(funded, payout, changes, field):
    refused = asked(funded, payout(**changes))
    assert refused.status_code == 422
    assert field in {one["field"] for one in refused.json["errors"]}
    assert funded.get("/balance").json["data"][0]["held"] == "0.000000"


def test_called_off_until_a_trader_has_it_and_confirmed_by_the_store(funded, payout):
    made = asked(funded, payout()).json
    gone = funded.post(f"/payouts/{made['id']}/cancel", {})
    assert gone.json["status"] == "cancelled"
    assert funded.get("/balance").json["data"][0]["available"] == "20.000000"
    assert funded.post(f"/payouts/{made['id']}/confirm", {}).json["code"] == "invalid_transition"


def test_a_payin_is_no_payout_and_anothers_does_not_exist(funded, other_shop, payout, payin):
    made, paid_in = asked(funded, payout()).json, funded.post("/payins", payin()).json
    assert funded.get(f"/payouts/{paid_in['id']}").status_code == 404
    assert funded.get(f"/payins/{made['id']}").status_code == 404
    assert other_shop.get(f"/payouts/{made['id']}").status_code == 404
    assert json.loads(other_shop.post(f"/payouts/{made['id']}/cancel", {}).get_data())["code"] == "not_found"


def test_many_are_looked_at_by_their_ids_and_only_ones_own(funded, other_shop, payout, payin):
    made = [asked(funded, payout(external_id=f"po-{n}", amount="100.00"), key=f"k-{n}").json["id"] for n in range(3)]
    wanted = ",".join((made[0], made[2], "pout_01J8ZQ5V9K3M7N2P4R6T8W0Y1A"))
    assert [order["id"] for order in funded.get("/payouts", ids=wanted).json["data"]] == [made[2], made[0]]
    first = funded.get("/payouts", ids=wanted, status="new", limit=1).json["data"]
    assert [order["id"] for order in first] == [made[2]]
    assert funded.get("/payouts", ids=wanted, status="completed").json["data"] == []
    for stranger in (other_shop, funded.in_test_mode()):
        assert stranger.get("/payouts", ids=wanted).json["data"] == []
    assert funded.get("/payouts", ids=",".join([made[0]] * 101)).status_code == 422
    paid_in = funded.post("/payins", payin()).json["id"]
    for path, id in (("/payouts", paid_in), ("/payins", made[0])):
        assert funded.get(path, ids=id).json["errors"][0]["field"] == "/ids"
