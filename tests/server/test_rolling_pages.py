"""A rolling restart under open pages: 200 streams and 300 payment pages, each current again within five seconds.

The pages are played by their own rules (static/js/pay/poll.js, static/js/app/live.js) over sockets: no browser here
has five hundred pages open. The desk is two webs behind HAProxy as the handbook has it.
"""
import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from shutil import which

import pytest
from flask import Flask

from portal.orders import payment_links
from portal.orders.models import Order
from tests import factories, people
from tests.running import running_desk, wait_for
from tests.server.test_balancers import LAME_DUCK_S, balancing
from tests.tasks.caller import Caller

STREAMS, PAYERS = 200, 300
CURRENT_WITHIN_S = 5.0
POLL_S = 3.0  # as the payment page says itself
STREAM_AGAIN_S = 0.5  # htmx's extension, at first
STEP_S = 0.5  # between two orders that are cancelled: one event each for every stream
ENDED = 'data-state="over"'

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not which("haproxy"), reason="haproxy is not installed")]


@dataclass
class Payer:
    """A payment page: asks every three seconds, with the version it shows."""

    order: Order
    path: str
    version: str = ""
    seen_at: float | None = None  # that it was cancelled
    answers: Counter[str] = field(default_factory=Counter)

    async def watch(self, port: int, over: asyncio.Event) -> None:
        while not over.is_set() and self.seen_at is None:
            headers = {"HX-Request": "true", "HX-Target": "section#sheet", "HX-PTag": self.version}
            status, head, body = await _get(port, self.path, headers)
            self.answers[status] += 1
            if status == "200":
                self.version = head.get("hx-ptag", "")
                if ENDED in body:
                    self.seen_at = time.monotonic()
            await _pause(over, POLL_S)


@dataclass
class Page:
    """A page of staff with its stream: comes back when it ends, and looks at everything anew when it is there."""

    sid: str
    current_at: list[float] = field(default_factory=list)  # told of a change, or back
    streams: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    async def listen(self, port: int, over: asyncio.Event) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._stream(port, over)
            await _pause(over, STREAM_AGAIN_S)

    async def _stream(self, port: int, over: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sid={self.sid}\r\n\r\n".encode())
            status = (await reader.readline()).split()[1:2]
            if status != [b"200"]:
                self.refused[str(status)] += 1
                return
            while (line := await reader.readline()) not in (b"", b"0\r\n") and not over.is_set():
                if line.startswith(b": here"):
                    self.streams += 1
                if line.startswith((b": here", b"event: orders")):
                    self.current_at.append(time.monotonic())
        finally:
            writer.close()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("telling")
def test_every_page_is_current_again_within_five_seconds(fresh_app: Flask, fresh_database: str,
                                                         tmp_path: Path) -> None:
    cast = factories.new_cast()
    payers = [Payer(order, payment_links.path_of(order.id))
              for order in (cast.order(f"{1000 + number}.00") for number in range(PAYERS))]
    pages = [Page(sid) for sid in _seats(fresh_app, STREAMS)]
    settings = {"LAME_DUCK_S": str(LAME_DUCK_S), "PROXY_HOPS": "1", "RATELIMIT_ENABLED": "false"}
    with (running_desk(fresh_database, tmp_path / "one.log", "web", settings=settings) as one,
          running_desk(fresh_database, tmp_path / "two.log", "web", settings=settings) as two,
          balancing("haproxy", tmp_path, one.port, two.port) as port,
          _watched(payers, pages, port)):
        caller = Caller(port, "", "")
        wait_for(lambda: caller.call("GET", "/readyz").status == 200, "the balancer has found the desk")
        wait_for(lambda: all(payer.version for payer in payers), "every payer sees the page")
        wait_for(lambda: all(page.streams for page in pages), "every page listens")
        cancelled, took = _cancelled_while(fresh_app, cast, payers, lambda: [*map(_restarted, (one, two))])
        wait_for(lambda: all(payer.seen_at for payer in payers), "every payer sees the end", 2 * CURRENT_WITHIN_S)
    late = sorted((payer.seen_at or float("inf")) - cancelled[payer.path] for payer in payers)
    first, last = min(cancelled.values()), max(cancelled.values())
    deaf = sorted(max(later - sooner for sooner, later in pairwise(
        [first, *(at for at in page.current_at if first < at < last), last])) for page in pages)
    told = (f"restarted in {took:.0f} s; payers: longest {late[-1]:.1f} s, median {late[PAYERS // 2]:.1f} s; streams"
            f" came back {sum(page.streams for page in pages) - STREAMS} times, the longest silence {deaf[-1]:.1f} s")
    print(told)  # noqa: T201
    assert sum(page.streams for page in pages) >= 2 * STREAMS, f"not each was sent elsewhere: {told}"
    assert sum((payer.answers for payer in payers), Counter()).keys() == {"200", "304"}, "no poll failed"
    assert not sum((page.refused for page in pages), Counter())
    assert late[-1] <= CURRENT_WITHIN_S, told
    assert deaf[-1] <= CURRENT_WITHIN_S, told


def _restarted(desk) -> None:
    """As a rolling upgrade does it."""
    desk.terminate("web")
    desk.start("web")
    well = Caller(desk.port, "", "")
    wait_for(lambda: well.call("GET", "/servez").status == 200, "it serves again")


def _cancelled_while(app: Flask, cast: factories.Cast, payers: list[Payer], act) -> tuple[dict[str, float], float]:
    """When each order was: one after the other as long as the webs are being restarted, the rest at its end."""
    cancelled: dict[str, float] = {}
    over = threading.Event()

    def cancel() -> None:
        with app.app_context():
            for payer in payers:
                factories.cancel(cast.key, payer.order)
                cancelled[payer.path] = time.monotonic()
                over.wait(STEP_S)

    thread = threading.Thread(target=cancel)
    thread.start()
    begun = time.monotonic()
    try:
        act()
        assert thread.is_alive(), "there were orders to cancel until the end"
    finally:
        took = time.monotonic() - begun
        over.set()
        thread.join()
    return cancelled, took


@contextlib.contextmanager
def _watched(payers: list[Payer], pages: list[Page], port: int) -> Iterator[None]:
    """All of them, on a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def everybody() -> None:
        async with asyncio.TaskGroup() as group:
            for number, payer in enumerate(payers):
                group.create_task(_later(POLL_S * number / len(payers), payer.watch(port, over)))
            for page in pages:
                group.create_task(page.listen(port, over))

    thread = threading.Thread(target=loop.run_until_complete, args=(everybody(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(60)
        loop.close()


async def _later(seconds: float, watching) -> None:
    """Not all at the same moment: people do not come so."""
    await asyncio.sleep(seconds)
    await watching


async def _pause(over: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)


async def _get(port: int, path: str, headers: dict[str, str]) -> tuple[str, dict[str, str], str]:
    """Status (or what was amiss), headers, body."""
    writer = None
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n".encode())
            head, _, body = (await reader.read()).decode("utf-8", "replace").partition("\r\n\r\n")
            first, *fields = head.split("\r\n")
            return first.split()[1], {name.lower(): value for name, _, value in (
                one.partition(": ") for one in fields)}, body
    except (OSError, TimeoutError, IndexError) as error:
        return type(error).__name__, {}, ""
    finally:
        if writer is not None:
            writer.close()


def _seats(app: Flask, count: int) -> Iterator[str]:
    """Sessions of staff, eight pages each at most."""
    for _ in range(-(-count // 8)):
        sid = people.seat(app, people.person("super_admin")).sid
        yield from [sid] * 8
