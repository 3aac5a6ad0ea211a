"""Streams in one process: who is let in, who hears what, and when they end. Real sessions, real Redis, no server."""
import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from portal.core import page_events, redis_breaker
from portal.core.db import transaction
from portal.parties import sessions
from portal.parties.models import User, UserSession
from portal.server.live import Live
from portal.server.live import hub as hubs
from portal.server.request_body import Message, Receive, Scope, Send
from tests import factories, people
from tests.factories import Cast
from tests.running import wait_for
from tests.tasks.servers import own_valkey, silent_server

NAMES = {"orders", "balance", "requisites", "deliveries", "approvals", "jobs", "resync"}


class Stream:
    """One request for `/live` and what came of it."""

    def __init__(self, server: "Server", sid: str | None, method: str = "GET") -> None:
        self.started: Message = {}
        self.wire, self.ended = "", False
        cookie = [(b"cookie", f"csrf=x; sid={sid}".encode())] if sid else []
        scope: Scope = {"type": "http", "path": "/live", "method": method, "query_string": b"", "headers": cookie}
        self._loop = server.loop
        self._gone = asyncio.run_coroutine_threadsafe(_event(), server.loop).result(5)
        self.running = server.run(server.live(scope, self._receive, self._send))
        wait_for(lambda: self.started, "an answer begins", 5)

    @property
    def status(self) -> int:
        return int(self.started["status"])

    @property
    def names(self) -> list[str]:
        return [line[7:] for line in self.wire.splitlines() if line.startswith("event: ")]

    def hears(self, name: str) -> None:
        wait_for(lambda: name in self.names, f"the stream says {name}", 5)

    def leave(self) -> None:
        self._loop.call_soon_threadsafe(self._gone.set)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = message
        else:
            self.wire += message["body"].decode()
            self.ended = not message.get("more_body", False)


