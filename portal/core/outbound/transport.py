"""One call to an address that was judged: no redirects, no proxies, one deadline for all of it, little memory.

`http.client` reads the answer; the socket, the deadline and the limits are ours, because a library's timeouts are
per read and a receiver that drips a byte a second never meets one.
"""
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from portal.core.outbound.addresses import Address, Guard, Refused, Target, Unresolved

ANSWER_FOR_S = 15.0  # for everything: name, connection, TLS, request, answer
CONNECT_FOR_S = 5.0  # an address; then the next one
ADDRESSES_MAX = 4
BODY_MAX = 64 * 1024
HEAD_MAX = 64 * 1024
KEPT_MAX = 1024  # of a webhook's answer, for people to read


@dataclass(frozen=True)
class Answer:
    """What came back, or why nothing did. `status` is None where no whole answer came."""

    status: int | None
    ms: int
    error: str | None = None  # stable words: timeout, connect_failed, …
    response: str | None = None
    retry_after: str | None = None
    head: str | None = None  # of the answer, KEPT_MAX characters at most
    sent_head: str = ""  # of the request, as people may read it

    @property
    def succeeded(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300


def post(guard: Guard, url: str, body: bytes, headers: Mapping[str, str], *, of: object = None,
         answer_for_s: float = ANSWER_FOR_S) -> Answer:
    """A body to a receiver; the beginning of what it answers. Never raises for what the other side does.

    `of`: whose share of look-ups it takes. Raises NoPlace.
    """
    return _call(guard, "POST", url, body, about(body) | dict(headers), of=of, answer_for_s=answer_for_s,
                 kept_max=KEPT_MAX)


def get(guard: Guard, url: str, *, agent: str, of: object = None, answer_for_s: float = ANSWER_FOR_S) -> Answer:
    """A document, BODY_MAX bytes of it at most. As `post` otherwise."""
    return _call(guard, "GET", url, b"", {"User-Agent": agent}, of=of, answer_for_s=answer_for_s, kept_max=BODY_MAX)


def _call(guard: Guard, method: str, url: str, body: bytes, headers: Mapping[str, str], *, of: object,
          answer_for_s: float, kept_max: int) -> Answer:
    """Judge the address, connect to it, send, read."""
    began = time.monotonic()
    deadline = began + answer_for_s
    status: int | None = None
    answer_head: http.client.HTTPResponse | None = None
    try:
        target = guard.parse(url)
        addresses = guard.judge(target, within_s=min(CONNECT_FOR_S, answer_for_s), of=of)
        with _connect(target, addresses, deadline) as connection:
            _send(connection, _request(method, target, body, headers), deadline)
            answer_head = http.client.HTTPResponse(_Source(connection, deadline), method=method)  # type: ignore[arg-type]
            _begin(answer_head)
            status = answer_head.status
            read, error = _read(answer_head)
            return Answer(status, _ms(began), error, _words(read[:kept_max]), answer_head.headers.get("Retry-After"),
                          _head_words(answer_head))
    except Refused as error:
        return Answer(None, _ms(began), error.code)
    except Unresolved:
        return Answer(None, _ms(began), "name_not_found")
    except TimeoutError:
        return Answer(None, _ms(began), "timeout")
    except ssl.SSLError:
        return Answer(None, _ms(began), "tls_failed")
    except (http.client.HTTPException, ValueError):
        return Answer(None, _ms(began), "broken_answer")
    except OSError:
        return Answer(None, _ms(began), "connect_failed")


def _connect(target: Target, addresses: Sequence[Address], deadline: float) -> socket.socket:
    """To the first address that takes the call, with the name in SNI. Raises OSError."""
    last: OSError = OSError("no address")
    for address in addresses[:ADDRESSES_MAX]:
        try:
            plain = socket.create_connection((str(address), target.port),
                                             timeout=min(CONNECT_FOR_S, _left(deadline)))
        except OSError as error:
            last = error
            continue
        if target.scheme != "https":
            return plain
        try:
            plain.settimeout(_left(deadline))
            return _tls().wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise
    raise last


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(method: str, target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in _head_of(target, headers).items())
    return f"{method} {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def head_of_post(target: Target, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """What `post` sends, for people to read."""
    return _head_of(target, about(body) | dict(headers))


def about(body: bytes) -> dict[str, str]:
    """What a POST says of itself and of its body."""
    return {"User-Agent": "Quittance-Webhooks/1", "Content-Type": "application/json", "Content-Length": str(len(body))}


def _head_of(target: Target, headers: Mapping[str, str]) -> dict[str, str]:
    """The lines of a request's head, in order."""
    return {"Host": target.host_header, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close",
            **headers}


def _send(connection: socket.socket, request: bytes, deadline: float) -> None:
    waiting = memoryview(request)
    while waiting:
        connection.settimeout(_left(deadline))
        try:
            waiting = waiting[connection.send(waiting):]
        except (BrokenPipeError, ConnectionResetError):
            return  # some refuse early and say why: the answer may be there to be read


class _Source(io.RawIOBase):
    """The socket as `http.client` wants it: each read may take what is left of the deadline, all of them no more
    than `HEAD_MAX + BODY_MAX` bytes."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline, self._budget = connection, deadline, HEAD_MAX + BODY_MAX

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 8192)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._budget <= 0:
            return 0
        self._connection.settimeout(_left(self._deadline))
        read = self._connection.recv_into(memoryview(buffer)[:self._budget])
        self._budget -= read
        return read


def _begin(answer: http.client.HTTPResponse) -> None:
    """The answer's own head: 103 Early Hints and whatever else comes before it are passed over, as 100 is by the
    library. Each of them is taken from the same budget."""
    answer.begin()
    while 100 <= answer.status < 200 and answer.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
        answer.headers = None  # type: ignore[assignment]  # begin anew on the same stream
        answer.begin()


def _read(answer: http.client.HTTPResponse) -> tuple[bytes, str | None]:
    """At most BODY_MAX of the body, and what went wrong. A body cut short by its sender is no failure of ours."""
    read = b""
    try:
        while len(read) < BODY_MAX and (piece := answer.read1(min(8192, BODY_MAX - len(read)))):
            read += piece
    except TimeoutError:
        return read, "timeout"
    except (http.client.HTTPException, OSError, ValueError):
        pass
    return read, None


def _words(read: bytes) -> str | None:
    """What was read as text that the database takes."""
    return read.decode("utf-8", "replace").replace("\0", "\ufffd") or None


def _head_words(answer: http.client.HTTPResponse) -> str | None:
    """Its headers as lines, as many whole ones as KEPT_MAX takes; what is no printable ASCII is shown as a mark."""
    kept = ""
    for name, value in answer.headers.items():
        line = f"{name}: {value}".encode("ascii", "replace").decode()
        line = "".join(letter if letter.isprintable() else "?" for letter in line) + "\n"
        if len(kept) + len(line) > KEPT_MAX:
            break
        kept += line
    return kept or None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
