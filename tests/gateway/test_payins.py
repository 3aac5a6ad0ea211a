"""Each call of payins: it works, it refuses what it should, a stranger sees nothing."""
import pytest
import sqlalchemy as sa

from portal.core import clock
from portal.core.db import reader, transaction
from portal.orders.intake import store_terms
from portal.orders.models import Order
from portal.parties.models import Store
from tests.gateway.crowd import at_the_same_time


@pytest.fixture
def shop(either_road):
    """Every test holds on both roads."""
    return either_road


@pytest.mark.parametrize(("field", "value"), [
    ("external_id", " order-7"), ("external_id", "order-7\u00a0"), ("external_id", "order\u200b-7"),
    ("external_id", "\u202e7-redro"), ("external_id", "\u043erder-7"), ("external_id", "order\n7"),
    ("customer_id", "anna "), ("customer_id", "\u0430nna")])
def test_an_id_that_looks_like_another_is_refused(shop, payin, field, value):
    sent = {"customer": {"id": value}} if field == "customer_id" else {field: value}
    answer = shop.post("/payins", payin(**sent))
    assert answer.status_code == 422
    assert [(wrong["field"], wrong["code"]) for wrong in answer.json["errors"]] == [
        ("/" + field.replace("_id", "/id") if field == "customer_id" else f"/{field}", f"invalid_{field}")]
    assert shop.count() == 0


def test_a_payers_name_reaches_nobody_with_letters_that_cannot_be_seen(shop, payin):
    sent = payin(customer={"name": " Anna\u202e  \u200bPay\u0435r"})
    assert shop.post("/payins", sent).status_code == 201
    kept = reader().scalar(sa.select(Order.customer_name).where(Order.external_id == sent["external_id"]))
    assert kept == "Anna Pay\u0435r"


def test_a_new_payin_looks_as_promised(shop, payin):
    answer = shop.post("/payins", payin(description="Order 1042", metadata={"cart": "9"}))
    assert answer.status_code == 201
    order = answer.json
    assert order["id"].startswith("pin_")
    assert order["object"] == "payin"
    assert order["status"] == "new"
    assert (order["amount"], order["amount_to_pay"], order["currency"]) == ("1500.00", "1500.00", "RUB")
    assert order["settlement"]["currency"] == "USDT"
    assert order["requisite"] is None
    assert order["events"] == [{"type": "payin.new", "at": order["created_at"]}]
    assert order["version"] == 1
    assert order["metadata"] == {"cart": "9"}
    assert order["failure"] is None
    assert order["payment_url"].split("/pay/")[1]
    assert answer.headers["Request-Id"].startswith("req_")
    assert "Idempotent-Replayed" not in answer.headers
    assert shop.get(f"/payins/{order['id']}").json == order


@pytest.mark.parametrize("amount", [
    "1500", "1500.0", "1500.000", " 1500.00", "1500.00 ", "+1500.00", "-1500.00", "1,500.00", "1e3", "01500.00", ".50",
    "1500.", "", "NaN", "Infinity", "\u0661\u0665\u0660\u0660.\u0660\u0660", "\uff11\uff15\uff10\uff10.00", "0x10.00",
    "1_500.00", "1500.00\n", "0.00", "9" * 30 + ".00", 1500, 1500.0, 1500.5, None, True, [], {}, ["1500.00"],
    {"minor": 1}, "1500.00\u0000", "\u22121.00",
])
def test_an_amount_is_a_plain_decimal_text_of_the_scale(shop, payin, amount):
    sent = payin(amount=amount)
    answer = shop.post("/payins", sent)
    assert answer.status_code == 422, answer.json
    assert "/amount" in [error["field"] for error in answer.json["errors"]]
    assert shop.get("/payins", external_id=sent["external_id"]).json["data"] == []


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b'{"amount": NaN}', b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe{}",
    b'{"external_id": "a", "external_id": "b"}', b'{"metadata": {"x": "\\ud800"}}', b'{"x\\u0000": 1}',
    b'{"amount": ' + b"9" * 10_000 + b"}", b'{"amount": 1e400}', b'{"customer": "x"}', b'{"metadata": [1]}',
    b'{"customer": {"ip": "999.1.1.1"}}',
    b'{"currency": "RUB", "amount": "1500.00", "external_id": "z", "customer": {"ip": "fe80::1:80:x"}}',
    b'{"external_id": ' + b'"x"' * 3 + b"}", b'{"currency": "\xd0"}', b"\x00",
])
def test_hostile_bodies_are_refused_and_nothing_is_stored(shop, body):
    before = shop.count()
    answer = shop.send("/payins", body)
    assert answer.status_code in (400, 422), answer.get_data()
    assert answer.content_type == "application/problem+json"
    assert shop.count() == before


