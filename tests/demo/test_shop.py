"""The demo's shop is a merchant like any other: a key with a digest, an address with a secret, nothing hidden."""
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from portal.core import clock, crypto
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.demo import load, shop
from portal.parties import keys
from portal.parties.models import ApiKey
from portal.web.shop import client as shop_client
from portal.web.shop.client import Gateway, GatewayAway
from portal.webhooks import queries, signature
from portal.webhooks import service as webhooks
from tests.running import free_port
from tests.webhooks.receiver import bare


def open_it(url: str) -> None:
    with transaction() as session:
        shop.open_shop(session, url)


@pytest.fixture
def demo(fresh_app):
    with transaction() as session:
        load.load(session, "quittance-demo-password")
    return fresh_app


def test_opening_it_twice_makes_one_key_and_one_address(demo):
    here, there = (f"http://127.0.0.1:{free_port()}/shop/webhooks" for _ in range(2))
    open_it(here)
    open_it(here)
    open_it(there)
    assert reader().scalar(sa.select(sa.func.count()).select_from(ApiKey).where(ApiKey.name == shop.NAME)) == 1
    [endpoint] = queries.endpoints(reader(), SYSTEM).rows
    assert endpoint.url == there
    found = keys.find(shop.token())
    assert found is not None
    assert found.live
    assert found.scopes == frozenset(shop.SCOPES)


def test_only_what_the_desk_signed_is_believed(demo):
    open_it(f"http://127.0.0.1:{free_port()}/shop/webhooks")
    [endpoint] = queries.endpoints(reader(), SYSTEM).rows
    secret = crypto.open_sealed(endpoint.secret_sealed, place=webhooks.place(endpoint.id))
    body = b'{"type":"payin.completed"}'
    sent = signature.headers("msg_1", clock.now(), body, [secret])
    told = sent["webhook-id"], sent["webhook-timestamp"], sent["webhook-signature"]
    assert shop.verified(reader(), *told, body)
    assert not shop.verified(reader(), *told, body + b" ")
    assert not shop.verified(reader(), "msg_2", *told[1:], body)
    assert not shop.verified(reader(), *told[:2], "v1,AAAA", body)


def test_without_the_demo_there_is_no_shop(fresh_app):
    with pytest.raises(shop.NoShop):
        open_it("http://127.0.0.1:9/shop/webhooks")


def test_a_stranger_cannot_tell_the_shop_anything(client):
    answer = client.post("/shop/webhooks", data=b'{"type":"payin.completed","data":{"id":"pin_1"}}',
                         headers={"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"})
    assert answer.status_code == 400


def test_a_shop_whose_gateway_is_away_says_so_and_keeps_the_cart(client, app):
    token = client.get("/shop").get_data(as_text=True)
    csrf = token.partition('name="csrf-token" content="')[2].partition('"')[0]
    answer = client.post("/shop/orders", data={"csrf_token": csrf, "cart": "abc123", "good": "nothing"})
    assert answer.status_code == 422
    assert "Choose one of the goods" in answer.get_data(as_text=True)
    assert "abc123" in answer.get_data(as_text=True)


def test_a_slow_gateway_holds_two_of_the_shops_askers_and_turns_the_others_away_at_once():
    """The shop asks its own desk: eight buyers held all eight request threads, and nobody was left to answer them."""
    over = threading.Event()
    with bare(lambda connection: over.wait(10)) as gateway, ThreadPoolExecutor(8) as threads:
        slow = Gateway(f"http://127.0.0.1:{gateway.port}", "qk_live_x")
        asked = [threads.submit(slow.find, "payins", "shop-1") for _ in range(8)]
        began = time.monotonic()
        _, held = wait(asked, return_when=FIRST_COMPLETED)
        while len(held) > shop_client.ASKING_MAX:
            _, held = wait(asked, timeout=0.01)
            assert time.monotonic() - began < shop_client.TIMEOUT_S
        assert gateway.connections <= shop_client.ASKING_MAX
        over.set()
        assert {type(one.exception()) for one in asked} == {GatewayAway}
