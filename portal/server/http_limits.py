"""HTTP on a socket: uvicorn, and what a stranger's connection may cost.

uvicorn trusts whoever stands before it to keep slow, endless and countless heads away. Nobody need stand there.
"""
import time
from asyncio import AbstractEventLoop, BaseProtocol, BaseTransport, TimerHandle
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from portal.core.addresses import network_of
from portal.server import refusals
from portal.server.connection_room import KEEP_ALIVE_S, Room
from portal.server.refusals import Refusal

HEAD_WITHIN_S = 10.0  # of its first byte, or of a silent connection's beginning
HEAD_MAX = 64 * 1024  # of a request: all that is no body, with what surrounds the pieces of one and what follows it
PIECE = 8 * 1024  # parsed at once: a limit is passed by no more than this
FIRST_WITHIN_S = 1.0  # when we stop, of a connection that has been made and not been used
STOP_WITHIN_S = 25  # of the first signal: who started us kills us a little later
BACKLOG = 1024
STATUS = b"HTTP/1.1 "  # how the head of an answer begins


class WholeAnswers:
    """A transport on which an answer's head waits for the beginning of its body: one packet, not two.

    The head is held until the next turn of the loop at the longest: who streams may have nothing else to say for long.
    """

    def __init__(self, transport: Any, loop: AbstractEventLoop) -> None:
        self._transport, self._loop, self._head = transport, loop, b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data.startswith(STATUS):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        return len(self._head) + int(self._transport.get_write_buffer_size())

    def set_protocol(self, protocol: BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            if not self._transport.is_closing():
                self._transport.write(head)


class Wire(HttpToolsProtocol):
    """A connection; ended with a refusal when a head is late or too long, or when it is one too many.

    What a client sends behind a chunked body as further header fields (trailers) is dropped: by then it has been judged
    who calls, from where, and under which key.
    """

    network = ""
    _head_timer: TimerHandle | None = None
    _in_head = False
    _no_body = 0  # bytes of this request so far that are no body
    _one_too_many = False

    def __init__(self, *given: Any, room: Room, **named: Any) -> None:
        super().__init__(*given, **named)
        self._room = room

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(WholeAnswers(transport, self.loop))  # type: ignore[arg-type]
        self.url = b""
        self.network = network_of(self.client[0]) if self.client else ""
        self._one_too_many = not self._room.enter(self)
        if self._one_too_many and self._room.has_no_ear():
            self._refuse(refusals.NO_ROOM)
            return
        if not self._one_too_many:
            self._room.waits(self)
        self._expect_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.leave(self)
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            piece = data[at:at + PIECE] if len(data) > PIECE else data
            self._no_body += len(piece)
            super().data_received(piece)
            if self._no_body > HEAD_MAX:
                self._refuse(refusals.HEAD_TOO_LARGE)
        if self._head_timer is None and (self._in_head or self._has_nothing_to_do()):
            self._expect_a_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._no_body = min(self._no_body, PIECE)  # what came before it in this piece is counted, too, and no more

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        if self.transport.is_closing():
            return
        if self._no_body > HEAD_MAX:
            self._refuse(refusals.HEAD_TOO_LARGE)
        elif self._one_too_many:
            self._refuse(refusals.NO_ROOM)
        else:
            super().on_headers_complete()
            if self._room.closing and self.cycle is not None:
                self.cycle.keep_alive = False  # who comes again finds a process that stays

    def on_body(self, body: bytes) -> None:
        self._no_body -= len(body)
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Only now is there work: a body that trickles keeps no place that somebody else needs."""
        if self.transport.is_closing():
            return
        if not self._has_nothing_to_do():  # it may have been answered before its end
            self._room.is_at_work(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.timeout_keep_alive = self._room.keep_alive_s()  # type: ignore[assignment]
        super().on_response_complete()
        if self._has_nothing_to_do() or self._wants_the_rest():
            self._room.waits(self)

    def timeout_keep_alive_handler(self) -> None:
        self.end()

    def shutdown(self) -> None:
        """The listener is closed. A request that is on its way is waited for: who sent it could not know."""
        if self.cycle is None or self._in_head:
            self.loop.call_later(FIRST_WITHIN_S, super().shutdown)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(refusals.MALFORMED)

    def end(self) -> None:
        """Nothing new has come; nor has, perhaps, the last answer been read."""
        self.transport.abort() if self.transport.get_write_buffer_size() else self.transport.close()

    def _has_nothing_to_do(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def _wants_the_rest(self) -> bool:
        """All that is left is a request whose body has not come whole."""
        return self.cycle is not None and self.cycle.more_body and not self.pipeline

    def _expect_a_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, refusals.HEAD_TOO_SLOW)

    def _head_is_whole(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        if not self._may_speak():
            self.transport.abort()
            return
        answer = refusals.answer(refusal, _path(self.url))
        self.transport.write(b"".join([
            STATUS_LINE[refusal.status], *[b"%b: %b\r\n" % header for header in answer.headers], b"\r\n", answer.body]))
        self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True  # who waits for the rest of a body hears that none will come
            self.cycle.message_event.set()

    def _may_speak(self) -> bool:
        """Not in the middle of an answer, nor while one is being made to a request that has come whole."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or (
            cycle.more_body and not cycle.response_started and not self.pipeline)

    def _unsupported_upgrade_warning(self) -> None:
        """Asked for a protocol we do not speak: answered as if not asked, and not worth a line of the log."""


def _path(url: bytes) -> str:
    """Of what has come of the request line: a path, or a whole URL as to a proxy."""
    text = url.decode("latin-1")
    if not text.startswith("/"):
        text = "/" + text.partition("://")[2].partition("/")[2]
    return text.partition("?")[0]


class Server(uvicorn.Server):
    """Ends as it was asked to, with exit code 0.

    Asked to stop, it says so by `leaving` and answers on for `lame_duck_s`, each connection once more. Then nothing new
    is taken, `stopping` is called, and open answers are waited for.
    """

    def __init__(self, config: uvicorn.Config, *, stopping: Callable[[], None], leaving: Callable[[], None],
                 lame_duck_s: float) -> None:
        super().__init__(config)
        self._stopping, self._leaving, self._lame_duck_s = stopping, leaving, lame_duck_s
        self._close_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            super().handle_exit(sig, frame)
            self._captured_signals.clear()  # uvicorn would kill itself with them, and leave no time for `atexit`
        elif self._close_at is None:
            self._leaving()
            self._close_at = time.monotonic() + self._lame_duck_s
        else:
            self._close_at = 0.0  # asked twice: at once

    async def on_tick(self, counter: int) -> bool:
        if self._close_at is not None and not self.should_exit and time.monotonic() >= self._close_at:
            self.should_exit = True
            self._stopping()
        return await super().on_tick(counter)


def serve(app: Any, *, host: str, port: int, room: Room, stopping: Callable[[], None], leaving: Callable[[], None],
          lame_duck_s: int) -> None:
    """Until SIGTERM or SIGINT. Our own log; addresses as they are on the socket: proxies are Flask's business."""
    def left() -> None:
        room.closing = True
        leaving()

    Server(uvicorn.Config(
        app, host=host, port=port, http=partial(Wire, room=room), loop="uvloop",  # type: ignore[arg-type]
        ws="none", lifespan="on", backlog=BACKLOG, timeout_keep_alive=int(KEEP_ALIVE_S),
        timeout_graceful_shutdown=STOP_WITHIN_S - lame_duck_s, log_config=None, access_log=False, proxy_headers=False,
        server_header=False), stopping=stopping, leaving=left, lame_duck_s=lame_duck_s).run()
