"""Whatever a stranger or a proxy puts into an address or a form, the answer is one for people: never a 500."""
from itertools import product
from urllib.parse import quote

import pytest

from portal.orders import payment_links
from tests.web import forms

ODD = [
    "\x00", "a\x00b", "99999999999999999999999", "-1", "9223372036854775808", "0", "1e400", "NaN", "0000-01-01",
    "99999-12-31", "9999-12-31", "1000-01-01", "2026-02-30", "\ud7ff\uffff", "'; --", "%", "\\", "../../etc", "{{7*7}}",
    "fe80::1%eth0", "[::1]:80", "usr_" + "Z" * 26, "pin_" + "7" * 26, "pin_01", "USDT-RUB-", "A" * 5_000, "١٢٣",
    "\u202e", "ї" * 300,
]
RAW = ["%00", "%ff%fe", "%c3%28", "%ed%a0%80", "%F0%9F", "a%0d%0ab", "%252e%252e", "999999999999999999999999"]
NAMES = ["after", "cursor", "kind", "state", "status", "mode", "q", "day_from", "day_to", "store", "method", "currency",
         "amount_from", "amount_to", "owner", "part", "merchant", "trader", "next", "lang", "theme", "back", "endpoint",
         "type", "event", "action", "actor", "requisite", "bank", "role", "limit", "live", "customer_id", "external_id",
         "created_after", "created_before", "asset", "sort", "page", "test", "fragment", "group"]
SEATS = ("trader", "merchant_owner", "super_admin", "support_readonly", "nobody")


@pytest.fixture
def seats(stage):
    return {kind: stage.seat(kind) for kind in SEATS}


def pages(stage):
    with stage.app.test_request_context():
        adapter = stage.app.url_map.bind("localhost")
        for rule in stage.app.url_map.iter_rules():
            if "GET" not in rule.methods or rule.endpoint in ("static", "live") or "live" in rule.rule:
                continue
            yield rule, adapter


def with_values(rule, adapter, stage, value) -> str | None:
    """The rule's address with `value` in every place."""
    path = rule.rule
    for name in rule.arguments:
        start = path.rindex("<", 0, path.index(f"{name}>"))
        path = path[:start] + value + path[path.index(">", start) + 1:]
    return path


def sound(rule, adapter, stage) -> str:
    known = {**stage.samples, "order_id": [stage.orders["paid"].public_id],
             "token": [payment_links.token_of(stage.orders["assigned"].id)]}
    values = {name: known.get(name, ["csv" if name == "kind" else "1"])[0] for name in rule.arguments}
    return adapter.build(rule.endpoint, values)


def failed(answer) -> bool:
    return answer.status_code >= 500


@pytest.mark.slow
def test_odd_values_in_addresses_whoever_asks(stage, seats):
    walk(stage, seats, SEATS, ODD, one_by_one=True)


def walk(stage, seats, kinds, odd, *, one_by_one) -> None:
    wrong = []
    for (rule, adapter), kind in product(list(pages(stage)), kinds):
        if rule.arguments:
            for value in [*(quote(one, safe="") for one in odd), *RAW]:
                path = with_values(rule, adapter, stage, value)
                if failed(seats[kind].get(path)):
                    wrong.append((kind, path[:120]))
        path = sound(rule, adapter, stage)
        tried = [f"{name}={value}" for value in [*(quote(one, safe="") for one in odd), *RAW] for name in NAMES]
        asked = tried if one_by_one and kind == "super_admin" else [
            "&".join(f"{name}={value}" for name in NAMES) for value in [*(quote(one, safe="") for one in odd), *RAW]]
        wrong += [(kind, path, query[:80]) for query in asked if failed(seats[kind].get(f"{path}?{query}"))]
    assert not wrong


AREAS = {"trader": "trader", "merchant_owner": "merchant", "super_admin": "admin"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", AREAS)
def test_odd_values_in_every_field_of_every_form(stage, seats, kind):
    """Each form of each page of each role, with one odd value in all its fields and in each alone."""
    seat, wrong, seen = seats[kind], [], set()
    for who, path in stage.pages():
        if who != kind and not (who == "merchant_owner" and kind == who):
            continue
        answer = seat.get(path)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        for form in forms.posts(answer.get_data(as_text=True)):
            act = form.action.partition("?")[0]
            shape = (tuple(sorted(form.sent)), act.rpartition("/")[2])
            if act in ("/logout", "/live") or shape in seen:
                continue
            seen.add(shape)
            for value in ODD:
                odd = {name: (value if name != "csrf_token" else seat.token) for name in form.kinds}
                if failed(seat.post(form.action, data=odd)):
                    wrong.append((act, value[:30]))
    assert seen
    assert not wrong
