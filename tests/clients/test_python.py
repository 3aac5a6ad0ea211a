"""clients/python against a desk that runs: what a shop does with it, and what it does when something breaks."""
import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from quittance import (
    AsyncQuittance,
    BadSignature,
    ExternalIdTaken,
    IdempotencyKeyReused,
    Invalid,
    InvalidTransition,
    NoAnswer,
    NotFound,
    Quittance,
    Retries,
    Unauthorized,
    Unavailable,
    Webhook,
)
from standardwebhooks import Webhook as ForeignWebhook

from portal.core import clock
from portal.webhooks import signature
from tests.clients.front import refusal
from tests.running import free_port

AT_ONCE = Retries(first_wait_s=0.01)


@pytest.fixture
def shop(customer):
    with Quittance(customer.key, customer.url) as client:
        yield client


def test_an_order_is_made_seen_and_called_off(shop, customer):
    made = shop.payins.create(**customer.order(customer={"id": "u-77"}, metadata={"cart": "9"}))
    assert (made["status"], made["live"], made["amount"]) == ("new", False, "1500.00")
    assert shop.payins.get(made["id"])["metadata"] == {"cart": "9"}
    assert shop.payins.cancel(made["id"])["status"] == "cancelled"
    assert shop.payins.wait_for(made["id"], "completed", timeout_s=5)["status"] == "cancelled"
    with pytest.raises(InvalidTransition):
        shop.payins.mark_paid(made["id"])


def test_lists_go_on_by_themselves(shop, customer):
    made = [shop.payins.create(**customer.order())["id"] for _ in range(5)]
    page = shop.payins.list(limit=2)
    assert len(page.data) == 2
    assert [one["id"] for one in page] == made[::-1]
    assert [one["id"] for one in shop.payins.list(ids=made[:2])] == made[1::-1]
    before = datetime.now(UTC) - timedelta(hours=1)
    assert not list(shop.payins.list(created_to=before))
    assert not list(shop.payins.list(status="completed"))


def test_the_rest_of_the_calls(shop, customer):
    assert shop.balance.get() == []
    assert not list(shop.balance.entries())
    assert "RUB" in {one["code"] for one in shop.reference.currencies()}
    assert "card" in {one["code"] for one in shop.reference.methods()}
    assert "RUB" in {one["quote"] for one in shop.reference.rates()}
    quote = shop.reference.quote(direction="payin", method=customer.method, amount="1500.00", currency="RUB")
    assert quote["due"] == "15.896739"
    assert not shop.reference.availability(kind="payin", method="cash", amount="1500.00", currency="RUB")["available"]
    endpoint = shop.webhook_endpoints.create(url="http://127.0.0.1:9/hook", events=["payin.completed"])
    assert shop.webhook_endpoints.get(endpoint["id"])["url"] == endpoint["url"]
    replay = shop.webhook_endpoints.replay(endpoint["id"], since=datetime.now(UTC) - timedelta(hours=1))
    assert shop.webhook_endpoints.replayed(replay["id"])["id"] == replay["id"]
    assert shop.webhook_endpoints.rotate_secret(endpoint["id"])["secret"] != endpoint["secret"]
    assert shop.webhook_endpoints.change(endpoint["id"], active=False)["status"] == "disabled"
    assert [one["id"] for one in shop.webhook_endpoints.list()] == [endpoint["id"]]
    assert shop.webhook_endpoints.delete(endpoint["id"])["deleted"]


def test_refusals_are_told_apart_by_code(shop, customer):
    order = customer.order()
    made = shop.payins.create(idempotency_key="once", **order)
    assert shop.payins.create(idempotency_key="once", **order) == made
    with pytest.raises(ExternalIdTaken) as taken:
        shop.payins.create(**order)
    assert taken.value.order_id == made["id"]
    with pytest.raises(IdempotencyKeyReused):
        shop.payins.create(idempotency_key="once", **order | {"amount": "1501.00"})
    with pytest.raises(Invalid) as wrong:
        shop.payins.create(**order | {"amount": "1500"})
    assert "/amount" in wrong.value.fields
    assert wrong.value.request_id.startswith("req_")
    with pytest.raises(NotFound):
        shop.payins.get("pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB")
    with Quittance("qk_test_wrong", customer.url) as stranger, pytest.raises(Unauthorized):
        stranger.balance.get()


def test_a_lost_answer_makes_no_second_order(customer, front):
    """The desk has made it, the shop never heard: the client asks again under the same key."""
    front.next.extend([None, None])
    with Quittance(customer.key, front.url, retries=AT_ONCE) as client:
        made = client.payins.create(**customer.order())
        assert [one["id"] for one in client.payins.list()] == [made["id"]]
    keys = [line for head in front.seen[:3] for line in head.lower().split(b"\r\n") if b"idempotency-key" in line]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert b"idempotent-replayed: true" in front.answers[2].lower()


def test_retry_after_is_waited_for(customer, front):
    front.next.extend([refusal("503 Service Unavailable", "1")])
    with Quittance(customer.key, front.url, retries=AT_ONCE) as client:
        begun = time.monotonic()
        assert client.payins.create(**customer.order())["status"] == "new"
        assert time.monotonic() - begun >= 1


