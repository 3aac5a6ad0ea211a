"""bin/run keeps the log of its own PostgreSQL: once there is a first backup, what the server puts away is shipped."""
import subprocess
import time
from collections.abc import Mapping

from launcher import venv
from launcher.home import ROOT
from launcher.postgres import Postgres
from launcher.say import say

LOOK_S = 5.0
PAUSE_S = 60.0  # after one that failed: the folder of backups may be away


class Shipping:
    """A look at the server's folder now and then, and a process that seals what lies there, one at a time."""

    def __init__(self, server: Postgres | None, environment: Mapping[str, str]) -> None:
        self.server, self.environment = server, environment
        self.next_look_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        now = time.monotonic()
        if self.server is None or now < self.next_look_at:
            return
        self.next_look_at = now + LOOK_S
        if self.process:
            code = self.process.poll()
            if code is None:
                return
            self.process = None
            if code:
                say("the log could not be shipped to the backups; the server keeps it, trying again in a minute")
                self.next_look_at = now + PAUSE_S
                return
        if any(self.server.wal.glob("[!.]*")):
            self.process = subprocess.Popen(
                [str(venv.PYTHON), "-m", "backups", "ship", "--finished"], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env={**self.environment, "PYTHONPATH": str(ROOT)})
