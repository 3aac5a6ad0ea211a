"""A merchant's side, for real: an HTTP server on loopback, and a bare socket for those that do not speak HTTP well."""
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """`at`: when it came, in seconds of Unix time."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)


@dataclass
class Receiver:
    """`answer(received) -> (status, headers, body)`; everything that came is kept."""

    url: str
    answer: Callable[[Received], tuple[int, dict[str, str], bytes]]
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    at_once_max: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        one = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        with receiver.lock:
            receiver.received.append(one)
            receiver.at_once += 1
            receiver.at_once_max = max(receiver.at_once_max, receiver.at_once)
        try:
            status, headers, answer = receiver.answer(one)
        finally:
            with receiver.lock:
                receiver.at_once -= 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, format: str, *values: object) -> None:
        """Quiet."""


@contextmanager
def listening(answer: Callable[[Received], tuple[int, dict[str, str], bytes]] | None = None) -> Iterator[Receiver]:
    """A receiver that takes everything, unless `answer` says otherwise."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answer or (lambda one: (200, {}, b"ok")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Listener:
    """Counts connections; speaks the bytes of `speak` to each."""

    port: int
    connections: int = 0


@contextmanager
def bare(speak: Callable[[socket.socket], None] | None = None) -> Iterator[Listener]:
    """A socket that counts who connects, and does with them what `speak` says."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    listener, stop, threads = Listener(server.getsockname()[1]), threading.Event(), []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                if speak is not None:
                    connection.recv(65536)
                    speak(connection)
            except OSError:
                return

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            listener.connections += 1
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener
    finally:
        stop.set()
        accepting.join()
        for thread in threads:
            thread.join(5)
        server.close()
