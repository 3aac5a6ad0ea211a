"""A browser's ear on `/live`, without the browser: what comes over the wire, line by line."""
import contextlib
import socket
import threading
import time
from types import TracebackType

from tests.running import wait_for


class Ear:
    """Reads a stream in a thread. `head` is the answer's; `wire` is everything that was said, chunk sizes included."""

    def __init__(self, port: int, sid: str | None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        cookie = f"Cookie: sid={sid}\r\n" if sid else ""
        self._socket.sendall(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n".encode())
        self._reader = self._socket.makefile("rb")
        self.status = int(self._reader.readline().split()[1])
        self.head = ""
        while (line := self._reader.readline().strip()):
            self.head += f"{line.decode().lower()}\n"
        self.wire, self.ended = "", threading.Event()
        self.heard_at: dict[str, float] = {}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while (line := self._reader.readline()) and line != b"0\r\n":
                self.wire += line.decode()
                if line.startswith(b"event: "):
                    self.heard_at[line.decode()[7:].strip()] = time.monotonic()
        except OSError:
            pass
        self.ended.set()

    def hears(self, name: str, within_s: float = 5) -> None:
        wait_for(lambda: name in self.heard_at, f"the stream says {name}", within_s)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> "Ear":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
