"""From the step to the merchant's server, over the real database, the real sender and real HTTP."""
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from portal.core import clock, ids
from portal.core.access import SCOPES
from portal.core.db import db, transaction
from portal.core.outbound import addresses
from portal.orders import payment_links
from portal.webhooks import announce, queries, request_preview, service
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, Resend, RotateSecret
from tests.statements import statements
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import bare, listening

Send = Callable[[], int]


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_deliveries_verify_with_the_public_library(shop: Shop, send: Send, count: int) -> None:
    with listening() as receiver:
        _, secret = shop.endpoint(receiver.url)
        shop.tell(count)
        send()
    assert len(receiver.received) == count
    assert len(set(receiver.ids)) == count
    assert receiver.at_once_max <= 4
    verifier = Webhook(secret)
    for one in receiver.received:
        told = verifier.verify(one.body, one.headers)
        assert set(told) == {"type", "timestamp", "data"}
        assert told["type"] == "payin.completed"
        assert told["data"]["name"] == "Ж\u2028 «&» \U0001f600"
        assert one.headers["webhook-id"].startswith("evt_")
        assert one.body == json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), "compact"
    assert {d.state for d in shop.deliveries()} == {"delivered"}
    assert {d.attempts for d in shop.deliveries()} == {1}


def test_an_altered_delivery_is_refused(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        _, secret = shop.endpoint(receiver.url)
        shop.tell()
        send()
    one = receiver.received[0]
    altered = [(one.body.replace(b"pin_0", b"pin_1"), one.headers), (one.body + b" ", one.headers),
               (one.body, one.headers | {"webhook-id": "evt_other"}),
               (one.body, one.headers | {"webhook-timestamp": str(int(one.headers["webhook-timestamp"]) + 1)})]
    for body, headers in altered:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(one.body, one.headers)


def test_both_secrets_sign_while_one_replaces_the_other(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        endpoint, old = shop.endpoint(receiver.url)
        with transaction() as session:
            _, new = service.rotate_secret(session, shop.key, RotateSecret(endpoint_id=endpoint.public_id))
        shop.tell()
        send()
        with clock.moved(timedelta(hours=25)):
            shop.tell()
            send()
    during, after = receiver.received
    Webhook(old).verify(during.body, during.headers)
    Webhook(new).verify(during.body, during.headers)
    assert during.headers["webhook-signature"].count("v1,") == 2
    assert after.headers["webhook-signature"].count("v1,") == 1


def test_nobody_is_told_what_they_did_not_ask_for(shop: Shop, stranger: Shop, send: Send) -> None:
    with listening() as receiver:
        shop.endpoint(receiver.url, ["payin.expired"])
        stranger.endpoint(receiver.url + "?stranger")
        shop.tell(type="payin.completed")
        shop.tell(type="payin.expired")
        send()
    assert [json.loads(one.body)["type"] for one in receiver.received] == ["payin.expired"]
    assert db.session.execute(text("SELECT count(*) FROM webhook_events WHERE store_id = :store"),
                              {"store": shop.store.id}).scalar() == 1


def test_a_step_that_fails_tells_nobody(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        shop.endpoint(receiver.url)
        with pytest.raises(RuntimeError), transaction() as session:
            announce(session, [shop.step("payin.completed")])
            raise RuntimeError
        send()
    assert receiver.received == []
    assert shop.deliveries() == []


def test_a_batch_costs_one_statement(shop: Shop, stranger: Shop) -> None:
    for one in (shop, stranger):
        one.endpoint("http://127.0.0.1:9/a")
        one.endpoint("http://127.0.0.1:9/b")
    with transaction() as session, statements() as sent:
        announce(session, [one.step("payin.assigned", n) for n in range(50) for one in (shop, stranger)])
    assert len(sent) == 1, sent
    assert len(shop.deliveries()) == 100


def test_a_body_stays_under_20_kb(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        _, secret = shop.endpoint(receiver.url)
        shop.tell(events=[{"type": "payin.assigned", "at": "2026-11-22T00:00:00.000Z"}] * 600)
        send()
    one = receiver.received[0]
    assert len(one.body) < 20_000
    assert Webhook(secret).verify(one.body, one.headers)["data"]["events"] == []


def test_a_name_that_changes_its_answer_gets_no_packet(shop: Shop, send: Send) -> None:
    """Saved while it was public; by the time of the delivery it says loopback."""
    names = {"evil.example": ["93.184.215.14"]}
    with bare() as listener, addresses.guarded_by(addresses.Guard(resolve=lambda host: names[host])):
        shop.endpoint("https://evil.example/hooks")
        names["evil.example"] = ["127.0.0.1"]
        shop.tell(3)
        send()
        assert listener.connections == 0
    assert {(d.state, d.response_error) for d in shop.deliveries()} == {("pending", "address_not_public")}


@pytest.mark.parametrize(("scopes", "told"), [
    (("webhooks:manage",), False), (("webhooks:manage", "orders:read"), False),
    (("webhooks:manage", "orders:write"), True)])
def test_a_payment_link_goes_where_who_named_the_address_may_open_it(
        shop: Shop, send: Send, scopes: tuple[str, ...], told: bool) -> None:
    """A key for webhooks alone named an address and was sent links that cancel orders and show numbers in full."""
    key = replace(shop.key, permissions=frozenset().union(*(SCOPES[scope] for scope in scopes)))
    order_id = ids.new_id()
    with listening() as receiver:
        with transaction() as session:
            service.create_endpoint(session, key, CreateEndpoint(url=receiver.url, events=["*"]))
        shop.tell(id=ids.public("pin", order_id), payment_url="https://desk.example/pay/once")
        send()
        [delivery] = shop.deliveries()
        with transaction() as session:
            service.resend(session, shop.owner, Resend(delivery_id=delivery.public_id))
        send()
        delivery = queries.delivery(db.session(), shop.owner, delivery.public_id)
        shown = request_preview.request_of(db.session(), delivery, with_link=True).body
    bodies = [json.loads(one.body)["data"] for one in receiver.received]
    assert [payment_links.path_of(order_id) in str(body["payment_url"]) for body in bodies] == [told, told]
    assert json.loads(shown)["data"] == bodies[0], "the preview is what was sent"


def test_a_new_address_is_told_links_by_the_right_of_who_wrote_it(shop: Shop) -> None:
    """A limited key that turns an endpoint to its own address takes no links with it; an owner gives them back."""
    limited = replace(shop.key, permissions=SCOPES["webhooks:manage"])
    with transaction() as session:
        endpoint, _ = service.create_endpoint(session, shop.owner, CreateEndpoint(
            url="http://127.0.0.1:9/a", events=["*"]), store_id=shop.store.id, live=True)
    seen = [endpoint.with_link]
    for actor, change in ((limited, {"url": "http://127.0.0.1:9/a"}), (limited, {"events": ["payin.new"]}),
                          (limited, {"url": "http://127.0.0.1:9/b"}), (shop.owner, {"url": "http://127.0.0.1:9/b"})):
        with transaction() as session:
            changed = service.change_endpoint(session, actor, ChangeEndpoint(
                endpoint_id=endpoint.public_id, **change))
            seen.append(changed.with_link)
    assert seen == [True, True, True, False, True]


def test_no_place_to_look_a_name_up_is_no_failure_of_its_receiver(
        shop: Shop, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's hanging names once used up the tries of everybody's endpoints, and switched them off."""
    with listening() as receiver:
        shop.endpoint(receiver.url.replace("127.0.0.1", "localhost"))
        shop.tell()
        with monkeypatch.context() as full:
            full.setattr(addresses, "LOOK_UPS_MAX", 0)
            send()
        assert [(d.state, d.attempts) for d in shop.deliveries()] == [("pending", 0)]
        assert not receiver.received
        with clock.moved(timedelta(seconds=10)):
            send()
    assert [(d.state, d.attempts) for d in shop.deliveries()] == [("delivered", 1)]