def test_all_wrong_fields_are_named_at_once(shop, payin):
    answer = shop.post("/payins", payin(amount="1.5", currency="XXX", customer={"id": "u", "ip": "nowhere"},
                                        status="paid", fee="0.00"))
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json["errors"]}
    assert {"/currency", "/customer/ip", "/status", "/fee"} <= fields
    assert {"type", "title", "status", "detail", "code", "request_id", "retryable", "errors"} <= set(answer.json)
    assert answer.json["request_id"] == answer.headers["Request-Id"]


def test_a_second_order_with_the_external_id_is_told_the_first(shop, payin):
    first = shop.post("/payins", payin(external_id="order-7")).json
    second = shop.post("/payins", payin(external_id="order-7", amount="1600.00"))
    assert second.status_code == 409
    assert second.json["code"] == "external_id_taken"
    assert second.json["order_id"] == first["id"]


def test_a_stranger_sees_nothing(shop, other_shop, payin):
    order = shop.post("/payins", payin()).json
    unknown = "pin_" + "0" * 26
    for path in (f"/payins/{order['id']}", f"/payins/{unknown}", "/payins/nonsense", "/payins/pout_" + order["id"][4:]):
        answer = other_shop.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    for act in ("cancel", "mark-paid"):
        assert other_shop.post(f"/payins/{order['id']}/{act}").status_code == 404
    assert other_shop.get("/payins", external_id=order["external_id"]).json["data"] == []
    assert shop.get(f"/payins/{order['id']}").json["status"] == "new"


def test_a_test_key_reaches_only_test_orders(shop, test_shop, payin):
    live, test = shop.post("/payins", payin()).json, test_shop.post("/payins", payin()).json
    assert (live["live"], test["live"]) == (True, False)
    assert test_shop.get(f"/payins/{live['id']}").status_code == 404
    assert shop.get(f"/payins/{test['id']}").status_code == 404
    assert [order["id"] for order in test_shop.get("/payins").json["data"]] == [test["id"]]


def test_cancel_once_and_not_again(shop, payin):
    order = shop.post("/payins", payin()).json
    answer = shop.post(f"/payins/{order['id']}/cancel")
    assert (answer.status_code, answer.json["status"], answer.json["version"]) == (200, "cancelled", 2)
    again = shop.post(f"/payins/{order['id']}/cancel")
    assert (again.status_code, again.json["code"]) == (409, "invalid_transition")
    assert shop.post(f"/payins/{order['id']}/mark-paid").status_code == 409
    assert shop.post(f"/payins/{order['id']}/cancel", {"status": "paid"}).status_code == 422


def test_a_list_is_filtered_strictly_and_paged(shop, payin):
    made = [shop.post("/payins", payin(customer={"id": "u-1"} if n % 2 else None)).json for n in range(5)]
    first = shop.get("/payins", limit=2).json
    second = shop.get("/payins", limit=2, cursor=first["next_cursor"]).json
    third = shop.get("/payins", limit=2, cursor=second["next_cursor"]).json
    listed = [order["id"] for page in (first, second, third) for order in page["data"]]
    assert listed == [order["id"] for order in reversed(made)]
    assert third["next_cursor"] is None
    assert len(shop.get("/payins", customer_id="u-1").json["data"]) == 2
    assert len(shop.get("/payins", status="new").json["data"]) == 5
    assert shop.get("/payins", status="completed").json["data"] == []
    assert shop.get("/payins", created_from=made[2]["created_at"]).json["data"][-1]["id"] == made[2]["id"]
    assert [o["id"] for o in shop.get("/payins", created_to=made[2]["created_at"]).json["data"]] == [
        made[1]["id"], made[0]["id"]]


