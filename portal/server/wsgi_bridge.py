"""Flask behind an ASGI server: one visit to a thread for a page, and pieces at the client's pace for an export.

It stands behind `BodyReader`, so a body is there whole, within its limit, before a thread is taken. What an
application answers is gathered up to PIECE_MAX before anything is sent; most pages are whole by then. A longer answer
goes out piece by piece: no thread waits for a slow reader, and one that goes away, or that takes no piece for
PATIENCE_S, ends the answer and with it what the answer holds (an export's turn).
"""
import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import copy_context
from functools import partial
from io import BytesIO
from typing import Any

from portal.server.refusals import shed
from portal.server.request_body import Gone, Receive, Scope, Send, until_gone

PIECE_MAX = 64 * 1024
# what was counted or claimed already, and who would wait
FOR_THE_GATEWAY = ("quittance.counted", "quittance.signature_claimed", "quittance.wait")
PATIENCE_S = 30.0  # with who does not read
QUEUE_MAX, QUEUE_S = 256, 5.0  # who wait for a thread; beyond either a request is refused: no queue outlives a rush
NEVER_SHED = frozenset({"/livez", "/servez", "/readyz", "/metrics"})  # who asks how we are is not told to come again
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Bridge:
    """`app` is called in one of `threads` threads; all pieces of one answer share the context of the request.

    `serving` is entered on the event loop before the first request and left after the last.
    """

    def __init__(self, app: Wsgi, *, threads: int, patience_s: float = PATIENCE_S, queue_max: int = QUEUE_MAX,
                 queue_s: float = QUEUE_S,
                 serving: Callable[[], AbstractAsyncContextManager[None]] = nullcontext) -> None:
        self.app, self._patience_s, self._serving = app, patience_s, serving
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._most, self._queue_max, self._queue_s, self._inside = threads, queue_max, queue_s, 0

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._serving():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        answer = Answer(self.app, environ_of(scope, await _body(receive)))
        hop, run = asyncio.get_running_loop().run_in_executor, copy_context().run
        try:
            piece = await self._in_turn(partial(run, answer.begin), never_shed=scope["path"] in NEVER_SHED)
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if not answer.ended:
                gone = asyncio.ensure_future(until_gone(receive))
                try:
                    while not answer.ended:
                        try:
                            async with asyncio.timeout(self._patience_s):
                                await send({"type": "http.response.body", "body": piece, "more_body": True})
                        except TimeoutError:
                            return
                        if gone.done():
                            return
                        piece = await hop(self._threads, run, answer.next)
                finally:
                    gone.cancel()
            await send({"type": "http.response.body", "body": piece})
        finally:
            if not answer.closed:
                await hop(self._threads, run, answer.close)

    async def _in_turn(self, begin: Callable[[], bytes], *, never_shed: bool) -> bytes:
        """In a thread, as soon as one is free. Raises Refused where too many wait, or for too long."""
        queued = self._inside - self._most
        if queued >= self._queue_max and not never_shed:
            raise shed("a thread")
        self._inside += 1
        try:
            begun = self._threads.submit(begin)
            turn = asyncio.wrap_future(begun)
            if queued >= 0 and not never_shed:  # a timer only for who waits
                await asyncio.wait({turn}, timeout=self._queue_s)
                if not turn.done() and begun.cancel():  # it has not begun
                    raise shed("a thread")
            return await turn
        finally:
            self._inside -= 1


class Answer:
    """One call of the application. Its methods run in a thread, one after the other."""

    status: int

    def __init__(self, app: Wsgi, environ: Environ) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.ended, self.closed = False, True
        self._app, self._environ = app, environ
        self._written: list[bytes] = []
        self._iterable: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def begin(self) -> bytes:
        """Call the application and gather the first piece."""
        self._iterable, self.closed = self._app(self._environ, self._start), False
        self._pieces = iter(self._iterable)
        piece = self.next()
        assert hasattr(self, "status"), "the application has not called start_response"
        return piece

    def next(self) -> bytes:
        """The next PIECE_MAX bytes, or what is left; `ended` says which."""
        gathered, size = self._written, sum(map(len, self._written))
        self._written = []
        while size < PIECE_MAX:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
                self.close()
                break
            gathered.append(piece)
            size += len(piece)
        return b"".join(gathered)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            getattr(self._iterable, "close", lambda: None)()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._written.append


def environ_of(scope: Scope, body: bytes) -> Environ:
    """PEP 3333's view of the request. A header with an underscore is dropped: it could pose as another one."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"], "SCRIPT_NAME": "", "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"), "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0), "REMOTE_ADDR": client[0], "REMOTE_PORT": str(client[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}", "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"), "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False}
    environ["RAW_URI"] = target_of(scope)
    environ |= {name: scope[name] for name in FOR_THE_GATEWAY if name in scope}
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text
    return environ


def target_of(scope: Scope) -> str:
    """Path and query as they stand in the request: what a signature is made over."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


async def _body(receive: Receive) -> bytes:
    """In one piece from `BodyReader`; empty where it let a request without a body pass."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
