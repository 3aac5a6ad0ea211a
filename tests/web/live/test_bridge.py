"""The bridge between the server and Flask: whole answers at once, long ones piece by piece, nothing left open."""
import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from portal.server.wsgi_bridge import PIECE_MAX, Bridge, environ_of

SCOPE = {"type": "http", "method": "GET", "path": "/orders/заказ", "query_string": b"a=1", "http_version": "1.1",
         "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("10.0.0.9", 1234), "headers": []}


class Client:
    """Reads an answer; goes away after `reads` pieces of the body when told so."""

    def __init__(self, reads: int | None = None) -> None:
        self.reads, self.messages, self.gone = reads, list[dict[str, Any]](), asyncio.Event()
        self.asked = False

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"given", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if self.reads is not None and len(self.messages) - 1 >= self.reads:
            self.gone.set()
        await asyncio.sleep(0)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


def answer(app: Callable[..., Iterable[bytes]], client: Client, threads: int = 2) -> Client:
    asyncio.run(Bridge(app, threads=threads)(dict(SCOPE), client.receive, client.send))  # type: ignore[arg-type]
    return client


class Pieces:
    """A long answer that notes who has asked for how much, and that it was closed."""

    def __init__(self, count: int) -> None:
        self.count, self.given, self.closed = count, 0, 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> "Pieces":
        start("200 OK", [("Content-Type", "text/csv")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.count):
            self.given += 1
            yield b"x" * PIECE_MAX

    def close(self) -> None:
        self.closed += 1


def test_a_page_is_sent_whole() -> None:
    def page(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        assert environ["wsgi.input"].read() == b"given"
        start("201 Created", [("X-Kind", "page")])
        return [b"one ", b"two"]

    client = answer(page, Client())
    assert client.messages == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-kind", b"page")]},
        {"type": "http.response.body", "body": b"one two"}]


def test_a_long_answer_goes_out_piece_by_piece_and_is_closed_once() -> None:
    pieces = Pieces(20)
    client = answer(pieces, Client())
    assert len(client.body) == 20 * PIECE_MAX
    assert max(len(message.get("body", b"")) for message in client.messages) == PIECE_MAX
    assert (pieces.given, pieces.closed) == (20, 1)


def test_a_reader_who_leaves_ends_the_answer() -> None:
    pieces = Pieces(1000)
    answer(pieces, Client(reads=2))
    assert pieces.given < 10
    assert pieces.closed == 1


def test_a_slow_reader_holds_no_thread() -> None:
    """One thread in all: while somebody does not read his export, another's page is made."""
    bridge, slow = Bridge(Pieces(50), threads=1), asyncio.Event()

    async def both() -> None:
        stuck, quick = Client(), Client()

        async def not_reading(message: dict[str, Any]) -> None:
            if message.get("body"):
                await slow.wait()

        export = asyncio.ensure_future(bridge(dict(SCOPE), stuck.receive, not_reading))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.wait_for(bridge(dict(SCOPE), quick.receive, quick.send), 5)  # type: ignore[arg-type]
        assert len(quick.body) == 50 * PIECE_MAX
        assert not export.done()
        slow.set()
        await asyncio.wait_for(export, 5)

    asyncio.run(both())


def test_one_who_keeps_the_line_and_reads_nothing_ends_the_answer() -> None:
    """Else two such readers would keep everybody from exporting."""
    pieces, stuck = Pieces(50), Client()

    async def not_reading(message: dict[str, Any]) -> None:
        if message.get("body"):
            await asyncio.Event().wait()

    bridge = Bridge(pieces, threads=1, patience_s=0.05)

    async def export() -> None:
        await asyncio.wait_for(bridge(dict(SCOPE), stuck.receive, not_reading), 5)  # type: ignore[arg-type]

    asyncio.run(export())
    assert (pieces.given, pieces.closed) == (1, 1)


def test_an_application_that_breaks_is_heard_and_closed() -> None:
    class Breaks(Pieces):
        def __iter__(self) -> Iterator[bytes]:
            yield b"x" * PIECE_MAX
            raise ValueError("in the middle")

    broken = Breaks(1)
    with pytest.raises(ValueError, match="in the middle"):
        answer(broken, Client())
    assert broken.closed == 1

    def at_once(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        answer(at_once, Client())


def test_the_context_is_one_for_all_pieces_of_an_answer() -> None:
    """Flask pushes its context with the first piece and pops it with the last, maybe in another thread."""
    from flask import Flask, Response, request, stream_with_context

    app, threads = Flask("bridge"), set[str]()

    @app.get("/<path:any>")
    def export(any: str) -> Response:
        def rows() -> Iterator[bytes]:
            for _ in range(9):
                threads.add(threading.current_thread().name)
                yield request.path.encode() * PIECE_MAX

        return Response(stream_with_context(rows()))

    assert answer(app, Client(), threads=3).body == "/orders/заказ".encode() * PIECE_MAX * 9
    assert threads


def test_what_the_application_learns_of_a_request() -> None:
    headers = [(b"host", b"desk.example"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"x"),
               (b"accept", b"y"),
               (b"content-type", b"text/plain"), (b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"10.0.0.1")]
    environ = environ_of(SCOPE | {"headers": headers}, b"")
    assert environ["PATH_INFO"] == "/orders/заказ".encode().decode("latin-1")
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_ACCEPT"] == "x,y"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_X_FORWARDED_FOR"] == "10.0.0.1"  # an underscore could pose as the proxy's header
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"], environ["QUERY_STRING"]) == ("10.0.0.9", "8000", "a=1")
