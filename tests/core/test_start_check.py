"""What a process looks at when it starts: the server's age, and whether a pooler keeps prepared statements apart."""
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import make_url

from launcher import procfile
from portal.core import start_check
from portal.core.db import transaction
from portal.settings import load
from tests.running import ROOT, START_WITHIN_S, Desk, free_port, running_desk, wait_for
from tests.tasks.caller import Caller
from tests.tasks.servers import own_postgres

NO_TLS = 80877103, 80877104  # requests for TLS and GSS: "no"


class Pooler:
    """As PgBouncer before 1.22: transactions of all clients, one after the other, on one connection to the server."""

    def __init__(self, url: str) -> None:
        self._server = psycopg.connect(url)
        self._line = socket.socket(fileno=os.dup(self._server.pgconn.socket))
        self._line.setblocking(True)
        self._turn = threading.Lock()
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._ear.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._ear.close()
        self._line.close()
        self._server.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._ear.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while struct.unpack("!I", _rest(client)[:4])[0] in NO_TLS:
                client.sendall(b"N")
            client.sendall(_said(b"R", struct.pack("!I", 0)))
            for name, value in {"server_version": "18.0", "client_encoding": "UTF8", "in_hot_standby": "off",
                                "default_transaction_read_only": "off"}.items():
                client.sendall(_said(b"S", f"{name}\0{value}\0".encode()))
            client.sendall(_said(b"Z", b"I"))
            asked = b""
            while (kind := client.recv(1)) not in (b"", b"X"):
                asked += _said(kind, _rest(client))
                if kind in b"QS":
                    with self._turn:  # no test of ours holds a transaction open
                        self._pass_on(client, asked)
                    asked = b""

    def _pass_on(self, client: socket.socket, asked: bytes) -> None:
        self._line.sendall(asked)
        kind = b""
        while kind != b"Z":
            kind = _exactly(self._line, 1)
            client.sendall(_said(kind, _rest(self._line)))


def _said(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _rest(line: socket.socket) -> bytes:
    return _exactly(line, struct.unpack("!I", _exactly(line, 4))[0] - 4)


def _exactly(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = line.recv(size - len(found))
        if not part:
            raise ConnectionError
        found += part
    return found


@pytest.fixture
def pooled_url(database: str, url_of: Callable[[str, str], str]) -> Iterator[str]:
    pooler = Pooler(url_of(database, "app"))
    yield f"postgresql+psycopg://desk@127.0.0.1:{pooler.port}/{database}"
    pooler.close()


def judged(url: str) -> str | None:
    """Why a process would not start with this database; None: it would."""
    try:
        start_check.insist(url, prepared=True)
    except start_check.Unfit as unfit:
        return str(unfit)
    return None


def test_a_pooler_that_mixes_up_prepared_statements_is_refused(pooled_url: str) -> None:
    """24 of 576 calls ended in 500 behind it, and a statement could have run in another's place."""
    with pytest.raises(start_check.Unfit, match=r"max_prepared_statements.*DATABASE_PREPARED=false"):
        start_check.insist(pooled_url, prepared=True)
    start_check.insist(pooled_url, prepared=False)


def test_the_server_itself_keeps_them_apart(app: Flask) -> None:
    assert judged(load().sqlalchemy_url) is None


def test_a_server_that_is_too_old_is_refused(app: Flask) -> None:
    with transaction() as session:
        found = int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    with pytest.raises(start_check.Unfit, match=f"PostgreSQL {found}; the desk needs {found + 1}"):
        start_check.insist(load().sqlalchemy_url, prepared=True, oldest=found + 1)


def test_a_database_that_is_away_is_waited_for(app: Flask) -> None:
    away = make_url(load().sqlalchemy_url).set(host="127.0.0.1", port=free_port(), query={})
    assert judged(away.render_as_string(hide_password=False)) is None, "its process starts, and waits"


def test_a_database_of_before_the_first_release_is_refused(
        fresh_database: str, url_of: Callable[[str, str], str]) -> None:
    """It would pass for one of a release to come, which older code goes on with."""
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0019_lists_by_direction'")
    of_owner, of_app = (make_url(url_of(fresh_database, role)).render_as_string(hide_password=False)
                        for role in ("owner", "app"))
    with pytest.raises(start_check.Unfit, match="before the first release"):
        start_check.insist(of_app.replace("postgresql://", "postgresql+psycopg://"), prepared=False)
    done = subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "DATABASE_URL": of_app, "DATABASE_OWNER_URL": of_owner})
    assert done.returncode == 1
    assert "no way leads on from 0019_lists_by_direction" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_whose_migrations_have_not_run_is_said_and_waited_for(tmp_path: Path, redis_url: str) -> None:
    """The dispatcher wrote a traceback each second, and the probe took the database for one that is away."""
    with own_postgres(tmp_path / "home") as server, running_desk(
            "quittance", tmp_path / "desk.log", settings=server.urls) as desk:
        asked = Caller(desk.port, "", "")
        probed = asked.call("GET", "/readyz")
        assert (probed.status, probed.json["reasons"]) == (503, ["migrations"])
        wait_for(lambda: _said_by(desk).count(("dispatcher", "migrations_have_not_run")) >= 2, "the dispatcher says so")
        wait_for(lambda: _said_by(desk).count(("database", "migrations_have_not_run")) == 3, "each says so at start")
        subprocess.run(procfile.read()[procfile.RELEASE].split(), cwd=ROOT, env=desk.environment, check=True,
                       capture_output=True)
        wait_for(lambda: asked.call("GET", "/readyz").status == 200, "the same processes go on")
        assert ("dispatcher", "dispatcher_failed") not in _said_by(desk)
        assert all(process.poll() is None for group in desk.processes.values() for process in group)


def _said_by(desk: Desk) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in desk.log.read_text().splitlines() if line.startswith("{")]
    return [(line["logger"], line["event"]) for line in lines]


@pytest.mark.parametrize("name", ["web", "worker", "dispatcher"])
def test_no_process_starts_on_an_unfit_database(name: str, pooled_url: str, redis_url: str, tmp_path: Path) -> None:
    """It ends with the sentence, before it has taken any work."""
    desk = Desk("unused", tmp_path / "desk.log", {"DATABASE_URL": pooled_url})
    process = desk.begin(name)
    try:
        assert process.wait(START_WITHIN_S) == 1
    finally:
        desk.stop()
    said = desk.log.read_text()
    assert "max_prepared_statements" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_desk_without_prepared_statements_works(database: str, redis_url: str, tmp_path: Path) -> None:
    with running_desk(database, tmp_path / "desk.log", "web", settings={"DATABASE_PREPARED": "false"}) as desk:
        with urlopen(f"{desk.url}/readyz", timeout=5) as answer:
            assert answer.status == 200
        with urlopen(f"{desk.url}/login", timeout=5) as answer:
            assert answer.status == 200
