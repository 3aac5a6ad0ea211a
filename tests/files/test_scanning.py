"""What the operator's virus scanner knows is not kept; while it says nothing, nothing is. By clamd's own protocol."""
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
        command = self.rfile.read(len(b"zPING\0"))
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
            return
        command += self.rfile.read(len(b"zINSTREAM\0") - len(command))
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
    with pytest.raises(files.ScannerAway):
        scanning.check([bytes(LIMIT + 1)])
    scanning.check([b"the next one"])  # it is not away: others are looked at


class HangsUp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1)


class Hangs(socketserver.BaseRequestHandler):
    """Takes everything and says nothing, until it is let go."""

    def handle(self) -> None:
        self.server.asked.release()  # type: ignore[attr-defined]
        self.server.let_go.wait(60)  # type: ignore[attr-defined]


def test_without_its_word_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs up; then nobody listens any more. Told once, and refused at once for some seconds; then it is back."""
    upload = files.Upload("receipt.png", f.picture())
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangsUp)) as server, capture_logs() as told:
        use_scanner(f"127.0.0.1:{server.server_address[1]}")
        with pytest.raises(files.ScannerAway):
            files.store(upload)
        monkeypatch.setattr("portal.files.service.inspect", lambda upload: pytest.fail("nothing is done for it"))
        with pytest.raises(files.ScannerAway):
            files.store(upload)
        monkeypatch.undo()
    monkeypatch.setattr(scanning, "CLOSED_FOR_S", 0.0)
    assert scanning._scanner is not None
    scanning._scanner.closed_until = 0.0  # the seconds have gone by
    with capture_logs() as then:
        for _ in range(2):
            with pytest.raises(files.ScannerAway):
                files.store(upload)
    assert [one["event"] for one in told + then] == ["scanner_away"]
    assert list(folder.rglob("*")) == []
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Scanner)) as server:
        scanning._scanner.address = f"127.0.0.1:{server.server_address[1]}"
        files.store(upload)
    assert scanning._scanner.closed_until is None
    use_scanner(None)


def test_a_scanner_that_hangs_holds_two_threads_and_no_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight uploads at once: two wait for it, the others are sent away while it still says nothing."""
    monkeypatch.setattr("portal.files.service.WAIT_S", 0.05)
    upload = files.Upload("receipt.png", f.picture())
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hangs)) as server:
        server.asked, server.let_go = threading.Semaphore(0), threading.Event()
        use_scanner(f"127.0.0.1:{server.server_address[1]}")
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(files.store, upload) for _ in range(2)]
            assert [server.asked.acquire(timeout=30) for _ in waiting] == [True, True]
            for _ in range(6):
                with pytest.raises(files.UploadsBusy):
                    files.store(upload)
            assert not any(one.done() for one in waiting)
            server.let_go.set()
            assert {type(one.exception(30)) for one in waiting} == {files.ScannerAway}
    use_scanner(None)
    files.store(upload)  # their places are free again


def test_it_answers_a_greeting() -> None:
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Scanner)) as server:
        address = f"127.0.0.1:{server.server_address[1]}"
        assert Clamd(address).answers()
    assert not Clamd(address).answers()
