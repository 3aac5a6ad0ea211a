"""A virus scanner of the operator's, asked before a file is kept: clamd, by its own protocol. None unless one is named.

What strangers send is drawn or written anew in any case (`inspection`); a scanner knows what it has seen before.
"""
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from portal.files.inspection import BadFile
from portal.files.storage import StorageAway

CONNECT_FOR_S, ANSWER_FOR_S = 2, 10
CHUNK = 64 * 1024
ANSWER_MAX = 1024
log = structlog.get_logger("files")


@dataclass(frozen=True)
class Clamd:
    """`address`: the path of its socket, or host:port."""

    address: str

    def found(self, content: bytes) -> str | None:
        """What it calls it, or None for what is clean. Raises StorageAway: it is away, busy, or its limit is lower."""
        try:
            with self._connected() as connection:
                connection.settimeout(ANSWER_FOR_S)
                connection.sendall(b"zINSTREAM\0")
                for at in range(0, len(content), CHUNK):
                    part = content[at:at + CHUNK]
                    connection.sendall(len(part).to_bytes(4, "big") + part)
                connection.sendall(bytes(4))
                said = _answer(connection)
        except OSError as problem:
            raise StorageAway() from problem
        if said == "stream: OK":
            return None
        if not said.endswith(" FOUND"):
            log.error("scanner_refused", said=said[:200])
            raise StorageAway()
        return said.removeprefix("stream: ").removesuffix(" FOUND")

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


def check(contents: Iterable[bytes]) -> None:
    """Raises BadFile for what the scanner knows, StorageAway: without its word nothing is kept."""
    if _scanner is None:
        return
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
