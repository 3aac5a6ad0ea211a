"""With a key the document is its store's own: what it allows is taken, what it does not is refused."""
import re

from jsonschema_rs import Draft202012Validator

from portal.gateway.endpoint import BASE
from tests.gateway.test_signing import code, signs_payouts, with_secret


def body_of(document, name):
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def test_it_allows_what_the_store_takes(client, shop, payin, method):
    document = shop.get("/openapi.json").json
    allowed = body_of(document, "CreatePayin")
    for body in (payin(), payin(amount="50.00"), payin(amount="100000.00"), payin(method=None)):
        assert allowed.is_valid(body)
        assert shop.post("/payins", body).status_code == 201, body
    for body in (payin(amount="49.99"), payin(amount="100000.01"), payin(amount="1500"), payin(currency="KZT"),
                 payin(method="other"), payin(bank="nobody"), payin(return_url="https://elsewhere.example/"),
                 payin(amount="1500.000"), payin(external_id=""), payin(metadata={"a b": "x"}), payin(unknown=1)):
        assert not allowed.is_valid(body), body
        assert shop.post("/payins", body).status_code == 422, body


def test_without_a_key_or_with_a_bad_one_it_is_the_general_one(client, shop):
    general = client.get(f"{BASE}/openapi.json").json
    assert shop.as_key("qk_live_nonsense").get("/openapi.json").json == general
    assert shop.get("/openapi.json").json != general
    assert shop.store.slug not in str(general)


def test_an_id_of_another_thing_and_an_empty_cursor_are_not_allowed(client):
    paths = client.get(f"{BASE}/openapi.json").json["paths"]
    one = paths[f"{BASE}/payins/{{payin_id}}"]["get"]["parameters"][0]["schema"]["pattern"]
    assert re.search(one, "pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB")
    assert not re.search(one, "pout_01JD9W4M0Q8Z6T1V5R2X7Y3KAB")
    cursor = next(value["schema"] for value in paths[f"{BASE}/payins"]["get"]["parameters"]
                  if value["name"] == "cursor")
    assert not Draft202012Validator(cursor).is_valid("")
    assert not Draft202012Validator(cursor).is_valid(None)


def test_a_currency_nobody_knows_is_refused_in_a_statement(shop):
    """It was a 500: the account of a currency without digits has no zero."""
    assert shop.get("/balance/entries", currency="000").status_code == 422


def operations(shop):
    """(method, path) → (whether each way of it is signed, whether its key of idempotency must be there)"""
    paths = shop.get("/openapi.json").json["paths"]
    return {(method, path.removeprefix(BASE)): (
        bool(one["security"]) and all("signature" in way for way in one["security"]),
        any(value["required"] for value in one["parameters"] if value["name"] == "Idempotency-Key"))
        for path, methods in paths.items() for method, one in methods.items()}


def test_a_key_that_signs_is_told_which_calls_and_that_they_carry_a_key(shop):
    """The document allowed a change without a key of idempotency, which is a 400 where it is signed."""
    signer = with_secret(shop, required=True)
    told = operations(shop)
    assert told["post", "/payins/{payin_id}/cancel"] == told["post", "/payouts"] == (True, True)
    assert told["delete", "/webhook-endpoints/{endpoint_id}"] == (True, True)
    assert told["get", "/balance"] == (True, False)
    assert told["post", "/token"] == told["get", "/openapi.json"] == (False, False)
    path = "/payins/pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB/cancel"
    assert code(signer.call("POST", path)) == (400, "idempotency_key_required")
    assert signer.call("POST", path, key="one").status_code == 404


def test_a_store_that_wants_payouts_signed_is_told_which(shop):
    before = operations(shop.with_scopes("orders:read"))
    assert not any(signed for signed, _ in before.values())
    signs_payouts(shop)
    told = operations(shop.with_scopes("orders:read"))
    changed = {call for call in told if told[call] != before[call]}
    assert changed == {("post", path) for path in ("/payouts", *(
        f"/payouts/{{payout_id}}/{act}" for act in ("cancel", "confirm", "receipts", "advance")))}
    assert all(told[call] == (True, True) for call in changed)
