"""Reads a request's body before Flask sees it: up to a limit, within a time, without a thread waiting for it.

ASGI middleware around the WSGI app. What arrives whole is handed on in one piece, with its true length, so that a
body sent in chunks without a length is read too; what is too large or too slow is answered from here: 413, 408.
"""
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from portal.core import ids
from portal.web.patience import Patience

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("web")
GATEWAY = "/gateway"
NO_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = {
    400: ("malformed_request", "This request cannot be understood.", False),
    408: ("body_too_slow", "The body did not arrive in time.", True),
    413: ("body_too_large", "The body is too large.", False),
    500: ("internal", "Something went wrong on our side. Tell us the request id.", True),
}


@dataclass(frozen=True)
class Limits:
    """Bytes and seconds. `upload_endings` are the ends of paths that take files."""

    body_max: int = 1024 * 1024
    upload_max: int = 6 * 1024 * 1024
    upload_endings: tuple[str, ...] = ("/receipts",)
    read_for_s: float = 10.0
    # A client that is still sending would not hear our refusal: read on for a little and throw it away.
    discard_max: int = 16 * 1024 * 1024
    headers: Mapping[str, str] = field(default_factory=lambda: {
        "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "same-origin",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'"})

    def of(self, path: str) -> int:
        return self.upload_max if path.endswith(self.upload_endings) else self.body_max


class Refused(Exception):
    """The body is not taken; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Gone(Exception):
    """The client went away before its body was whole."""


class BodyReader:
    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self.app, self.limits = app, limits or Limits()
        self._patience = Patience(self.limits.read_for_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        def watched(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            if not scope["query_string"].isascii():
                raise Refused(400)
            await self.app(*await self._with_body(scope, receive), watched)
        except Gone:
            return
        except Refused as refusal:
            await _refuse(scope, send, refusal.status, self.limits)
        except Exception:
            log.exception("bug", path=scope["path"].split("/")[1:2])
            if started:
                raise
            await _refuse(scope, send, 500, self.limits)

    async def _with_body(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        """The same request with its body read and its length known. Raises Refused, Gone."""
        declared, length_known = _declared(scope)
        if declared is None and length_known and scope["method"] in NO_BODY:
            return scope, receive
        if (declared or 0) > self.limits.discard_max:
            raise Refused(413)
        body = await self._read(self.limits.of(scope["path"]), receive)
        if length_known and declared == len(body):
            return scope, _replay(body, receive)
        headers = [(name, value) for name, value in scope["headers"]
                   if name not in (b"content-length", b"transfer-encoding")]
        known = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
        return known, _replay(body, receive)

    async def _read(self, most: int, receive: Receive) -> bytes:
        body = Body(most, self.limits.discard_max)
        try:
            return await self._patience.with_each(body.whole(receive))
        except TimeoutError:
            raise Refused(413 if body.seen > most else 408) from None


class Body:
    """What has arrived, in bytes: kept up to `most`, then thrown away up to `discard_max`."""

    def __init__(self, most: int, discard_max: int) -> None:
        self.seen = 0
        self._most, self._discard_max = most, discard_max

    async def whole(self, receive: Receive) -> bytes:
        """Raises Refused, Gone."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone()
            piece, more = message.get("body", b""), message.get("more_body", False)
            self.seen += len(piece)
            if self.seen > self._discard_max:
                raise Refused(413)
            if self.seen <= self._most:
                body += piece
            else:
                body.clear()
        if self.seen > self._most:
            raise Refused(413)
        return bytes(body)


def _declared(scope: Scope) -> tuple[int | None, bool]:
    """The length a client claims, and whether that is all that is said of it. Raises Refused for what is no length."""
    declared, alone = None, True
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit():
                raise Refused(400)
            alone = alone and declared is None
            declared = int(value)
        elif name == b"transfer-encoding":
            alone = False
    return declared, alone


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(scope: Scope, send: Send, status: int, limits: Limits) -> None:
    code, sentence, retryable = REFUSALS[status]
    request_id = ids.public("req", ids.new_id())
    if scope["path"] == GATEWAY or scope["path"].startswith(f"{GATEWAY}/"):
        kind = "application/problem+json"
        text = json.dumps({"type": f"/docs/errors#{code}", "title": sentence, "status": status, "detail": sentence,
                           "code": code, "request_id": request_id, "retryable": retryable})
    else:
        kind, text = "text/plain; charset=utf-8", f"{sentence}\n{request_id}\n"
    log.info("request_refused", status=status, request_id=request_id)
    extra = {"retry-after": "1"} if retryable else {}
    headers = {**limits.headers, **extra, "content-type": kind, "content-length": str(len(text.encode())),
               "request-id": request_id, "connection": "close"}
    await send({"type": "http.response.start", "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": text.encode()})
