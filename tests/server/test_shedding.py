"""Who waits for a thread is told in bounded time that there is none: too many before him, or for too long."""
import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from portal.server.refusals import OVERLOADED, Refused
from portal.server.wsgi_bridge import Bridge


@contextmanager
def all_at_work(queue_max: int, queue_s: float) -> Iterator[tuple[Bridge, threading.Event]]:
    """A bridge whose only thread is busy until the event."""
    free = threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            free.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    yield Bridge(app, threads=1, queue_max=queue_max, queue_s=queue_s), free
    free.set()


async def ask(bridge: Bridge, path: str = "/quick") -> int | str:
    """The status, or the code of the refusal."""
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message) -> None:
        if "status" in message:
            statuses.append(message["status"])

    try:
        await bridge({"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"",
                      "headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}, receive, send)
    except Refused as refused:
        return refused.refusal.code
    return statuses[0]


def test_beyond_the_queue_one_is_refused_at_once_and_the_others_are_served() -> None:
    async def rush() -> tuple[list[int | str], list[int | str]]:
        with all_at_work(queue_max=2, queue_s=30) as (bridge, free):
            waiting = [asyncio.ensure_future(ask(bridge, path)) for path in ("/slow", "/quick", "/quick")]
            await asyncio.sleep(0)
            refused = [await ask(bridge), await ask(bridge)]
            free.set()
            return refused, await asyncio.gather(*waiting)

    assert asyncio.run(rush()) == ([OVERLOADED.code] * 2, [200] * 3)


def test_who_has_waited_too_long_is_refused_and_never_begun() -> None:
    async def rush() -> list[int | str]:
        with all_at_work(queue_max=10, queue_s=.05) as (bridge, free):
            first = asyncio.ensure_future(ask(bridge, "/slow"))
            await asyncio.sleep(0)
            refused = [await ask(bridge), await ask(bridge)]
            free.set()
            return [*refused, await first, await ask(bridge)]

    assert asyncio.run(rush()) == [OVERLOADED.code, OVERLOADED.code, 200, 200]


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_who_asks_how_we_are_waits_his_turn(path) -> None:
    async def rush() -> list[int | str]:
        with all_at_work(queue_max=0, queue_s=.01) as (bridge, free):
            first = asyncio.ensure_future(ask(bridge, "/slow"))
            await asyncio.sleep(0)
            how = asyncio.ensure_future(ask(bridge, path))
            refused = await ask(bridge)
            free.set()
            return [refused, await first, await how]

    assert asyncio.run(rush()) == [OVERLOADED.code, 200, 200]
