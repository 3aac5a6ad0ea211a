"""What stands before a desk and fails: a load balancer that loses an answer, or that answers for itself."""
import socket
import threading
from collections import deque
from types import TracebackType

END = b"\r\n\r\n"


def refusal(status: str, retry_after: str = "", body: bytes = b"") -> bytes:
    """What it says by itself."""
    more = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


class Front:
    """One request for each connection. `next`: what becomes of the coming requests, one after the other; when it is
    empty they go through. `None` in it: the desk gets the request, and its answer is lost."""

    def __init__(self, port: int) -> None:
        self._desk, self._listener = port, socket.create_server(("127.0.0.1", 0))
        self.next: deque[bytes | None] = deque()
        self.seen: list[bytes] = []  # heads of requests, in the order in which they came
        self.answers: list[bytes] = []  # heads of what the desk answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Front":
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        request = _message(connection)
        self.seen.append(request.partition(END)[0])
        what = self.next.popleft() if self.next else b""
        if what:
            connection.sendall(what)
            return
        with socket.create_connection(("127.0.0.1", self._desk), timeout=10) as desk:
            desk.sendall(request)
            answer = _message(desk)
        self.answers.append(answer.partition(END)[0])
        if what is not None:
            connection.sendall(answer.replace(END, b"\r\nConnection: close" + END, 1))


def _message(connection: socket.socket) -> bytes:
    """Head and body, by its Content-Length."""
    read = b""
    while END not in read:
        read += _some(connection)
    head, _, body = read.partition(END)
    length = next((int(line.partition(b":")[2]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _some(connection)
    return head + END + body


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("it went away in the middle")
    return piece
