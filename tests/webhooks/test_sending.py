"""Workers side by side: nobody is held up, nothing is lost, no transaction waits for a receiver."""
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, current_app
from sqlalchemy import text

from portal.core import clock, jobs
from portal.core.db import db, transaction
from portal.core.outbound.transport import Answer
from portal.webhooks import claims, sender, service
from portal.webhooks.commands import Ping
from portal.webhooks.models import DeliveryState, Endpoint
from portal.webhooks.outcome import record
from tests.waiting import dawdle
from tests.webhooks.conftest import Shop, open_shop
from tests.webhooks.receiver import Received, listening

Send = Callable[[], int]


def test_one_slow_endpoint_holds_up_nobody(shop: Shop, stranger: Shop, send: Send) -> None:
    release = threading.Event()
    arrived: list[bool] = []

    def slow(one: Received) -> tuple[int, dict[str, str], bytes]:
        release.wait(12)
        return 200, {}, b""

    def quick(one: Received) -> tuple[int, dict[str, str], bytes]:
        arrived.append(not snail.received or snail.at_once > 0)
        if len(arrived) == 60:
            release.set()
        return 200, {}, b""

    with listening(slow) as snail, listening(quick) as hare:
        shop.endpoint(snail.url)
        stranger.endpoint(hare.url)
        shop.tell(60)
        stranger.tell(60)
        send()
    assert len(arrived) == 60
    assert release.is_set()
    assert all(arrived), "done while the slow one still had its four in hand"
    assert snail.at_once_max == 4
    assert len(snail.received) == 60


def test_a_lease_that_ran_out_is_sent_again_with_the_same_id(shop: Shop, send: Send) -> None:
    """A worker was killed between the request and its record: claimed, sent, and never heard of again."""
    with listening() as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        killed = claims.claim(16, alone=False)
        assert len(killed) == 1
        assert sender.send(killed[0]).succeeded
        send()
        assert len(receiver.received) == 1, "its lease still runs"
        with clock.moved(timedelta(seconds=46)):
            send()
    assert len(receiver.received) == 2
    assert len(set(receiver.ids)) == 1
    assert shop.deliveries()[0].state == DeliveryState.DELIVERED
    assert shop.deliveries()[0].attempts == 1, "the lost one was never written down"


