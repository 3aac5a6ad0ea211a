"""What a connection may cost: late, endless and countless heads are refused, and everybody else is served."""
import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import uvicorn

from portal.server import connection_room, http_limits
from tests.running import free_port, wait_for

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
HOLD = GET.replace(b"/", b"/hold", 1)
LATE_S = 0.3
ROOM, SHARE = 5, 4
let_go = threading.Event()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says how long the body was; of `/slow` after it has been asked for twice LATE_S, of `/hold` when it is let go.

    `/heads`: how many fields the head had once the body was whole.
    """
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * LATE_S)
    while scope["path"] == "/hold" and not let_go.is_set():
        await asyncio.sleep(0.01)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d" % (len(scope["headers"]) if scope["path"] == "/heads" else size)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[http_limits.Server]:
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", LATE_S)
    let_go.clear()
    http = partial(http_limits.Wire, room=connection_room.Room(ROOM, SHARE))
    server = http_limits.Server(uvicorn.Config(app, host="127.0.0.1", port=free_port(), http=http, loop="uvloop",
                                        ws="none", lifespan="off", log_config=None, access_log=False),
                         stopping=lambda: None, leaving=lambda: None, lame_duck_s=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, "the server listens")
    yield server
    let_go.set()
    server.should_exit = True
    thread.join()


@pytest.fixture
def port(server: http_limits.Server) -> int:
    return server.config.port


@pytest.fixture
def call(port: int) -> Iterator[Callable[..., socket.socket]]:
    """A connection over which these bytes have been sent."""
    with contextlib.ExitStack() as open_ones:
        def connected(*pieces: bytes, of: str = "127.0.0.1") -> socket.socket:
            connection = open_ones.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(of, 0)))
            for piece in pieces:
                connection.sendall(piece)
            return connection

        yield connected


def heard(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer; status 0 when the connection was ended without one."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while b"\r\n\r\n" not in got and (piece := connection.recv(65536)):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    with contextlib.suppress(ConnectionResetError):
        while len(body) < int(headers.get("content-length", 0)) and (piece := connection.recv(65536)):
            body += piece
    return (int(lines[0].split()[1]) if lines else 0), headers, body


def answer(connection: socket.socket) -> bytes:
    """The status, and the body of a good answer; empty when the connection was ended without one."""
    status, _, body = heard(connection)
    return b"" if status == 0 else b"%d" % status + (body if status == 200 else b"")


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
    assert answer(call(GET[:-2], line * (http_limits.HEAD_MAX // len(line) + 1))) == b"431"


def test_a_body_is_no_head(call):
    body = b"x" * 4 * http_limits.HEAD_MAX
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
    busy = [call(HOLD, of=f"127.0.0.{1 + number // SHARE}") for number in range(ROOM)]
    assert answer(call(GET, of="127.0.0.9")) == b"503"
    let_go.set()
    assert [answer(connection) for connection in busy] == [b"2000"] * ROOM
    busy[0].sendall(GET)
    assert answer(busy[0]) == b"2000"


def test_when_there_is_no_room_who_has_waited_longest_makes_some(call):
    """A thousand connections that ask nothing once kept everybody else out for 75 seconds."""
    waiting = [call(GET, of=f"127.0.0.{number + 2}") for number in range(ROOM)]
    assert [answer(connection) for connection in waiting] == [b"2000"] * ROOM
    waiting[0].sendall(GET)
    assert answer(waiting[0]) == b"2000"  # so the second has waited longest now
    assert answer(call(GET, of="127.0.0.9")) == b"2000"
    assert answer(waiting[1]) == b""
    waiting[0].sendall(GET)
    assert answer(waiting[0]) == b"2000"


def test_nobody_has_more_than_a_share(call):
    mine = [call(GET) for _ in range(SHARE)]
    assert [answer(connection) for connection in mine] == [b"2000"] * SHARE
    other = call(GET, of="127.0.0.2")
    assert answer(other) == b"2000"
    for _ in range(3 * ROOM):
        mine.append(call(GET))
        assert answer(mine[-1]) == b"2000"
    assert answer(mine[0]) == b""
    other.sendall(GET)
    assert answer(other) == b"2000"


TRICKLED = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"


@pytest.mark.parametrize("before", [b"", GET])
def test_a_body_that_trickles_keeps_nobody_out(call, before):
    """A head that was whole held its place while the body came a byte at a time."""
    slow = [call(before + TRICKLED, of=f"127.0.0.{number + 2}") for number in range(ROOM)]
    for connection in slow:
        got = b""
        while b"100 Continue" not in got:  # the head has been read, and the body is awaited
            got += connection.recv(65536)
        connection.sendall(b"x")
    assert answer(call(GET, of="127.0.0.9")) == b"2000"
    assert answer(slow[0]) == b""
    slow[-1].sendall(b"12345678")
    assert answer(slow[-1]) == b"2009"


def test_who_has_all_of_a_share_at_work_is_refused_alone(call):
    busy = [call(HOLD) for _ in range(SHARE)]
    assert answer(call(GET)) == b"503"
    assert answer(call(GET, of="127.0.0.2")) == b"2000"
    let_go.set()
    assert [answer(connection) for connection in busy] == [b"2000"] * SHARE


def test_the_shorter_the_room_the_shorter_a_connection_is_kept():
    rooms = connection_room.Room(100)
    kept = []
    for number in range(100):
        guest = type("Guest", (), {"network": str(number)})()
        assert rooms.enter(guest)
        kept.append(rooms.keep_alive_s())
    assert (kept[0], kept[48], kept[49], kept[74], kept[-1]) == (75, 75, 15, 5, 5)


@pytest.mark.parametrize(("sent", "status", "code"), [
    (b"GET /gateway/v1/payins HTTP/1.1\r\nHost: here\r\nX-A: ", 408, "head_too_slow"),
    (b"GET /gateway/v1/payins HTTP/1.1\r\nHost: here\r\nX-A: " + b"x" * 70_000, 431, "head_too_large"),
    (b"GET http://here/gateway/v1/payins HTTP/1.1\r\nHost: here\r\nX-A: " + b"x" * 70_000, 431, "head_too_large"),
    (b"GET /gateway/v1/payins HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "malformed_request"),
])
def test_a_program_hears_a_problem_document(call, sent, status, code):
    got, headers, body = heard(call(sent))
    problem = json.loads(body)
    assert (got, problem["status"], problem["code"]) == (status, status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["request-id"] == problem["request_id"].lower()
    assert ("retry-after" in headers) == problem["retryable"]


def test_a_program_for_whom_there_is_no_room_hears_a_problem_document(call):
    for _ in range(SHARE):
        call(HOLD)
    status, headers, body = heard(call(GET.replace(b"/", b"/gateway/v1/balance", 1)))
    assert (status, json.loads(body)["code"]) == (503, "no_room")
    assert int(headers["retry-after"]) >= 1


CHUNKED = b"POST /heads HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_what_follows_a_body_is_no_head(call):
    """A key, an address or an idempotency key behind the last piece once counted as if it stood in front."""
    got = answer(call(CHUNKED, b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"))
    assert got == b"2002"


def test_what_follows_a_body_has_a_size(call):
    line = b"X: y\r\n"
    assert answer(call(CHUNKED, b"0\r\n", line * (http_limits.HEAD_MAX // len(line) + 1))) == b"431"


def test_what_surrounds_the_pieces_of_a_body_has_a_size(call):
    piece = b"1;x=" + b"y" * 1000 + b"\r\nx\r\n"
    assert answer(call(CHUNKED, piece * (http_limits.HEAD_MAX // 1000 + 1))) == b"431"


def test_a_head_that_comes_all_at_once_is_counted_before_it_is_complete(call):
    assert answer(call(GET[:-2] + b"X-Filling: " + b"x" * http_limits.HEAD_MAX + b"\r\n\r\n")) == b"431"
    assert answer(call(GET[:-2] + b"X-Filling: " + b"x" * (http_limits.HEAD_MAX // 2) + b"\r\n\r\n")) == b"2000"


def test_many_requests_behind_each_other_are_many_heads(call):
    connection = call(GET * 2000)
    got = b""
    while got.count(b"HTTP/1.1 200") < 2000 and (piece := connection.recv(65536)):
        got += piece
    assert got.count(b"HTTP/1.1 200") == 2000


def test_what_is_no_http_is_refused(call):
    assert answer(call(b"\x16\x03\x01 hello\r\n\r\n"))[:3] == b"400"


def test_a_protocol_we_do_not_speak_is_not_taken_up(call):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    assert answer(call(GET[:-2] + upgrade))[:3] == b"200"


@pytest.mark.parametrize("sent", [b"", GET[:-2]])
def test_a_request_on_its_way_when_the_server_stops_is_answered(server, call, monkeypatch, sent):
    """A balancer that had just connected was reset, and could not know whether its order had arrived."""
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 10.0)
    monkeypatch.setattr(http_limits, "FIRST_WITHIN_S", 10.0)
    connection = call(sent)
    wait_for(lambda: len(server.server_state.connections) == 1, "the server has taken it")
    server.should_exit = True
    wait_for(lambda: not server.servers[0].is_serving(), "the listener is closed")
    connection.sendall(GET[len(sent):])
    assert answer(connection) == b"2000"


def test_who_says_nothing_keeps_no_server_from_its_stop(server, call, monkeypatch):
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 60.0)
    monkeypatch.setattr(http_limits, "FIRST_WITHIN_S", LATE_S)
    silent = call()
    wait_for(lambda: len(server.server_state.connections) == 1, "the server has taken it")
    server.should_exit = True
    assert answer(silent) == b""
