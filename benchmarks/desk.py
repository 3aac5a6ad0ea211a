"""The desk that is measured: the Procfile's processes on a database of the ground, or the application in here."""
import http.client
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from benchmarks.ground import Ground
from launcher import procfile
from launcher.home import ROOT

START_S, STOP_S = 40, 30


class Desk:
    """Running processes by the name of their line in the Procfile."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environment = {**environment, "HOST": "127.0.0.1", "PORT": str(self.port), "PUBLIC_URL": self.url}
        self.log, self.processes = log, dict[str, subprocess.Popen[bytes]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        for name, line in procfile.processes(list(names)).items():
            command = shlex.split(line.replace("$HOST", "127.0.0.1").replace("$PORT", str(self.port)))
            with self.log.open("ab") as log:
                self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                                                        start_new_session=True)
        until = time.monotonic() + START_S
        while "web" in self.processes and not self._answers():
            if time.monotonic() > until:
                raise SystemExit(f"the desk did not start; see {self.log}")
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def desk(ground: Ground, database: str, *names: str, settings: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """The named processes, started as the Procfile says and stopped afterwards; `settings` beside the ground's."""
    made = Desk(ground.of(database) | dict(settings or {}), ground.servers.home.folder / "desk.log")
    try:
        made.start(*names)
        yield made
    finally:
        made.stop()


@contextmanager
def application(ground: Ground, database: str, *, process: str = "worker") -> Iterator[Flask]:
    """The application as a worker (or the web) has it, in this process and inside its context."""
    os.environ.update(ground.of(database))
    from portal import create_app
    from portal.core.db import db
    from portal.parties import key_invalidation
    from portal.server import gc_tuning
    from portal.settings import load

    app = create_app(load(), process=process)
    with app.app_context():
        from tasks import registry

        assert registry.ALL
        gc_tuning.settle()
        try:
            yield app
        finally:
            key_invalidation.stop(db.engine.url)
            db.session.remove()
            db.engine.dispose()
