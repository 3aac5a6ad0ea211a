"""Whatever a store's system or a stranger puts into a call, the answer is a problem of theirs: never a 500."""
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, get_args
from urllib.parse import quote

import pytest
from pydantic import BaseModel

from portal import tariffs
from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.core.money import AMOUNT_MAX
from portal.gateway import openapi
from portal.tariffs.commands import SetFee
from portal.tariffs.service import set_fee
from tests.gateway.conftest import BASE
from tests.gateway.test_fast_create import Street

# As they stand in JSON: what a program may write there, and what only an enemy does.
RAW = [
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', '"\\ud83d"', "null", "true", "0", "-1", "1e400",
    "-1e400", "1e-400", "0.1", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" + "0" * 400,
    "[]", "{}", "[" * 31 + "]" * 31, "[" * 33 + "]" * 33, '{"a":' * 40 + "1" + "}" * 40, "NaN", "Infinity", "9" * 5000,
    '{"a": 1, "a": 2}', '""', '" "', '"' + "A" * 5000 + '"', r'"\u202e\u2066"', r'"\uffff\ufdd0"', '"٣٤٥"',
    '"1e400"', '"NaN"', '"' + "9" * 40 + '"', '"0x10"', '"1_000.00"', '"-0.00"', '"+1500.00"', '"1500.00\\n"',
    '"9223372036854775807"', '"9223372036854775808.00"', '"fe80::1%eth0"', '"[::1]:80"', '"1.2.3.4:99999"',
    '"::ffff:1.2.3.4%1"', '"999.1.1.1"', '"https://[::1"', '"http://a:99999/"', '"http://\\u0000.example/"',
    r'"https://shop.example/\u0000"', '"https://xn--a/"', '"../../etc/passwd"', "\"'; --\"", '"%(x)s %s {0}"',
]
# As they stand in an address, quoted.
IN_ADDRESSES = [*(quote(value, safe="") for value in (
    "\x00", "a\x00b", "99999999999999999999999", "-1", "9223372036854775808", "1e400", "NaN", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "\u202e", "A" * 3000, "pin_" + "7" * 26, "pin_" + "Z" * 26,
    "dlv_" + "7" * 26, "whk_" + "7" * 26, "pin_01", "٣", "fe80::1%eth0")), "%ff%fe", "%ed%a0%80", "%c3%28", "a%0d%0ab"]
BODIES = {
    ("POST", "/payins"): {
        "external_id": "x", "amount": "1500.00", "currency": "RUB", "method": "m", "bank": "alfa", "description": "d",
        "return_url": "https://shop.example/", "metadata": {"a": "b"},
        "customer": {"id": "u", "name": "n", "ip": "203.0.113.7"}},
    ("POST", "/payouts"): {
        "external_id": "x", "amount": "1500.00", "currency": "RUB", "description": "d", "metadata": {"a": "b"},
        "customer": {"id": "u", "name": "n", "ip": "203.0.113.7"},
        "destination": {"method": "m", "number": "4242424242424242", "bank": "alfa", "holder": "I PETROV"}},
    ("POST", "/payins/{payin_id}/cancel"): {"reason": "x"},
    ("POST", "/payouts/{payout_id}/cancel"): {"reason": "x"},
    ("POST", "/payouts/{payout_id}/confirm"): {"reason": "x"},
    ("POST", "/payins/{payin_id}/dispute"): {"reason": "not_confirmed", "text": "x"},
    ("POST", "/payouts/{payout_id}/dispute"): {"reason": "not_arrived", "text": "x"},
    ("POST", "/payins/{payin_id}/advance"): {"seconds": 60},
    ("POST", "/payouts/{payout_id}/advance"): {"seconds": 60},
    ("POST", "/webhook-endpoints"): {"url": "https://shop.example/hook", "events": ["payin.new"], "description": "d",
                                     "kind": "url"},
    ("POST", "/webhook-endpoints/{endpoint_id}/replay"): {"since": "2026-11-22T08:00:00Z", "undelivered_only": True},
    ("POST", "/token"): {"grant_type": "client_credentials", "client_id": "x", "client_secret": "x", "scope": "x"},
    ("PATCH", "/webhook-endpoints/{endpoint_id}"): {
        "url": "https://shop.example/hook", "events": ["payin.new"], "description": "d", "active": True},
}


def hostile(body: dict[str, Any]) -> Iterator[str]:
    """The body with each hostile value in the place of each of its values, one at a time, then in all at once."""
    mark = "\ue000mark"

    def marked(value: Any) -> Iterator[Any]:
        yield mark
        if isinstance(value, dict):
            for name in value:
                yield from ({**value, name: inner} for inner in marked(value[name]))
            yield value | {mark: "x"}  # a name
        if isinstance(value, list):
            yield from ([inner] for item in value for inner in marked(item))

    for shape in [*marked(body), dict.fromkeys(body, mark)]:
        text = json.dumps(shape, ensure_ascii=False)
        for raw in RAW:
            if f'"{mark}":' not in text or raw.startswith('"'):
                yield text.replace(f'"{mark}"', raw)


def calls(app) -> dict[tuple[str, str], str]:
    """Every call of the gateway, as (method, path within the gateway) → the address with its places."""
    return {(method, openapi.path_of(rule).removeprefix(BASE)): rule.rule for rule, method, _ in openapi.calls(app)}


