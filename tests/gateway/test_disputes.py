"""Objections by a store's system: shape, keys, refusals."""
import pytest
from jsonschema_rs import Draft202012Validator

from portal.gateway import openapi
from tests import factories as f


@pytest.fixture
def paid(shop, payin, method):
    """A payin that its store says is paid; its public id."""
    f.new_requisite(f.new_trader(), method)
    made = shop.post("/payins", payin()).json["id"]
    f.work_off()
    assert shop.post(f"/payins/{made}/mark-paid", {}).status_code == 200
    return made


@pytest.fixture
def paid_out(funded, payout, method):
    """A payout that its trader says is sent, with a receipt; its public id."""
    made = funded.post("/payouts", payout(), key="k").json["id"]
    f.new_requisite(f.new_trader(), method, payout=True)
    f.work_off()
    order = f.found(made)
    f.accept(f.its_trader(order), order)
    f.pay(f.its_trader(order), order)
    return made


def objects_once(shop, path, asked):
    """The dispute, told in the shape of the document; under its key again the same, under another refused."""
    assert shop.get(path).json["status"] == "paid"
    first = shop.post(f"{path}/dispute", asked, key="one")
    again = shop.post(f"{path}/dispute", asked, key="one")
    assert first.status_code == again.status_code == 201, first.json
    assert first.json == again.json
    document = openapi.document(shop.app)
    validator = Draft202012Validator({"$ref": "#/components/schemas/Dispute", "components": document["components"]})
    assert not list(validator.iter_errors(first.json))
    assert shop.get(path).json["status"] == "disputed"
    second = shop.post(f"{path}/dispute", asked, key="two")
    assert (second.status_code, second.json["code"]) == (409, "dispute_open")
    return first.json


def test_a_store_objects_once_under_one_key(shop, paid):
    objects_once(shop, f"/payins/{paid}", {"reason": "not_confirmed", "text": "Paid at noon"})


def test_a_store_objects_to_a_payout_once_and_its_money_stays_held(funded, other_shop, paid_out):
    held = funded.get("/balance").json["data"]
    asked = {"reason": "not_arrived", "text": "Not on the statement"}
    assert other_shop.post(f"/payouts/{paid_out}/dispute", asked).json["code"] == "not_found"
    assert funded.post(f"/payins/{paid_out}/dispute", asked).json["code"] == "not_found"
    objects_once(funded, f"/payouts/{paid_out}", asked)
    assert funded.post(f"/payouts/{paid_out}/confirm", {}).status_code == 409
    assert funded.get("/balance").json["data"] == held
    assert held[0]["held"] == "16.711957"


def test_what_was_sent_is_confirmed_by_its_store(funded, paid_out):
    assert funded.post(f"/payouts/{paid_out}/confirm", {}).json["status"] in ("confirmed", "completed")


@pytest.mark.parametrize(("asked", "status"), [
    ({"reason": "not_confirmed", "text": "x"}, 422), ({"reason": "not_arrived"}, 422),
    ({"reason": "not_arrived", "text": ""}, 422), ({"reason": "not_arrived", "text": "x", "amount": "1"}, 422)])
def test_what_is_no_objection_to_a_payout_is_refused(funded, paid_out, asked, status):
    assert funded.post(f"/payouts/{paid_out}/dispute", asked).status_code == status
    assert funded.get(f"/payouts/{paid_out}").json["status"] == "paid"


def test_there_is_nothing_to_object_to_in_a_payout_nobody_has_sent(funded, payout):
    made = funded.post("/payouts", payout(), key="k").json["id"]
    refused = funded.post(f"/payouts/{made}/dispute", {"reason": "not_arrived", "text": "x"})
    assert (refused.status_code, refused.json["code"]) == (409, "nothing_to_dispute")


@pytest.mark.parametrize(("asked", "status"), [
    ({"reason": "not_received", "text": "x"}, 422), ({"reason": "not_confirmed"}, 422),
    ({"reason": "not_confirmed", "text": ""}, 422), ({"reason": "not_confirmed", "text": "x", "amount": "1"}, 422)])
def test_what_is_no_objection_is_refused(shop, paid, asked, status):
    assert shop.post(f"/payins/{paid}/dispute", asked).status_code == status
    assert shop.get(f"/payins/{paid}").json["status"] == "paid"