class Server:
    """An event loop of its own with `/live` in it."""

    def __init__(self, app: Flask, **timing: float) -> None:
        self.loop = asyncio.new_event_loop()
        self.live = Live(_nothing_else, app, **timing)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def open(self, person: people.Person | None, app: Flask, method: str = "GET") -> Stream:
        return Stream(self, people.seat(app, person).sid if person else None, method)

    def stop(self) -> None:
        self.run(_call(self.live.hub.close)).result(5)
        wait_for(lambda: self.live.hub.size == 0, "all streams end", 5)
        self.run(_rest()).result(5)
        self.live._threads.shutdown()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _rest() -> None:
    """Let what was cancelled finish."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)


async def _event() -> asyncio.Event:
    return asyncio.Event()


async def _call(act: Callable[[], None]) -> None:
    act()


async def _nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope)


@contextmanager
def serving(app: Flask, redis_url: str, **timing: float) -> Iterator[Server]:
    """`/live` of an application, which tells through that Redis."""
    before, told = page_events._telegraph, page_events.Publisher(redis_url)
    running = Server(app, **timing)
    running.live.hub._url, page_events._telegraph = redis_url, told
    try:
        yield running
    finally:
        page_events._telegraph = before
        told.close()
        running.stop()
        del app.config["LIVE_URL"]


@pytest.fixture
def server(app: Flask, redis_url: str) -> Iterator[Server]:
    with serving(app, redis_url, check_every_s=30, heartbeat_s=10) as running:
        yield running


@pytest.fixture
def cast(app: Flask) -> Cast:
    made = factories.new_cast()
    made.requisite()
    return made


def listening(server: Server) -> None:
    """The ear is on Redis: what is published from now on is heard."""
    wait_for(server.live.hub.hearing.is_set, "Redis is heard", 5)


def test_nobody_listens_without_a_session(server: Server, app: Flask) -> None:
    assert server.open(None, app).status == 401
    assert Stream(server, "made-up").status == 401
    assert server.open(people.person("super_admin"), app, method="POST").status == 405
    assert server.live.hub.size == 0


def test_each_hears_only_of_what_concerns_them(server: Server, app: Flask, cast: Cast) -> None:
    stranger = factories.new_cast()
    own = {"trader": people.person("trader", trader_id=cast.traders[0].id),
           "merchant": people.person("merchant_owner", merchant_id=cast.merchant.id),
           "staff": people.person("super_admin")}
    others = {"trader": people.person("trader"), "merchant": people.person(
        "merchant_owner", merchant_id=stranger.merchant.id)}
    streams = {who: server.open(person, app) for who, person in own.items()}
    deaf = {who: server.open(person, app) for who, person in others.items()}
    listening(server)
    factories.paid_payin(cast)
    for stream in streams.values():
        stream.hears("orders")
    stranger.requisite()
    factories.completed_payin(stranger)
    streams["staff"].hears("balance")
    deaf["merchant"].hears("orders")
    assert deaf["trader"].names == []
    for stream in (*streams.values(), *deaf.values()):
        assert set(stream.names) <= NAMES
        for line in filter(None, stream.wire.splitlines()):
            assert line.startswith((": here", ": still here", "event: ")) or line.removeprefix("data: ").isdigit(), line


def test_a_trader_who_lost_an_order_hears_of_it(server: Server, app: Flask, cast: Cast) -> None:
    order = factories.assigned_payin(cast)
    his = server.open(people.person("trader", trader_id=cast.traders[0].id), app)
    listening(server)
    factories.expire(order)
    his.hears("orders")


def test_what_was_not_committed_is_not_told(server: Server, app: Flask, cast: Cast) -> None:
    heard = server.open(people.person("super_admin"), app)
    listening(server)
    with pytest.raises(ZeroDivisionError), transaction() as session:
        page_events.tell(session, "jobs", [])
        raise ZeroDivisionError
    with transaction() as session:
        page_events.tell(session, "approvals", [])
    heard.hears("approvals")
    assert "jobs" not in heard.names


def test_the_ninth_stream_of_a_user_is_refused(server: Server, app: Flask) -> None:
    person, other = people.person("super_admin"), people.person("super_admin")
    sid = people.seat(app, person).sid
    streams = [Stream(server, sid) for _ in range(9)]
    assert [stream.status for stream in streams] == [200] * 8 + [503]
    assert (b"retry-after", b"3") in streams[-1].started["headers"]
    assert server.open(other, app).status == 200
    streams[0].leave()
    wait_for(lambda: server.live.hub.size == 8, "the one that left makes room", 5)
    assert Stream(server, sid).status == 200


def test_a_process_takes_so_many_and_no_more(server: Server, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.live.hub, "_max", 1)
    assert server.open(people.person("super_admin"), app).status == 200
    assert server.open(people.person("super_admin"), app).status == 503


@pytest.mark.parametrize("because", ["session", "user"])
def test_a_stream_ends_soon_after_its_session(app: Flask, redis_url: str, because: str) -> None:
    """The minute is 60 s on the desk and 0.3 s here."""
    person = people.person("super_admin")
    with serving(app, redis_url, check_every_s=0.3, heartbeat_s=10) as server:
        stream, kept = server.open(person, app), server.open(people.person("super_admin"), app)
        assert stream.status == 200
        with transaction() as session:
            if because == "session":
                sessions.end_all(session, person.id, because="test")
            else:
                session.get_one(User, person.id).active = False
        wait_for(lambda: stream.ended, "the stream ends", 3)
        assert not kept.ended


def test_listening_is_no_use_of_a_session(app: Flask, redis_url: str) -> None:
    person = people.person("super_admin")
    with serving(app, redis_url, check_every_s=0.2, heartbeat_s=0.1) as server:
        stream = server.open(person, app)
        wait_for(lambda: stream.wire.count(": still here") >= 4, "it beats", 5)
        with transaction() as session:
            row = session.scalars(select(UserSession).where(UserSession.user_id == person.id)).one()
            assert row.seen_at == row.created_at


def test_a_burst_is_told_once(app: Flask, server: Server) -> None:
    stream = server.open(people.person("super_admin"), app)
    for _ in range(200):
        server.run(_call(lambda: server.live.hub.hear(b'{"orders": ["staff"]}'))).result(5)
    stream.hears("orders")
    assert stream.names.count("orders") < 20


def test_a_burst_of_commits_is_one_message(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis, redis.pubsub() as ear:
        ear.subscribe(page_events.channel_of(redis_url))
        telegraph, messages = page_events.Publisher(redis_url), list[dict[str, Any]]()
        for number in range(500):
            telegraph.put({"orders": {f"store:{number}"}})
        telegraph.close()
        while (message := ear.get_message(timeout=0.5)) is not None:
            messages += [json.loads(message["data"])] if message["type"] == "message" else []
    assert len({tag for message in messages for tag in message["orders"]}) == 500
    assert len(messages) <= 3


def test_a_silent_redis_holds_up_nobody() -> None:
    with silent_server() as port:
        telegraph, begun = page_events.Publisher(f"redis://127.0.0.1:{port}/0"), time.monotonic()
        for number in range(1000):
            telegraph.put({"orders": {f"store:{number}"}})
        assert time.monotonic() - begun < 0.1
        telegraph.close()


def test_while_redis_is_away_pages_are_told_to_ask_for_themselves(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "POLL_S", 0.2)
    monkeypatch.setattr(hubs, "PING_EVERY_S", 0.2)
    with own_valkey() as valkey, serving(app, valkey.url) as server:
        stream = server.open(people.person("super_admin"), app)
        listening(server)
        valkey.kill()
        stream.hears("resync")
        before = stream.names.count("resync")
        wait_for(lambda: stream.names.count("resync") > before, "again and again while it is away", 5)
        valkey.start()
        listening(server)
        monkeypatch.setattr(redis_breaker, "_silent_until", 0)
        with transaction() as session:
            page_events.tell(session, "approvals", [])
        stream.hears("approvals")
        assert not stream.ended


def test_a_redis_that_falls_silent_is_noticed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "SILENT_AFTER_S", 0.3)
    with silent_server() as port, serving(app, f"redis://127.0.0.1:{port}/0") as server:
        stream = server.open(people.person("super_admin"), app)
        assert stream.status == 200
        stream.hears("resync")
