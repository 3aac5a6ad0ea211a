"""A virus scanner of the operator's, asked before a file is kept: clamd, by its own protocol. None unless one is named.

What strangers send is drawn or written anew in any case (`inspection`); a scanner knows what it has seen before.
"""
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from portal.core.errors import Unavailable
from portal.files.inspection import BadFile

CONNECT_FOR_S, ANSWER_FOR_S = 2, 10
CLOSED_FOR_S = 5.0  # after it was away: nobody waits for it meanwhile
CHUNK = 64 * 1024
ANSWER_MAX = 1024
log = structlog.get_logger("files")


class ScannerAway(Unavailable):
    """The virus scanner does not answer just now, and without its word no file is kept. Try again in a moment."""

    code = "scanner_unavailable"


@dataclass
class Clamd:
    """`address`: the path of its socket, or host:port."""

    address: str
    closed_until: float | None = None  # of the monotonic clock; None: it answered when it was last asked

    def found(self, content: bytes) -> str | None:
        """What it calls it, or None for what is clean. Raises ScannerAway: it is away, busy, or its limit is lower."""
        def ask(connection: socket.socket) -> None:
            connection.sendall(b"zINSTREAM\0")
            for at in range(0, len(content), CHUNK):
                part = content[at:at + CHUNK]
                connection.sendall(len(part).to_bytes(4, "big") + part)
            connection.sendall(bytes(4))

        said = self._said(ask)
        if said == "stream: OK":
            return None
        if not said.endswith(" FOUND"):
            log.error("scanner_refused", said=said[:200])
            raise ScannerAway()
        return said.removeprefix("stream: ").removesuffix(" FOUND")

    def answers(self) -> bool:
        """Does it now, to its own greeting?"""
        try:
            return self._said(lambda connection: connection.sendall(b"zPING\0")) == "PONG"
        except ScannerAway:
            return False

    def refuse_while_away(self) -> None:
        """Raises ScannerAway for some seconds after it was away, at once."""
        if self.closed_until is not None and time.monotonic() < self.closed_until:
            raise ScannerAway()

    def _said(self, ask: Callable[[socket.socket], None]) -> str:
        """Raises ScannerAway, told in the log once until it answers."""
        try:
            with self._connected() as connection:
                connection.settimeout(ANSWER_FOR_S)
                with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why before it hung up
                    ask(connection)
                said = _answer(connection)
                if not said:
                    raise ConnectionError("it hung up")
        except OSError as problem:
            if self.closed_until is None:
                log.error("scanner_away", said=str(problem)[:200])
            self.closed_until = time.monotonic() + CLOSED_FOR_S
            raise ScannerAway() from problem
        self.closed_until = None
        return said

    def _connected(self) -> socket.socket:
        if self.address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(CONNECT_FOR_S)
            connection.connect(self.address)
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), CONNECT_FOR_S)


_scanner: Clamd | None = None


def use_scanner(address: str | None) -> None:
    """Called once by the application factory."""
    global _scanner
    _scanner = None if address is None else Clamd(address)


def refuse_while_away() -> None:
    """Before anything is done for a file. Raises ScannerAway."""
    if _scanner is not None:
        _scanner.refuse_while_away()


def check(contents: Iterable[bytes]) -> None:
    """Raises BadFile for what the scanner knows, ScannerAway: without its word nothing is kept."""
    if _scanner is None:
        return
    _scanner.refuse_while_away()
    for content in contents:
        if (name := _scanner.found(content)) is not None:
            log.warning("file_infected", found=name)
            raise BadFile(reason="infected")


def _answer(connection: socket.socket) -> str:
    """Up to the zero that ends it; nothing at all where it hung up."""
    said = b""
    while not said.endswith(b"\0") and len(said) < ANSWER_MAX and (part := connection.recv(ANSWER_MAX)):
        said += part
    return said.rstrip(b"\0").decode("utf-8", "replace")