def test_a_sender_that_was_too_slow_changes_nothing(shop: Shop, send: Send) -> None:
    with listening(lambda one: (500, {}, b"")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        slow = claims.claim(16, alone=False)[0]
        with clock.moved(timedelta(seconds=46)):
            send()
        with pytest.raises(jobs.LeaseLost), transaction() as session:
            record(session, slow, Answer(200, 40_000))
    delivery = shop.deliveries()[0]
    assert (delivery.state, delivery.attempts, delivery.response_status) == ("pending", 1, 500)


def test_a_delivery_whose_worker_died_twice_goes_alone(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        shop.endpoint(receiver.url)
        shop.tell(1)
        for death in range(2):
            with clock.moved(timedelta(seconds=50 * death)):
                assert len(claims.claim(16, alone=True)) == 1
        with clock.moved(timedelta(seconds=150)):
            assert claims.claim(16, alone=False) == []
            send()
    assert shop.deliveries()[0].state == DeliveryState.DELIVERED


def test_many_claim_at_once_and_no_endpoint_gets_more_than_four(app: Flask, shop: Shop) -> None:
    shop.endpoint("http://127.0.0.1:9/")
    shop.tell(100)
    taken: list[int] = []

    def worker() -> None:
        with app.app_context():
            taken.append(len(claims.claim(16, alone=False)))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 4


def test_no_transaction_is_open_while_a_request_runs(shop: Shop, send: Send) -> None:
    seen: list[int] = []

    def look(one: Received) -> tuple[int, dict[str, str], bytes]:
        dawdle(0.4)
        with db.engine.connect() as connection:
            seen.append(connection.execute(text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND xact_start < clock_timestamp() - interval '0.3 s' AND backend_type = 'client backend'"
                " AND pid <> pg_backend_pid()")).scalar_one())
        return 200, {}, b""

    with listening(_within(look)) as receiver:
        shop.endpoint(receiver.url)
        shop.tell(3)
        db.session.remove()
        send()
    assert seen == [0, 0, 0]


def _within(act: Callable[[Received], tuple[int, dict[str, str], bytes]]) -> Callable[
        [Received], tuple[int, dict[str, str], bytes]]:
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def inside(one: Received) -> tuple[int, dict[str, str], bytes]:
        with app.app_context():
            return act(one)

    return inside


def test_many_shops_are_served_in_turn(app: Flask, send: Send) -> None:
    order: list[str] = []
    with listening(lambda one: (order.append(one.path), (200, {}, b""))[1]) as receiver:
        crowd, small = open_shop(), open_shop()
        crowd.endpoint(receiver.url + "?crowd")
        small.endpoint(receiver.url + "?small")
        crowd.tell(40)
        small.tell(2)
        send()
    assert max(place for place, path in enumerate(order) if path.endswith("small")) < 12


def test_stores_take_turns_before_endpoints(app: Flask, shop: Shop, stranger: Shop) -> None:
    """Sixteen endpoints of one store are one store: the first claim has room for the one that waits behind them."""
    for number in range(16):
        shop.endpoint(f"http://127.0.0.1:9/{number}")
    stranger.endpoint("http://127.0.0.1:9/")
    shop.tell(20)
    stranger.tell(2)
    first = claims.claim(4, alone=False)
    assert sorted(Counter(parcel.url.rpartition("/")[2] == "" for parcel in first).items()) == [(False, 2), (True, 2)]
    rest = [parcel for _ in range(5) for parcel in claims.claim(16, alone=False)]
    assert len(first) + len(rest) == claims.MERCHANT_MAX + 2, "and nobody has more in flight than their share"


def test_two_stores_of_one_merchant_share_what_is_in_flight(app: Flask, shop: Shop, stranger: Shop) -> None:
    """A second store was a second share: ten of them had the whole pool."""
    second = open_shop(merchant_id=shop.store.merchant_id)
    for one in (shop, second, stranger):
        for number in range(4):
            one.endpoint(f"http://127.0.0.1:9/{number}")
        one.tell(3)
    taken = Counter(parcel.merchant_id for _ in range(4) for parcel in claims.claim(16, alone=False))
    assert taken == {shop.store.merchant_id: claims.MERCHANT_MAX, stranger.store.merchant_id: claims.MERCHANT_MAX}


@pytest.mark.slow
def test_sixteen_slow_endpoints_of_one_store_hold_up_nobody_elses_test(app: Flask, send: Send) -> None:
    """They took the whole pool: another merchant's test.ping was not answered within a minute."""
    heard, over = threading.Event(), threading.Event()

    def answer(one: Received) -> tuple[int, dict[str, str], bytes]:
        if one.path.endswith("quick"):
            heard.set()
        else:
            over.wait(14.5)
        return 200, {}, b""

    def work() -> None:
        with app.app_context():
            while not over.is_set():
                sender.drain(app.app_context, for_s=1)

    with listening(answer) as receiver:
        slow, other = open_shop(), open_shop()
        for number in range(16):
            endpoint, _ = slow.endpoint(f"{receiver.url}?{number}")
            ping(slow, endpoint)
        endpoint, _ = other.endpoint(receiver.url + "?quick")
        worker = threading.Thread(target=work)
        worker.start()
        try:
            while receiver.at_once < claims.MERCHANT_MAX:
                assert not heard.wait(0.01)
            began = time.monotonic()
            ping(other, endpoint)
            assert heard.wait(10)
            took = time.monotonic() - began
        finally:
            over.set()
            worker.join(30)
        send()
    assert took < 1.5, f"{took:.1f} s"
    assert receiver.at_once_max <= claims.MERCHANT_MAX + 1
    assert len(receiver.received) == 17


def ping(shop: Shop, endpoint: Endpoint) -> None:
    with transaction() as session:
        service.ping(session, shop.key, Ping(endpoint_id=endpoint.public_id))
