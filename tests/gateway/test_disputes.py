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


def test_a_store_objects_once_under_one_key(app, shop, paid):
    asked = {"reason": "not_confirmed", "text": "Paid at noon"}
    first = shop.post(f"/payins/{paid}/dispute", asked, key="one")
    again = shop.post(f"/payins/{paid}/dispute", asked, key="one")
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    document = openapi.document(app)
    validator = Draft202012Validator({"$ref": "#/components/schemas/Dispute", "components": document["components"]})
    assert not list(validator.iter_errors(first.json))
    assert shop.get(f"/payins/{paid}").json["status"] == "disputed"
    second = shop.post(f"/payins/{paid}/dispute", asked, key="two")
    assert (second.status_code, second.json["code"]) == (409, "dispute_open")


@pytest.mark.parametrize(("asked", "status"), [
    ({"reason": "not_received", "text": "x"}, 422), ({"reason": "not_confirmed"}, 422),
    ({"reason": "not_confirmed", "text": ""}, 422), ({"reason": "not_confirmed", "text": "x", "amount": "1"}, 422)])
def test_what_is_no_objection_is_refused(shop, paid, asked, status):
    assert shop.post(f"/payins/{paid}/dispute", asked).status_code == status
    assert shop.get(f"/payins/{paid}").json["status"] == "paid"
