"""One request: what counts as success, what is read of an answer, how long it may take."""
import resource
import socket
import time

import pytest

from portal.core.outbound import transport
from portal.core.outbound.addresses import Guard
from tests.waiting import dawdle
from tests.webhooks.receiver import Received, bare, listening

GUARD = Guard(http=True)


def post(url: str, *, answer_for_s: float = 2.0) -> transport.Answer:
    return transport.post(GUARD, url, b'{"a":1}', {"webhook-id": "evt_1"}, answer_for_s=answer_for_s)


@pytest.mark.parametrize(("status", "succeeded"), [
    (200, True), (201, True), (204, True), (299, True), (301, False), (302, False), (307, False), (400, False),
    (404, False), (410, False), (429, False), (500, False), (503, False)])
def test_2xx_is_success_and_nothing_else(status: int, succeeded: bool) -> None:
    with listening(lambda one: (status, {"Location": "/elsewhere", "Retry-After": "7"}, b"")) as receiver:
        answer = post(receiver.url)
    assert (answer.status, answer.succeeded, answer.retry_after) == (status, succeeded, "7")
    assert len(receiver.received) == 1, "no redirect is followed"


def test_what_arrives_is_the_request_and_nothing_more() -> None:
    with listening() as receiver:
        assert post(receiver.url + "?a=1").response == "ok"
    one = receiver.received[0]
    assert (one.path, one.body, one.headers["webhook-id"]) == ("/hook?a=1", b'{"a":1}', "evt_1")
    assert one.headers["content-type"] == "application/json"
    assert one.headers["host"] == receiver.url.split("/")[2]
    assert "authorization" not in one.headers
    assert "cookie" not in one.headers


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with bare() as proxy, listening() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert post(receiver.url).succeeded
        assert proxy.connections == 0


def drip(piece: bytes, head: bytes = b"") -> object:
    def speak(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(piece)
            dawdle(0.05)

    return speak


@pytest.mark.parametrize(("piece", "head"), [
    (b"H", b""),  # a status line that never ends
    (b"X-A: b\r\n", b"HTTP/1.1 200 OK\r\n"),  # heads that never end
    (b"HTTP/1.1 100 Continue\r\n\r\n", b""),
    (b"a", b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"),
    (b"1\r\na\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")], ids=[
        "status", "heads", "continue", "body", "chunks"])
def test_a_slow_drip_ends_with_the_deadline(piece: bytes, head: bytes) -> None:
    with bare(drip(piece, head)) as listener:
        began = time.monotonic()
        answer = post(f"http://127.0.0.1:{listener.port}/", answer_for_s=0.6)
        assert time.monotonic() - began < 1.2
    assert not answer.succeeded
    assert answer.error in ("timeout", "broken_answer")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nRetry-After: 7\r\n\r\nhello"
WHOLE = {
    "length": OK,
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nRetry-After: 7\r\n\r\n"
               b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"),
    "close": b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nRetry-After: 7\r\n\r\nhello",
    "bare lines": b"HTTP/1.1 200\nRetry-After: 7\nContent-Length: 5\n\nhello",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nRetry-After: 99\r\n\r\n" + OK,
    "processing": b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
}


def in_parts(answer: bytes, size: int, pause_s: float) -> object:
    def speak(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(answer), size):
            connection.sendall(answer[at:at + size])
            dawdle(pause_s)

    return speak


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("kind", WHOLE)
def test_an_answer_is_read_whole_in_however_many_parts_it_comes(kind: str, size: int) -> None:
    with bare(in_parts(WHOLE[kind], size, 0.001)) as listener:
        answer = post(f"http://127.0.0.1:{listener.port}/", answer_for_s=10)
    assert (answer.status, answer.error, answer.response, answer.retry_after) == (200, None, "hello", "7")


def test_an_answer_that_comes_slowly_and_in_time_is_an_answer() -> None:
    with bare(in_parts(WHOLE["chunks"], 9, 0.1)) as listener:
        answer = post(f"http://127.0.0.1:{listener.port}/", answer_for_s=10)
    assert (answer.status, answer.response) == (200, "hello")


def test_news_without_end_before_an_answer_are_none() -> None:
    with bare(in_parts(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000, 65_536, 0)) as listener:
        assert post(f"http://127.0.0.1:{listener.port}/").error == "broken_answer"


def test_silence_ends_with_the_deadline() -> None:
    with bare(lambda connection: dawdle(1.2)) as listener:
        answer = post(f"http://127.0.0.1:{listener.port}/", answer_for_s=0.5)
    assert answer.error == "timeout"
    assert answer.ms < 1000


def test_a_huge_answer_is_cut_and_memory_stays_flat() -> None:
    sent = []

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(4000):
            connection.sendall(b"x" * 65536)  # 250 MB
            sent.append(65536)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with bare(flood) as listener:
        answer = post(f"http://127.0.0.1:{listener.port}/", answer_for_s=5)
    assert answer.succeeded
    assert answer.response == "x" * 1024
    assert sum(sent) < 20_000_000, "the rest is not even taken from the wire"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # kB


def test_huge_heads_are_refused() -> None:
    with bare(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 500_000 + b"\r\n\r\n")) as listener:
        assert post(f"http://127.0.0.1:{listener.port}/").error == "broken_answer"


def test_many_heads_are_refused() -> None:
    heads = b"".join(b"X-%d: y\r\n" % n for n in range(5000))
    with bare(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + heads + b"\r\n")) as listener:
        assert post(f"http://127.0.0.1:{listener.port}/").error == "broken_answer"


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\x00\xff" * 100,
                                    b"HTTP/1.1 200", b"HTTP/1.1 999999 OK\r\n\r\n",
                                    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_broken_answers_harm_nobody(answer: bytes) -> None:
    with bare(lambda connection: connection.sendall(answer)) as listener:
        told = post(f"http://127.0.0.1:{listener.port}/")
    assert told.error is not None or told.status == 200


def test_what_people_read_of_an_answer_fits_the_database() -> None:
    def odd(one: Received) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b"a\0b\xff" + "ж".encode() * 2000

    with listening(odd) as receiver:
        answer = post(receiver.url)
    assert answer.response is not None
    assert answer.response.startswith("a�b�ж")
    assert len(answer.response) <= 1024


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}/").error == "connect_failed"


def test_a_name_server_that_hangs_is_not_waited_for() -> None:
    def resolve(host: str) -> list[str]:
        dawdle(1)
        return ["127.0.0.1"]

    guard = Guard(http=True, resolve=resolve)
    began = time.monotonic()
    assert transport.post(guard, "http://slow.example/", b"", {}, answer_for_s=0.3).error == "name_not_found"
    assert time.monotonic() - began < 0.8