def test_many_orders_are_looked_at_by_their_ids_and_only_ones_own(shop, payin):
    made = [shop.post("/payins", payin()).json["id"] for _ in range(3)]
    asked = ",".join((made[0], made[2], "pin_01J8ZQ5V9K3M7N2P4R6T8W0Y1A"))
    assert [order["id"] for order in shop.get("/payins", ids=asked).json["data"]] == [made[2], made[0]]
    assert [order["id"] for order in shop.get("/payins", ids=asked, status="new", limit=1).json["data"]] == [made[2]]
    assert shop.get("/payins", ids=asked, status="completed").json["data"] == []
    assert shop.in_test_mode().get("/payins", ids=asked).json["data"] == []
    assert shop.get("/payins", ids=",".join([made[0]] * 100)).status_code == 200
    assert shop.get("/payins", ids=",".join([made[0]] * 101)).status_code == 422
    assert shop.get("/payouts", ids=made[0]).json["errors"][0]["field"] == "/ids"


@pytest.mark.parametrize("query", [
    "limit=0", "limit=101", "limit=-1", "limit=1.5", "limit=x", "limit=%D9%A1", "limit=", "cursor=zzz", "cursor=",
    "status=", "status=NEW", "status=nonsense", "created_from=yesterday", "created_from=2026-01-01", "cursor=%ff",
    "created_to=2026-13-01T00:00:00Z", "created_from=2026-01-01T00:00:00", "unknown=1", "Limit=5", "limit=5&limit=6",
    "external_id=", "external_id=%00", "wait=5", "ids=", "ids=pin_01", "ids=pin_01J8ZQ5V9K3M7N2P4R6T8W0Y1A,",
    f"limit={'9' * 5000}",
])
def test_unknown_and_wrong_query_values_are_refused(shop, query):
    answer = shop.get(f"/payins?{query}")
    assert answer.status_code == 422, query
    assert answer.json["errors"]


def test_times_are_utc_with_milliseconds(shop, payin):
    order = shop.post("/payins", payin()).json
    assert order["created_at"] <= clock.rfc3339(clock.now())
    assert order["created_at"].endswith("Z")
    assert len(order["created_at"]) == len("2026-11-22T10:11:12.345Z")


EXTRA = ("role", "balance", "status", "fee", "rate", "live", "store_id", "settlement", "amount_to_pay", "requisite",
         "version", "idempotency_key", "csrf_token", "order_id", "payin_id", "__proto__", "id")


@pytest.mark.parametrize("name", EXTRA)
def test_extra_fields_are_refused_in_every_body(shop, payin, name):
    order = shop.post("/payins", payin()).json
    bodies = {"/payins": payin(), f"/payins/{order['id']}/cancel": {}, f"/payins/{order['id']}/mark-paid": {},
              "/webhook-endpoints": {"url": "http://127.0.0.1:9/", "events": ["*"]}}
    for path, body in bodies.items():
        answer = shop.post(path, body | {name: "1"})
        assert answer.status_code == 422, path
        assert f"/{name}" in [error["field"] for error in answer.json["errors"]]
    nested = shop.post("/payins", payin(customer={"id": "u", name: "1"})) if name != "id" else None
    assert nested is None or nested.status_code == 422
    assert shop.get(f"/payins/{order['id']}").json == order
    assert shop.count() == 1


def test_an_external_id_is_taken_once_by_many_at_once(shop, payin):
    body = payin()
    answers = at_the_same_time(20, lambda _: shop.post("/payins", body))
    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == 1
    for answer in answers:
        if answer is not made[0]:
            assert answer.status_code == 409
            assert answer.json["code"] == "external_id_taken"
            assert answer.json["order_id"] == made[0].json["id"]


def test_what_was_accepted_is_replayed_though_it_would_be_refused_today(shop, payin):
    body = payin(return_url="https://shop.example/thanks")
    first = shop.post("/payins", body, key="k")
    with transaction() as session:
        session.get_one(Store, shop.store.id).return_hosts = []
    store_terms.forget()
    assert shop.post("/payins", payin(return_url="https://shop.example/thanks")).status_code == 422
    again = shop.post("/payins", body, key="k")
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = shop.post("/payins", body | {"return_url": "https://other.example/"}, key="k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_another_host_is_refused_as_a_problem(client):
    answer = client.get("/gateway/v1/openapi.json", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
