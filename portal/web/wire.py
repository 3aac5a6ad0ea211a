"""HTTP on a socket: uvicorn, and what a stranger's connection may cost.

uvicorn trusts whoever stands before it to keep slow, endless and countless heads away. Nobody need stand there.
"""
from asyncio import BaseTransport, TimerHandle
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_WITHIN_S = 10.0  # of its first byte, or of a silent connection's beginning
HEAD_MAX = 64 * 1024
CONNECTIONS_MAX = 1000  # open ones, streams too
KEEP_ALIVE_S = 75  # longer than proxies keep theirs: it is they who let go
STOP_WITHIN_S = 25
BACKLOG = 1024


class Wire(HttpToolsProtocol):
    """A connection; ended with a refusal when a head is late or too long, or when it is one too many."""

    _head_timer: TimerHandle | None = None
    _head_size: int | None = None  # so far, in bytes; None outside of a head

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > CONNECTIONS_MAX:
            self._refuse(503)
        else:
            self._expect_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head_size is not None:
            self._head_size += len(data)
            if self._head_size > HEAD_MAX:
                self._refuse(431)
                return
        if self._head_timer is None and (self._head_size is not None or self._has_nothing_to_do()):
            self._expect_a_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_size = 0

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        super().on_headers_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing new has come; nor has, perhaps, the last answer been read."""
        self.transport.abort() if self.transport.get_write_buffer_size() else self.transport.close()

    def _has_nothing_to_do(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def _expect_a_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, 408)

    def _head_is_whole(self) -> None:
        self._head_size = None
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # in the middle of an answer to the request before there is nothing to say
        elif not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Asked for a protocol we do not speak: answered as if not asked, and not worth a line of the log."""


class Server(uvicorn.Server):
    """Ends as it was asked to, with exit code 0; `stopping` is called at once, before open answers are waited for."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would kill itself with them at the end, and leave no time for `atexit`
        self._stopping()


def serve(app: Any, *, host: str, port: int, stopping: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT. Our own log; addresses as they are on the socket: proxies are Flask's business."""
    Server(uvicorn.Config(
        app, host=host, port=port, http=Wire, loop="uvloop", ws="none", lifespan="on", backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=STOP_WITHIN_S, log_config=None, access_log=False,
        proxy_headers=False, server_header=False), stopping).run()
