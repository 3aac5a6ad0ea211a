"""The native ASGI route: who is let in, what goes over the wire, and when a stream ends."""
import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import structlog
from flask import Flask

from portal.core import metrics
from portal.core.errors import PortalError
from portal.server.live.audience import Listener, Listeners
from portal.server.live.hub import Hub, Stream
from portal.server.request_body import App, Receive, Scope, Send, until_gone

PATH = "/live"
CHECK_EVERY_S = 60.0
HEARTBEAT_S = 10.0
SETTLE_S = 0.1  # between two notes on one stream: a burst becomes one
RETRY_AFTER_S = 3
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"),
           (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"),
           (b"content-security-policy", b"default-src 'none'"), (b"cross-origin-resource-policy", b"same-origin")]
log = structlog.get_logger("live")


class Live:
    """ASGI before `road`, which serves everything else. `check_every_s`: how often a session must still be alive."""

    def __init__(self, road: App, flask: Flask, *, check_every_s: float = CHECK_EVERY_S,
                 heartbeat_s: float = HEARTBEAT_S) -> None:
        self.hub = Hub(flask.extensions["settings"].redis_url.get_secret_value())
        metrics.STREAMS.set_function(lambda: self.hub.size)
        self._road, self._listeners = road, Listeners(flask)
        self._check_every_s, self._heartbeat_s = check_every_s, heartbeat_s
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._loop: asyncio.AbstractEventLoop | None = None
        flask.config["LIVE_URL"] = PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._loop = asyncio.get_running_loop()
            await self._road(scope, receive, send)
        elif scope["type"] != "http" or scope["path"] != PATH:
            await self._road(scope, receive, send)
        elif scope["method"] != "GET":
            await _refuse(send, 405, allow=b"GET")
        else:
            await self._stream(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._listeners.token_in(_header(scope, b"cookie"))
        if not self.hub.has_room():
            await _refuse(send, 503, retry_after=b"%d" % RETRY_AFTER_S)
            return
        try:
            listener = await self._find(token)
        except PortalError:
            await _refuse(send, 503, retry_after=b"%d" % RETRY_AFTER_S)
            return
        if token is None or listener is None:
            await _refuse(send, 401)
        elif not self.hub.has_room(listener.user_id):
            await _refuse(send, 503, retry_after=b"%d" % RETRY_AFTER_S)
        else:
            stream = Stream(listener)
            self.hub.join(stream)
            gone = asyncio.ensure_future(_disconnect(receive, stream))
            try:
                await self._tell(stream, token, gone, send)
            finally:
                self.hub.leave(stream)
                gone.cancel()

    async def _tell(self, stream: Stream, token: str, gone: "asyncio.Task[None]", send: Send) -> None:
        """Write the stream until its reader leaves, its session ends or the server stops."""
        loop = asyncio.get_running_loop()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _write(send, ": here\n\n")
        check_at = loop.time() + self._check_every_s * random.uniform(0.5, 1)  # not all at once
        while True:
            news = stream.take()
            if news:
                await _write(send, "".join(f"event: {name}\ndata: {version}\n\n" for name, version in news.items()))
                await asyncio.sleep(SETTLE_S)
            try:
                async with asyncio.timeout(min(self._heartbeat_s, max(0, check_at - loop.time()))):
                    await stream.stirred.wait()
            except TimeoutError:
                if loop.time() < check_at:
                    await _write(send, ": still here\n\n")
            if gone.done():
                return
            if loop.time() >= check_at:
                check_at = loop.time() + self._check_every_s
                if not await self._may_go_on(stream, token):
                    break
            if self.hub.closing.is_set():
                break
        await send({"type": "http.response.body", "body": b""})

    async def _may_go_on(self, stream: Stream, token: str) -> bool:
        """Still signed in? What may be heard is taken from the answer. No database, no answer: the stream ends."""
        try:
            listener = await self._find(token)
        except PortalError:
            return False
        if listener is None or listener.user_id != stream.listener.user_id:
            return False
        stream.listener = listener
        return True

    async def _find(self, token: str | None) -> Listener | None:
        if token is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._listeners.find, token)

    def close(self) -> None:
        """End all streams: the server waits for open answers before it stops. From a signal's handler, too."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.hub.close)


async def _disconnect(receive: Receive, stream: Stream) -> None:
    await until_gone(receive)
    stream.stirred.set()


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int, **headers: bytes) -> None:
    more = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"content-length", b"0"), *more]})
    await send({"type": "http.response.body", "body": b""})


def _header(scope: Scope, wanted: bytes) -> str:
    return "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted)