def body_of(payin, call: tuple[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = BODIES.get(call, {"reason": "x"})
    if call == ("POST", "/payins"):
        return body | {"method": payin()["method"]}
    if call == ("POST", "/payouts"):
        return body | {"destination": body["destination"] | {"method": payin()["method"]}}
    return body


@pytest.fixture
def made(shop, payin) -> dict[str, str]:
    """One of each thing that an address can name; payouts have their price too."""
    with transaction() as session:
        set_fee(session, SYSTEM, SetFee(store_id=shop.store.id, direction="payout", fee_bps=100))
    tariffs.forget()
    endpoint = shop.post("/webhook-endpoints", {"url": "https://shop.example/hook", "events": ["payin.new"]})
    return {"payin_id": shop.post("/payins", payin()).json["id"], "endpoint_id": endpoint.json["id"]}


def test_every_field_of_every_call_is_walked(app):
    """A field that is added has its place in BODIES, or nobody tries what it makes of hostile values."""
    left = {(method, openapi.path_of(rule).removeprefix(BASE)): sorted(missing) for rule, method, described in
            openapi.calls(app) if described.body and (missing := unfilled(
                described.body, BODIES.get((method, openapi.path_of(rule).removeprefix(BASE)), {})))}
    assert not left


def unfilled(model: type[BaseModel], body: dict[str, Any]) -> set[str]:
    missing = set(model.model_fields) - set(body)
    for name in set(model.model_fields) - missing:
        inner = [kind for kind in (model.model_fields[name].annotation, *get_args(model.model_fields[name].annotation))
                 if isinstance(kind, type) and issubclass(kind, BaseModel)]
        missing |= {f"{name}.{part}" for kind in inner for part in unfilled(kind, body[name])}
    return missing


def test_hostile_values_in_every_field_of_every_call(app, shop, payin, made):
    """One after the other in one text, number, list or object of a call that is else well formed."""
    wrong, tried = [], 0
    client = app.test_client(use_cookies=False)
    for method, path in calls(app):
        if method not in ("POST", "PATCH", "PUT"):
            continue
        address = filled(path, made)
        for sent in {*hostile(body_of(payin, (method, path)))}:
            answer = client.open(BASE + address, method=method, data=sent.encode(), content_type="application/json",
                                 headers={"Authorization": f"Bearer {shop.token}", "Idempotency-Key": new_id().hex})
            tried += 1
            if answer.status_code >= 500:
                wrong.append((method, path, answer.status_code, sent[:200]))
    assert tried > 2000
    assert not wrong


def test_the_fast_lane_and_the_ordinary_road_say_the_same_to_hostile_values(app, shop, other_shop, payin):
    """Of two shops, each on one road, so that no id is taken: what the lane writes is what Flask would have written."""
    bodies = [body.encode() for body in sorted({*hostile(body_of(payin, ("POST", "/payins")))})]
    by_road = [shop.send("/payins", alone(body, at)).status_code for at, body in enumerate(bodies)]
    with closing(Street(app)) as street:
        by_lane = [answer.status for first in range(0, len(bodies), 100) for answer in street.post(
            other_shop, *[alone(body, at) for at, body in enumerate(bodies[first:first + 100], first)])]
        assert street.by_road < len(bodies)
    assert [(body[:300], road, lane) for body, road, lane in zip(bodies, by_road, by_lane, strict=True)
            if road != lane or road >= 500] == []
    assert {201, 400, 422} <= set(by_road)


def alone(body: bytes, number: int) -> bytes:
    """With an external id that no other body has, where the well-formed one stands."""
    return body.replace(b'"external_id": "x"', b'"external_id": "x%d"' % number)


def filled(path: str, made: dict[str, str]) -> str:
    for name, value in made.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{payout_id}", "pout_" + "0" * 26).replace("{delivery_id}", "dlv_" + "0" * 26)


def test_hostile_values_in_every_place_of_every_address(app, shop, made):
    names = {*(name for _, _, described in openapi.calls(app) if described.query
               for name in described.query.model_fields), "nothing"}
    wrong = []
    for method, path in calls(app):
        for value in IN_ADDRESSES:
            addresses = [f"{filled(path, made)}?{name}={value}" for name in names]
            if "{" in path:
                start, end = path.index("{"), path.index("}") + 1
                addresses.append(path[:start] + value + path[end:])
            for address in addresses:
                answer = shop.app.test_client(use_cookies=False).open(
                    BASE + address, method=method, headers={
                        "Authorization": f"Bearer {shop.token}", "Idempotency-Key": new_id().hex})
                if answer.status_code >= 500:
                    wrong.append((method, address[:120], answer.status_code))
    assert not wrong


@pytest.mark.parametrize("header", ["Authorization", "Idempotency-Key", "Content-Type", "Accept", "Accept-Language",
                                    "If-None-Match", "If-Modified-Since", "Cookie", "User-Agent", "Range"])
def test_hostile_values_in_a_header(app, shop, payin, header):
    odd = ["\xff\xfe", "Bearer \xff", "Bearer " + "A" * 3000, "Bearer qk_live_" + "\xe9" * 40, "\t", ";;;=", '"', "W/",
           "9" * 3000, "bytes=0-" + "9" * 400, "application/json; charset=\xff", "a=b; " * 200, "*", "%00"]
    wrong = []
    for value in odd:
        headers = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": new_id().hex,
                   "Content-Type": "application/json"} | {header: value}
        for method, path in (("POST", "/payins"), ("GET", "/payins"), ("GET", "/currencies")):
            answer = app.test_client(use_cookies=False).open(
                BASE + path, method=method, headers=headers,
                **({"data": json.dumps(payin())} if method == "POST" else {}))
            if answer.status_code >= 500:
                wrong.append((value[:40], method, path))
    assert not wrong


def test_an_amount_at_the_end_of_the_range_and_past_it(shop, payin):
    most = AMOUNT_MAX // 100
    for text in (f"{most}.00", f"{most}.01", f"{2**63}.00", "9" * 18 + ".99", "9" * 37 + ".00"):
        answer = shop.post("/payins", payin(amount=text))
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/amount"), text
