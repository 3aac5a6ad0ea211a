"""A light client at a given pace: `python -m benchmarks.client PORT TOKENS PER_S SECONDS FILE`.

One thread, plain sockets, requests put together beforehand: some 60 µs of CPU each; `select`, because epoll would send
them up to a millisecond late. A request that finds no free
connection waits, and its time counts from when it was due, so that a slow desk cannot slow the question down.
Writes a line for each: external id, when it was due (seconds of Unix time), status, milliseconds to the answer.
"""
import os
import selectors
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
AFTER_S = 20  # for the last answers


@dataclass
class _Line:
    """A connection and what it is asked just now."""

    socket: socket.socket
    asked: str = ""
    due: float = 0.0
    got: bytes = b""


def run(port: int, tokens: list[str], *, per_s: int, seconds: int, out: Path) -> None:
    name, selector = os.urandom(4).hex(), selectors.SelectSelector()
    free: deque[_Line] = deque()
    for _ in range(CONNECTIONS):
        line = _Line(socket.create_connection(("127.0.0.1", port)))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.socket.setblocking(False)
        selector.register(line.socket, selectors.EVENT_READ, line)
        free.append(line)
    requests = [_request(port, name, number, tokens[number % len(tokens)]) for number in range(per_s * seconds)]
    begun, wall, sent, told = time.monotonic() + .1, time.time() + .1, 0, list[str]()
    while len(told) < len(requests) and time.monotonic() < begun + seconds + AFTER_S:
        now = time.monotonic()
        while sent < len(requests) and free and begun + sent / per_s <= now:
            line = free.popleft()
            line.asked, line.due, line.got = f"p-{name}-{sent}", begun + sent / per_s, b""
            line.socket.sendall(requests[sent])
            sent += 1
        pause = max(0.0, begun + sent / per_s - time.monotonic()) if sent < len(requests) and free else .05
        for key, _ in selector.select(pause):
            line = key.data
            line.got += line.socket.recv(65536)
            if (status := _status(line.got)) is not None:
                took_ms = (time.monotonic() - line.due) * 1000
                told.append(f"{line.asked}\t{wall + line.due - begun:.6f}\t{status}\t{took_ms:.3f}\n")
                free.append(line)
    out.write_text("".join(told), "ascii")


def _request(port: int, name: str, number: int, token: str) -> bytes:
    body = (f'{{"external_id":"p-{name}-{number}","amount":"{1000 + number * 7 % 3900}.{number % 100:02d}",'
            f'"currency":"RUB","method":"card","customer":{{"id":"c-{number % 5000}"}},"description":"Two books",'
            f'"return_url":"https://shop.example/thanks","metadata":{{"cart":"{number}"}}}}')
    return (f"POST /gateway/v1/payins HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: p-{name}-{number}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode("ascii")


def _status(got: bytes) -> int | None:
    """Of a whole answer; None while more is to come."""
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return None
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return int(head[9:12]) if len(body) >= int(length) else None


if __name__ == "__main__":
    run(int(sys.argv[1]), Path(sys.argv[2]).read_text("ascii").split(), per_s=int(sys.argv[3]),
        seconds=int(sys.argv[4]), out=Path(sys.argv[5]))
