"""Endpoints, events and deliveries over JSON: the same services as the pages, and the shapes that are documented."""
import json
from datetime import timedelta
from typing import Any

import pytest

from portal.core import clock, jobs
from portal.core.db import transaction
from portal.webhooks import Announcement, announce
from portal.webhooks.announce import KIND
from tests.gateway.conftest import Shop
from tests.gateway.test_openapi import check, document
from tests.webhooks.receiver import listening

assert document  # a fixture
ENDPOINT, DELIVERY = "/webhook-endpoints/{endpoint_id}", "/webhook-deliveries/{delivery_id}"
URL = "http://127.0.0.1:9/hook"


def send(shop: Shop, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return shop._open(method, path, headers, data=b"" if body is None else json.dumps(body).encode(),
                      content_type="application/json")


@pytest.fixture
def endpoint(shop: Shop) -> dict[str, Any]:
    made = shop.post("/webhook-endpoints", {"url": URL, "events": ["*"]}).json
    assert made["secret"]
    return dict(made)


def tell(shop: Shop) -> None:
    with transaction() as session:
        announce(session, [Announcement(store_id=shop.store.id, live=True, type="payin.completed", version=5,
                                        payload={"id": "pin_1"})])


def test_changed_paused_and_deleted(document, shop, endpoint):
    path = f"/webhook-endpoints/{endpoint['id']}"
    changed = send(shop, "PATCH", path, {"events": ["payin.expired"], "description": "new"})
    check(document, "PATCH", ENDPOINT, changed)
    assert (changed.json["events"], changed.json["url"]) == (["payin.expired"], URL)
    assert send(shop, "PATCH", path, {"active": False}).json["status"] == "disabled"
    refused = shop.post(f"{path}/test")
    check(document, "POST", f"{ENDPOINT}/test", refused)
    assert (refused.status_code, refused.json["code"]) == (409, "webhook_endpoint_disabled")
    assert send(shop, "PATCH", path, {"active": True}).json["status"] == "active"
    for wrong in ({"url": "ftp://x"}, {"events": []}, {"status": "deleted"}, {"endpoint_id": "whk_x"}):
        check(document, "PATCH", ENDPOINT, refusal := send(shop, "PATCH", path, wrong))
        assert refusal.status_code == 422, wrong
    gone = send(shop, "DELETE", path)
    check(document, "DELETE", ENDPOINT, gone)
    assert gone.json == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    assert send(shop, "DELETE", path).status_code == 404
    assert shop.get("/webhook-endpoints").json["data"] == []


def test_everything_is_told_once_more(shop, endpoint):
    asked = {"since": clock.rfc3339(clock.now() - timedelta(hours=1)), "undelivered_only": True}
    answer = shop.post(f"/webhook-endpoints/{endpoint['id']}/replay", asked)
    assert (answer.status_code, answer.json["object"]) == (202, "webhook_replay"), answer.json


def test_a_deletion_under_the_same_key_is_the_first_answer_again(shop, endpoint):
    path = f"/webhook-endpoints/{endpoint['id']}"
    first, again = send(shop, "DELETE", path, key="k-1"), send(shop, "DELETE", path, key="k-1")
    assert (first.status_code, again.get_data()) == (200, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_new_secret_is_told_once_and_the_same_one_under_the_same_key(document, shop, endpoint):
    path = f"/webhook-endpoints/{endpoint['id']}/rotate-secret"
    first = shop.post(path, key="k-1")
    check(document, "POST", f"{ENDPOINT}/rotate-secret", first)
    assert first.json["secret"] not in (None, endpoint["secret"])
    assert shop.post(path, key="k-1").json["secret"] == first.json["secret"]
    assert "secret" not in shop.get("/webhook-endpoints").json["data"][0]


def test_a_test_is_sent_and_seen(document, shop):
    import tasks.webhooks  # noqa: F401

    with transaction() as session:
        session.query(jobs.Job).filter_by(kind=KIND).delete()
    with listening() as receiver:
        made = shop.post("/webhook-endpoints", {"url": receiver.url, "events": ["*"]}).json
        sent = shop.post(f"/webhook-endpoints/{made['id']}/test")
        check(document, "POST", f"{ENDPOINT}/test", sent)
        assert sent.status_code == 201
        tell(shop)
        while jobs.run(KIND):
            pass
        one = shop.get("/webhook-deliveries", endpoint_id=made["id"], status="delivered")
        check(document, "GET", "/webhook-deliveries", one)
        assert {row["type"] for row in one.json["data"]} == {"test.ping", "payin.completed"}
        again = shop.post(f"/webhook-deliveries/{sent.json['id']}/redeliver")
        check(document, "POST", f"{DELIVERY}/redeliver", again)
        while jobs.run(KIND):
            pass
    assert receiver.ids.count(sent.json["event_id"]) == 2
    events = shop.get("/events", type="payin.completed")
    check(document, "GET", "/events", events)
    (event,) = events.json["data"]
    one = shop.get(f"/events/{event['id']}")
    check(document, "GET", "/events/{event_id}", one)
    assert one.json == event
    assert [row["id"] for row in shop.get("/webhook-deliveries", event_id=event["id"]).json["data"]] != []


@pytest.mark.parametrize("query", [
    {"endpoint_id": "nonsense"}, {"event_id": "whk_1"}, {"status": "sent"}, {"limit": 0}])
def test_a_wrong_filter_is_said(document, shop, query):
    refused = shop.get("/webhook-deliveries", **query)
    check(document, "GET", "/webhook-deliveries", refused)
    assert refused.status_code == 422


def test_an_unknown_type_is_said(document, shop):
    check(document, "GET", "/events", refused := shop.get("/events", type="payin.nonsense"))
    assert refused.status_code == 422


def test_another_mode_and_another_scope_see_nothing(shop, test_shop, endpoint):
    path = f"/webhook-endpoints/{endpoint['id']}"
    for other, status in ((shop.in_test_mode(), 404), (test_shop, 404), (shop.with_scopes("orders:read"), 403)):
        assert send(other, "PATCH", path, {"active": False}).status_code == status
        assert send(other, "DELETE", path).status_code == status
        assert other.post(f"{path}/rotate-secret").status_code == status
        assert other.post(f"{path}/test").status_code == status
    assert shop.get("/webhook-endpoints").json["data"][0]["status"] == "active"
