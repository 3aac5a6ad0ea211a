"""Reads a request's body before Flask sees it: up to a limit, within a time, without a thread waiting for it.

ASGI middleware around all that answers; what a head must be (`request_head`) is judged here, too. What arrives whole is
handed on in one piece, with its true length, so that a body sent in chunks without a length is read too; what is too
large or too slow is answered from here: 413, 408.
"""
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException

from portal.server import refusals, request_head
from portal.server.refusals import Refused
from portal.server.timeouts import Timeouts
from portal.web.request import BODY_MAX

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("web")
NO_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
LENGTH_DIGITS = 20


@dataclass(frozen=True)
class Limits:
    """Bytes and seconds. `asked_for`: what the route of a method and a path takes, where that may be more."""

    body_max: int = BODY_MAX
    asked_for: Callable[[str, str], int] = lambda method, path: BODY_MAX
    read_for_s: float = 10.0
    # A client that is still sending would not hear our refusal: read on for a little and throw it away.
    discard_max: int = 16 * 1024 * 1024


class Gone(Exception):
    """The client went away before its body was whole."""


def taken_by(flask: Flask) -> Callable[[str, str], int]:
    """How many bytes the route of a method and a path takes: only one that exists can have asked for many."""
    routes = flask.url_map.bind("")

    def most(method: str, path: str) -> int:
        try:
            endpoint, _ = routes.match(path, method)
        except HTTPException:
            return BODY_MAX
        return getattr(flask.view_functions[endpoint], "body_max", BODY_MAX)

    return most


class BodyReader:
    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self.app, self.limits = app, limits or Limits()
        self._patience = Timeouts(self.limits.read_for_s)

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
            request_head.judge(scope)
            await self.app(*await self._with_body(scope, receive), watched)
        except Gone:
            return
        except Refused as refused:
            await _refuse(scope, send, refused.refusal, refused.heard)
        except Exception:
            log.exception("bug", path=scope["path"].split("/")[1:2])
            if started:
                raise
            await _refuse(scope, send, refusals.BUG)

    async def _with_body(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        """The same request with its body read and its length known. Raises Refused, Gone."""
        declared, length_known = _declared(scope)
        if declared is None and length_known and scope["method"] in NO_BODY:
            return scope, receive
        request_head.judge_writing(scope)
        if (declared or 0) > self.limits.discard_max:
            raise Refused(refusals.TOO_LARGE)
        most = self.limits.body_max
        if declared is None or declared > most:
            most = max(most, self.limits.asked_for(scope["method"], scope["path"]))
        body = await self._read(most, receive)
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
            raise Refused(refusals.TOO_LARGE if body.seen > most else refusals.TOO_SLOW) from None


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
                raise Refused(refusals.TOO_LARGE)
            if self.seen <= self._most:
                body += piece
            else:
                body.clear()
        if self.seen > self._most:
            raise Refused(refusals.TOO_LARGE)
        return bytes(body)


def _declared(scope: Scope) -> tuple[int | None, bool]:
    """The length a client claims, and whether that is all that is said of it. Raises Refused for what is no length."""
    declared, alone = None, True
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > LENGTH_DIGITS:
                raise Refused(refusals.MALFORMED)
            declared = int(value)
        elif name == b"transfer-encoding":
            alone = False
    return declared, alone


def _replay(body: bytes, receive: Receive) -> Receive:
    return with_first({"type": "http.request", "body": body, "more_body": False}, receive)


def with_first(message: Message, receive: Receive) -> Receive:
    """This message, which was read already, then whatever follows."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return message

    return again


async def until_gone(receive: Receive) -> None:
    """Ends when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(scope: Scope, send: Send, refusal: refusals.Refusal,
                  heard: Callable[[refusals.Answer], None] | None = None) -> None:
    answer = refusals.answer(refusal, scope["path"])
    if heard is not None:
        heard(answer)
    log.info("request_refused", status=refusal.status, request_id=answer.request_id)
    await send({"type": "http.response.start", "status": refusal.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
