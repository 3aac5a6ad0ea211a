"""What a connection may cost: late, endless and countless heads are refused, and everybody else is served."""
import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from portal.web import wire
from tests.running import free_port, wait_for

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LATE_S = 0.3


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says how long the body was; of `/slow` after it has been asked for twice LATE_S."""
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * LATE_S)
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(wire, "HEAD_WITHIN_S", LATE_S)
    monkeypatch.setattr(wire, "CONNECTIONS_MAX", 5)
    port = free_port()
    server = wire.Server(uvicorn.Config(app, host="127.0.0.1", port=port, http=wire.Wire, loop="uvloop", ws="none",
                                        lifespan="off", log_config=None, access_log=False), lambda: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, "the server listens")
    yield port
    server.should_exit = True
    thread.join()


@pytest.fixture
def call(port: int) -> Iterator[Callable[..., socket.socket]]:
    """A connection over which these bytes have been sent."""
    with contextlib.ExitStack() as open_ones:
        def connected(*pieces: bytes) -> socket.socket:
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for piece in pieces:
                connection.sendall(piece)
            return connection

        yield connected


def answer(connection: socket.socket) -> bytes:
    """The status line and the last line, of one answer; empty when the connection was ended without one."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while b"\r\n\r\n" not in got and (piece := connection.recv(65536)):
            got += piece
    return got[9:12] + got.rpartition(b"\r\n")[2]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: here\r\nX-A: "])
def test_a_head_that_does_not_come_is_not_waited_for(call, sent):
    assert answer(call(sent)) == b"408"


def test_nothing_but_line_ends_is_no_head(call):
    connection = call(GET)
    assert answer(connection) == b"2000"
    connection.sendall(b"\r\n")
    assert answer(connection) == b"408"


def test_a_head_without_an_end(call):
    line = b"X-Filling: " + b"x" * 1000 + b"\r\n"
    assert answer(call(GET[:-2], line * (wire.HEAD_MAX // len(line) + 1))) == b"431"


def test_a_body_is_no_head(call):
    body = b"x" * 4 * wire.HEAD_MAX
    connection = call(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    assert answer(connection) == b"200%d" % len(body)


def test_a_connection_serves_again_and_again_also_after_a_pause(call):
    connection = call(GET)
    for _ in range(3):
        assert answer(connection) == b"2000"
        threading.Event().wait(1.5 * LATE_S)  # longer than a head may take: nobody has begun one
        connection.sendall(GET)
    assert answer(connection) == b"2000"


def test_an_answer_may_take_longer_than_a_head(call):
    assert answer(call(b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n")) == b"2000"


def test_half_a_head_behind_a_request_gets_no_answer_into_the_middle_of_the_first(call):
    assert answer(call(b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n" + GET[:-2])) == b""


def test_one_connection_too_many_is_told_so_and_the_others_are_served(call):
    served = [call(GET) for _ in range(wire.CONNECTIONS_MAX)]
    assert [answer(connection) for connection in served] == [b"2000"] * wire.CONNECTIONS_MAX
    assert answer(call()) == b"503"
    served[0].sendall(GET)
    assert answer(served[0]) == b"2000"
    served[1].close()
    wait_for(lambda: answer(call(GET)) == b"2000", "there is room again")


def test_what_is_no_http_is_refused(call):
    assert answer(call(b"\x16\x03\x01 hello\r\n\r\n"))[:3] == b"400"


def test_a_protocol_we_do_not_speak_is_not_taken_up(call):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    assert answer(call(GET[:-2] + upgrade))[:3] == b"200"
