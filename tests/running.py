"""A desk that really runs, for tests that look at it from outside: the Procfile's processes, its own database."""
import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from launcher import procfile
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN_S = 30
STOP_WITHIN_S = 30
SAID_LAST = 4000  # characters of its log


class Desk:
    """Processes by name, on `database`; each in a process group of its own, as `bin/run` starts them."""

    def __init__(self, database: str, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.log = log
        self.processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.environment = {**os.environ, "PORT": str(self.port), "HOST": "127.0.0.1", "APP_ENV": "development",
                            "PUBLIC_URL": self.url, "FLASK_APP": "wsgi.py", "PYTHONUNBUFFERED": "1",
                            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL"):
            url = make_url(os.environ.get(name) or os.environ["DATABASE_URL"])
            self.environment[name] = url.set(database=database).render_as_string(hide_password=False)
        self.environment |= settings or {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        started = names or tuple(procfile.processes([]))
        for name in started:
            self.begin(name)
        if "web" in started:
            assert until(self._answers, START_WITHIN_S), f"no answer in {START_WITHIN_S} s:\n{self.said()}"

    def begin(self, name: str) -> subprocess.Popen[bytes]:
        """One more of that name, which may fail to start."""
        line = procfile.processes([name])[name].replace("$HOST", "127.0.0.1").replace("$PORT", str(self.port))
        self.processes.setdefault(name, []).append(self.spawn(line))
        return self.processes[name][-1]

    def spawn(self, line: str) -> subprocess.Popen[bytes]:
        """A process that does what this line of the Procfile says."""
        with self.log.open("ab") as log:
            return subprocess.Popen(shlex.split(line), cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                                    start_new_session=True)

    def kill(self, name: str) -> None:
        """kill -9, as the kernel would: the newest process of that name and all it started."""
        process = self.processes[name].pop()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def terminate(self, name: str) -> float:
        """TERM, and how many seconds the process took to go."""
        started = time.monotonic()
        self.ask_to_stop(name).wait(STOP_WITHIN_S)
        return time.monotonic() - started

    def ask_to_stop(self, name: str) -> subprocess.Popen[bytes]:
        """TERM to the newest process of that name, which goes in its own time."""
        process = self.processes[name].pop()
        os.killpg(process.pid, signal.SIGTERM)
        return process

    def flask(self, *arguments: str) -> str:
        """The command line beside the running desk: what it prints on stdout."""
        done = subprocess.run([sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=self.environment,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        for process in [p for group in self.processes.values() for p in group]:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
        for process in [p for group in self.processes.values() for p in group]:
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _answers(self) -> bool:
        web = self.processes["web"][-1]
        assert web.poll() is None, f"the web process ended with {web.returncode}:\n{self.said()}"
        return answers(self.port, "/livez")

    def said(self) -> str:
        """The last that its processes wrote."""
        return self.log.read_text(errors="replace")[-SAID_LAST:]


def answers(port: int, path: str) -> bool:
    """A web on this machine, with 200."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False


@contextmanager
def running_desk(database: str, log: Path, *names: str, settings: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """All processes of the Procfile, or the named ones; stopped afterwards, whatever happened.

    `settings`: of its environment, such as another REDIS_URL.
    """
    desk = Desk(database, log, settings)
    try:
        desk.start(*names)
        yield desk
    finally:
        desk.stop()


def wait_for(condition: Callable[[], object], what: str, within_s: float = START_WITHIN_S) -> None:
    """Look until it is so; fails with the sentence. No guess at how long a thing takes."""
    assert until(condition, within_s), f"waited {within_s} s in vain: {what}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(parent: int) -> list[int]:
    """Processes that it has started and that have not been seen off."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
