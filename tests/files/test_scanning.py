"""What the operator's virus scanner knows is not kept; while it says nothing, nothing is. By clamd's own protocol."""
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from flask import Flask
from structlog.testing import capture_logs

from portal import files
from portal.files import scanning
from portal.files.scanning import Clamd, use_scanner
from tests import factories as f

KNOWN = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner calls a virus though it is none, so that it can be tried."""
LIMIT = 2 * 1024 * 1024


class Scanner(socketserver.StreamRequestHandler):
    """As clamd answers INSTREAM: parts with their lengths up to an empty one, then a line that ends with a zero."""

    timeout = 5
    scanned: list[int]

    def handle(self) -> None:
        command = self.rfile.read(len(b"zINSTREAM\0"))
        content = b""
        while length := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(length)
            if len(content) > LIMIT:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.scanned.append(len(content))  # type: ignore[attr-defined]
        if command != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
        else:
            self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if KNOWN in content else b"stream: OK\0")


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    server.daemon_threads, server.scanned = True, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def clamd() -> Iterator[Any]:
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Scanner)) as server:
        use_scanner(f"127.0.0.1:{server.server_address[1]}")
        yield server
    use_scanner(None)


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """Where this test's files lie."""
    before = files.storage()
    files.configure(files.LocalFolder(tmp_path))
    yield tmp_path
    files.configure(before)


def pdf(carried: bytes = b"") -> bytes:
    document, out = pikepdf.new(), BytesIO()
    document.add_blank_page()
    document.pages[0].Contents = document.make_stream(b"% " + carried + b"\n")
    document.save(out, compress_streams=False)
    return out.getvalue()


def test_what_it_knows_is_not_kept_and_its_name_is_for_staff(clamd: Any, folder: Path) -> None:
    with capture_logs() as told, pytest.raises(files.BadFile) as refused:
        files.store(files.Upload("receipt.pdf", pdf(KNOWN)))
    assert refused.value.reason == "infected"
    assert {"event": "file_infected", "found": "Win.Test.EICAR_HDB-1"}.items() <= told[0].items()
    assert list(folder.rglob("*")) == []
    files.store(files.Upload("receipt.pdf", pdf()))
    assert [path for path in folder.rglob("*") if path.is_file()]


def test_what_came_and_what_is_kept_are_both_looked_at(clamd: Any, folder: Path) -> None:
    sent = f.picture()
    kept = files.store(files.Upload("receipt.png", sent))
    assert clamd.scanned == [len(sent), len(kept.inspected.content)]


def test_a_socket_of_this_machine_does_as_well(tmp_path: Path) -> None:
    with serving(socketserver.ThreadingUnixStreamServer(str(tmp_path / "clamd.ctl"), Scanner)):
        scanner = Clamd(str(tmp_path / "clamd.ctl"))
        assert scanner.found(bytes(300_000)) is None
        assert scanner.found(bytes(100_000) + KNOWN) == "Win.Test.EICAR_HDB-1"


def test_past_its_own_limit_it_has_said_nothing(clamd: Any) -> None:
    with pytest.raises(files.StorageAway):
        scanning.check([bytes(LIMIT + 1)])


class HangsUp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1)


def test_without_its_word_nothing_is_kept(folder: Path) -> None:
    """It hangs up; then nobody listens any more."""
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangsUp)) as server:
        use_scanner(f"127.0.0.1:{server.server_address[1]}")
        with pytest.raises(files.StorageAway):
            files.store(files.Upload("receipt.png", f.picture()))
    with pytest.raises(files.StorageAway):
        files.store(files.Upload("receipt.png", f.picture()))
    use_scanner(None)
    assert list(folder.rglob("*")) == []