def test_a_wait_too_long_is_told_and_not_waited(customer, front):
    problem = json.dumps({"code": "desk_paused", "detail": "Back at noon", "retryable": True}).encode()
    front.next.append(refusal("503 Service Unavailable", "3600", problem))
    with Quittance(customer.key, front.url) as client, pytest.raises(Unavailable) as paused:
        client.payins.create(idempotency_key="kept", **customer.order())
    assert (paused.value.code, paused.value.retry_after_s) == ("desk_paused", 3600)
    assert paused.value.idempotency_key == "kept"
    assert len(front.seen) == 1


def test_what_cannot_get_better_is_sent_once(customer, front):
    with Quittance(customer.key, front.url, retries=AT_ONCE) as client, pytest.raises(Invalid):
        client.payins.create(**customer.order(amount="1500"))
    assert len(front.seen) == 1


def test_it_gives_up_and_says_so(customer, front):
    front.next.extend([refusal("502 Bad Gateway", body=b"<html>")] * 9)
    with Quittance(customer.key, front.url, retries=AT_ONCE) as client, pytest.raises(Unavailable):
        client.balance.get()
    assert len(front.seen) == 4
    nobody = f"http://127.0.0.1:{free_port()}"
    with Quittance(customer.key, nobody, retries=AT_ONCE) as client, pytest.raises(NoAnswer) as silent:
        client.payins.create(**customer.order())
    assert silent.value.idempotency_key


def test_a_key_that_signs_its_calls_signs_every_attempt_anew(signing_customer, front):
    """Of the first create the answer is lost: the same signature would be `signature_replayed`."""
    customer = signing_customer
    with Quittance(customer.key, front.url) as client, pytest.raises(Unauthorized) as unsigned:
        client.payins.create(**customer.order())
    assert unsigned.value.code == "signature_missing"
    front.next.append(None)
    with Quittance(customer.key, front.url, retries=AT_ONCE, signing_secret=customer.signing_secret) as client:
        made = client.payins.create(**customer.order(description="Пирог"))
        assert b"idempotent-replayed: true" in front.answers[2].lower()
        assert [one["id"] for one in client.payins.list(ids=[made["id"]], created_from=datetime(2026, 1, 1, tzinfo=UTC))
                ] == [made["id"]]
        with pytest.raises(Invalid) as unread:  # its signature was right, though
            client.payins.add_receipts(made["id"], [("r.png", b"no picture", "image/png")])
        assert unread.value.code == "bad_file"
        assert client.payins.cancel(made["id"])["status"] == "cancelled"
    with (Quittance(customer.key, front.url, signing_secret="qsign_of_another") as client,
          pytest.raises(Unauthorized) as wrong):
        client.balance.get()
    assert wrong.value.code == "signature_invalid"


def test_the_asynchronous_one_signs_too(signing_customer, front):
    customer = signing_customer

    async def shop() -> None:
        async with AsyncQuittance(customer.key, front.url, retries=AT_ONCE,
                                  signing_secret=customer.signing_secret) as client:
            front.next.append(None)
            made = await client.payins.create(**customer.order())
            assert [one["id"] async for one in await client.payins.list(limit=1)] == [made["id"]]
            with pytest.raises(Invalid) as unread:
                await client.payins.add_receipts(made["id"], [("r.png", b"no picture", "image/png")])
            assert unread.value.code == "bad_file"

    asyncio.run(shop())
    assert b"idempotent-replayed: true" in front.answers[1].lower()


def test_the_asynchronous_one_does_the_same(customer, front):
    async def shop() -> None:
        async with AsyncQuittance(customer.key, front.url, retries=AT_ONCE) as client:
            front.next.append(None)
            order = customer.order()
            made = await client.payins.create(**order)
            assert [one["id"] async for one in await client.payins.list(limit=1)] == [made["id"]]
            with pytest.raises(ExternalIdTaken):
                await client.payins.create(**order)
            assert (await client.payins.cancel(made["id"]))["status"] == "cancelled"

    asyncio.run(shop())


def test_a_signature_is_ours_or_it_is_not():
    old, new, body = signature.new_secret(), signature.new_secret(), b'{"type":"payin.completed","data":{"version":5}}'
    sent = signature.headers("evt_1", clock.now(), body, [old, new])
    for secret in (old, new):
        assert Webhook(secret).verify(body, sent)["data"]["version"] == 5
        ForeignWebhook(secret).verify(body, sent)
    assert Webhook(signature.new_secret(), new).verify(body, {name.title(): value for name, value in sent.items()})
    for secret, told, headers in (
            (signature.new_secret(), body, sent), (new, body + b" ", sent), (new, body, sent | {"webhook-id": "evt_2"}),
            (new, body, sent | {"webhook-signature": "v1,AAAA v2,!!"}), (new, body, {}),
            (new, body, sent | {"webhook-timestamp": "soon"}), (new, body, sent | {"webhook-timestamp": "1"})):
        with pytest.raises(BadSignature):
            Webhook(secret).verify(told, headers)


@pytest.mark.parametrize("away_s", [-301, 301])
def test_an_old_message_is_no_message(away_s):
    secret, body = signature.new_secret(), b"{}"
    sent = signature.headers("evt_1", clock.now() + timedelta(seconds=away_s), body, [secret])
    with pytest.raises(BadSignature):
        Webhook(secret).verify(body, sent)
    assert Webhook(secret, tolerance_s=600).verify(body, sent) == {}
