"""`?wait=N&version=V`: answered when the order changes, at once where it has, and never by a thread that waits."""
import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from portal.calls import EXTENSION
from portal.core import page_events
from portal.gateway import waiting
from portal.gateway.errors import TooManyWaits
from portal.gateway.waiting import PER_MERCHANT_MAX, Place, Rooms
from portal.server.live.hub import Hub
from portal.server.waits import Waits
from portal.server.wsgi_bridge import Bridge
from tests.gateway.conftest import Shop
from tests.running import wait_for

NEVER = "28"  # seconds: longer than a test may take


@dataclass
class Call:
    """One that is on its way, and what came of it."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] | None = None
    over: bool = False
    gone: asyncio.Event | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """As `asgi.py` puts it together, with one thread for Flask: who waited in it would be seen."""

    def __init__(self, app, redis_url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=Context().run, args=(self.loop.run_forever,))
        self._thread.start()
        self.hub, self.asked = Hub(redis_url), 0
        self._bridge = Bridge(app, threads=1)
        self.waits = Waits(self._road, app, self.hub, rooms=Rooms(most=6, per_key=4))

    async def _road(self, scope, receive, send) -> None:
        self.asked += 1
        await self._bridge(scope, receive, send)

    def get(self, shop: Shop, path: str, query: str) -> Call:
        call = Call()
        asyncio.run_coroutine_threadsafe(self._serve(call, shop, path, query), self.loop)
        return call

    def whole(self, shop: Shop, path: str, query: str) -> Call:
        call = self.get(shop, path, query)
        wait_for(lambda: call.over, "the call is answered", 10)
        return call

    def leave(self, call: Call) -> None:
        self.loop.call_soon_threadsafe(call.gone.set)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.hub.close)

    def close(self) -> None:
        self.stop()
        wait_for(lambda: not self.waits.rooms.size, "nobody waits any more", 10)

        async def end() -> None:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _serve(self, call: Call, shop: Shop, path: str, query: str) -> None:
        gone = call.gone = asyncio.Event()

        body = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, object]:
            if body:
                return body.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message) -> None:
            if "status" in message:
                call.status = message["status"]
                call.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            call.body += message.get("body", b"")

        try:
            await self.waits({
                "type": "http", "http_version": "1.1", "method": "GET", "path": f"/gateway/v1{path}",
                "query_string": query.encode(), "scheme": "http", "client": ("127.0.0.1", 50000),
                "server": ("127.0.0.1", 80), "headers": [
                    (b"host", b"127.0.0.1"), (b"authorization", f"Bearer {shop.token}".encode())]}, receive, send)
        finally:
            call.over = True


@pytest.fixture
def server(app, redis_url) -> Iterator[Server]:
    made = Server(app, redis_url)
    yield made
    made.close()


@pytest.fixture
def made(shop, payin) -> str:
    return str(shop.post("/payins", payin()).json["id"])


def waits_for(server: Server, many: int) -> None:
    wait_for(lambda: len(server.waits._waiting) == many, f"{many} wait", 5)


def test_it_is_answered_when_the_order_changes_and_holds_no_thread(server, shop, made):
    call = server.get(shop, f"/payins/{made}", f"wait={NEVER}&version=1")
    waits_for(server, 1)
    assert server.whole(shop, f"/payins/{made}", "").json["version"] == 1  # by the only thread
    assert not call.over
    shop.post(f"/payins/{made}/cancel")
    wait_for(lambda: call.over, "the change is told", 5)
    assert (call.status, call.json["status"], call.json["version"]) == (200, "cancelled", 2)
    assert call.headers["request-id"].startswith("req_")


def test_a_payout_is_waited_for_likewise(server, funded, payout):
    made = funded.post("/payouts", payout(), key="k").json["id"]
    call = server.get(funded, f"/payouts/{made}", f"wait={NEVER}&version=1")
    waits_for(server, 1)
    assert server.whole(funded, f"/payouts/{made}", f"wait={NEVER}&version=0").json["version"] == 1
    assert server.whole(funded, f"/payouts/{made}", "wait=31").status == 422
    assert server.whole(funded, f"/payins/{made}", f"wait={NEVER}").status == 404
    assert not call.over
    funded.post(f"/payouts/{made}/cancel")
    wait_for(lambda: call.over, "the change is told", 5)
    assert (call.status, call.json["status"], call.json["version"]) == (200, "cancelled", 2)


def test_a_step_is_told_by_redis_before_the_next_look(server, shop, made, redis_url, monkeypatch):
    monkeypatch.setattr("portal.server.waits.LOOK_EVERY_S", 60)
    call = server.get(shop, f"/payins/{made}", f"wait={NEVER}&version=1")
    waits_for(server, 1)
    wait_for(server.hub.hearing.is_set, "the hub hears", 5)
    shop.post(f"/payins/{made}/cancel")
    with Redis.from_url(redis_url) as redis:
        redis.publish(page_events.channel_of(redis_url), json.dumps({"orders": [page_events.store(shop.store.id)]}))
    wait_for(lambda: call.over, "the change is told", 5)
    assert call.json["version"] == 2


def test_it_is_answered_at_once_where_it_has_changed_or_nothing_is_to_be_waited_for(server, shop, made):
    for query in ("", "wait=0", "wait=0&version=1", f"wait={NEVER}&version=0", f"wait={NEVER}&version=7", "version=1"):
        assert server.whole(shop, f"/payins/{made}", query).status == 200, query
    assert server.asked == 6


def test_when_its_time_is_over_it_hears_how_things_stand(server, shop, made):
    began = time.monotonic()
    call = server.whole(shop, f"/payins/{made}", "wait=1")
    assert (call.status, call.json["version"]) == (200, 1)
    assert time.monotonic() - began >= 1
    assert server.asked == 2


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "wait=1.5", "wait=", "wait=x", "wait=1&wait=2", "wait=%D9%A1",
                                   "version=x&wait=1", "version=-1&wait=1", "version=99999999999&wait=1", "wait=1&x=1"])
def test_wrong_values_are_refused(server, shop, made, query):
    call = server.whole(shop, f"/payins/{made}", query)
    assert (call.status, call.json["code"]) == (422, "invalid")


def test_who_may_not_see_it_does_not_wait(server, shop, other_shop, made):
    assert server.whole(other_shop, f"/payins/{made}", f"wait={NEVER}").status == 404
    assert server.whole(shop.as_key("nonsense"), f"/payins/{made}", f"wait={NEVER}").status == 401
    assert server.whole(shop, f"/payouts/{made}", f"wait={NEVER}").status == 404


def test_only_so_many_wait_by_key_and_in_all(server, shop, other_shop, made, payin):
    calls = [server.get(shop, f"/payins/{made}", f"wait={NEVER}") for _ in range(4)]
    waits_for(server, 4)
    refused = server.whole(shop, f"/payins/{made}", f"wait={NEVER}")
    assert (refused.status, refused.json["code"]) == (429, "too_many_waits")
    assert int(refused.headers["retry-after"]) >= 1
    another = shop.in_test_mode()
    theirs = other_shop.post("/payins", payin()).json["id"]
    calls += [server.get(other_shop, f"/payins/{theirs}", f"wait={NEVER}") for _ in range(2)]
    waits_for(server, 6)
    own = another.post("/payins", payin()).json["id"]
    refused = server.whole(another, f"/payins/{own}", f"wait={NEVER}")
    assert (refused.status, refused.json["code"]) == (503, "overloaded")
    server.leave(calls[0])  # its client went away
    waits_for(server, 5)
    assert calls[0].status == 0
    server.get(another, f"/payins/{own}", f"wait={NEVER}")
    waits_for(server, 6)


def test_a_merchant_with_many_keys_leaves_room_for_others():
    rooms, rich, poor = Rooms(), uuid4(), uuid4()
    places = [Place(uuid4(), rich) for _ in range(PER_MERCHANT_MAX)]
    for place in places:
        rooms.enter(place)
    with pytest.raises(TooManyWaits):
        rooms.enter(Place(uuid4(), rich))
    rooms.enter(Place(uuid4(), poor))
    rooms.leave(places[0])
    rooms.enter(Place(uuid4(), rich))
    assert rooms.size == PER_MERCHANT_MAX + 1


def test_a_server_that_stops_answers_them_and_takes_no_more(server, shop, made):
    calls = [server.get(shop, f"/payins/{made}", f"wait={NEVER}") for _ in range(3)]
    waits_for(server, 3)
    server.stop()
    wait_for(lambda: all(call.over for call in calls), "all are answered", 5)
    assert {call.status for call in calls} == {200}
    assert server.whole(shop, f"/payins/{made}", f"wait={NEVER}").status == 200


def test_a_database_that_is_away_meanwhile_ends_no_wait(server, shop, made, monkeypatch):
    real, away = server.waits._versions, threading.Event()

    def versions(asked):
        if not away.is_set():
            away.set()
            raise waiting.Overloaded()
        return real(asked)

    monkeypatch.setattr(server.waits, "_versions", versions)
    call = server.get(shop, f"/payins/{made}", f"wait={NEVER}")
    wait_for(away.is_set, "the first look fails", 5)
    shop.post(f"/payins/{made}/cancel")
    wait_for(lambda: call.over, "the next one sees", 5)
    assert call.json["version"] == 2


def test_it_counts_once_and_stands_in_the_log_once(app, limited_shop, payin, redis_url, monkeypatch):
    kept: list[Any] = []

    class Log:
        put: Callable[[Any], None] = kept.append

    made = limited_shop.post("/payins", payin()).json["id"]
    monkeypatch.setitem(app.extensions, EXTENSION, Log())
    server = Server(app, redis_url)
    try:
        before = int(server.whole(limited_shop, f"/payins/{made}", "").headers["ratelimit-limit"])
        kept.clear()
        call = server.whole(limited_shop, f"/payins/{made}", "wait=1")
    finally:
        server.close()
    assert call.headers["ratelimit-limit"] == str(before)
    (seen,) = kept
    assert seen.seconds >= 1
    assert seen.request_id == call.headers["request-id"]
    with Redis.from_url(redis_url) as redis:
        counts = [int(redis.get(name) or 0) for name in redis.scan_iter(f"quittance:gateway:{limited_shop.key_id}:r:*")]
    assert sum(counts) == 2
