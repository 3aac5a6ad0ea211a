"""The document says what is there, and real answers are what it says."""
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from portal.gateway import openapi, problems
from portal.gateway.endpoint import BASE
from portal.webhooks import event_types


@pytest.fixture
def document(client) -> dict[str, Any]:
    answer = client.get(f"{BASE}/openapi.json")
    assert answer.status_code == 200
    return answer.json


def schema_of(document: dict[str, Any], method: str, path: str, status: int) -> Draft202012Validator:
    content = document["paths"][BASE + path][method.lower()]["responses"][str(status)]["content"]
    (kind, described), = content.items()
    assert kind == ("application/json" if status < 400 else problems.MEDIA_TYPE)
    return Draft202012Validator({**described["schema"], "components": document["components"]})


def check(document: dict[str, Any], method: str, path: str, answer: Any) -> None:
    errors = [f"{error.instance_path}: {error.message}" for error in
              schema_of(document, method, path, answer.status_code).iter_errors(answer.json)]
    assert not errors, errors
    if answer.status_code >= 400:
        described = document["paths"][BASE + path][method.lower()]["responses"][str(answer.status_code)]["description"]
        assert f"`{answer.json['code']}`" in described


def test_every_route_is_in_it(app, document):
    routes = {(openapi.path_of(rule), method.lower()) for rule in app.url_map.iter_rules()
              for method in rule.methods - {"HEAD", "OPTIONS"} if rule.endpoint.startswith("gateway")}
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == routes
    assert document["openapi"] == "3.1.0"


def test_every_call_names_its_scope_and_its_refusals(app, document):
    for rule, method, call in openapi.calls(app):
        operation = document["paths"][openapi.path_of(rule)][method.lower()]
        assert bool(operation.get("x-scopes")) == (call.permission is not None)
        for error in openapi.errors_of(method, call):
            assert f"`{error.code}`" in operation["responses"][str(problems.status_of(error))]["description"]


def test_every_code_is_in_it(document):
    assert {entry["code"] for entry in document["x-error-codes"]} == set(problems.registry())


def test_each_webhook_that_is_sent_is_in_it(document):
    assert set(document["webhooks"]) == set(event_types.TOLD) <= set(event_types.TYPES)
    assert {"payin.completed", "payout.completed", "balance.credited"} <= set(document["webhooks"])


def test_every_reference_leads_somewhere(document):
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                assert value["$ref"].removeprefix("#/components/schemas/") in document["components"]["schemas"]
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(document)


def test_what_was_made_leads_to_what_can_be_done_with_it(document):
    made = document["paths"]["/gateway/v1/payins"]["post"]["responses"]["201"]["links"]
    assert made["gateway_dispute_payin"] == {"operationId": "gateway_dispute_payin",
                                             "parameters": {"payin_id": "$response.body#/id"}}
    assert not [name for name in made if "payout" in name]


def test_real_answers_are_what_it_says(document, shop, test_shop, payin):
    made = test_shop.post("/payins", payin(bank="alfa", customer={"id": "u-1", "name": "I", "ip": "203.0.113.7"}))
    check(document, "POST", "/payins", made)
    one = f"/payins/{made.json['id']}"
    check(document, "GET", "/payins", test_shop.get("/payins"))
    check(document, "GET", "/payins/{payin_id}", test_shop.get(one))
    check(document, "POST", "/payins/{payin_id}/mark-paid", test_shop.post(f"{one}/mark-paid"))
    check(document, "POST", "/payins/{payin_id}/cancel", test_shop.post(f"{one}/cancel"))
    check(document, "POST", "/payins/{payin_id}/cancel", test_shop.post(f"{one}/cancel"))
    for path in ("/balance", "/balance/entries", "/currencies", "/methods", "/banks", "/rates", "/webhook-endpoints"):
        check(document, "GET", path, shop.get(path))
        check(document, "GET", path, shop.get(path, nonsense=1))
        check(document, "GET", path, shop.as_key("qk_live_x").get(path))
    endpoint = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    check(document, "POST", "/webhook-endpoints", shop.post("/webhook-endpoints", endpoint))
    check(document, "POST", "/webhook-endpoints", shop.post("/webhook-endpoints", {}))
    for body in (b"{", b"[]", b"{}"):
        check(document, "POST", "/payins", shop.send("/payins", body))
    check(document, "POST", "/payins", shop.send("/payins", b"{}", key=None))
    check(document, "POST", "/payins", shop.send("/payins", b"{}", content_type="text/plain"))
    check(document, "POST", "/payins", shop.with_scopes("orders:read").send("/payins", b"{}"))
    check(document, "GET", "/payins/{payin_id}", shop.get(one))


def test_it_is_sent_once(client):
    first = client.get(f"{BASE}/openapi.json")
    again = client.get(f"{BASE}/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
