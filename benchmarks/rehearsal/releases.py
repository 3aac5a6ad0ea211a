"""Two releases in folders of their own, and their processes on three addresses of this machine, behind HAProxy."""
import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from string import Template

from launcher import procfile
from launcher.home import ROOT

ADDRESSES = ("127.0.71.1", "127.0.71.2", "127.0.71.3")
FRONT = ("127.0.71.9", 8080)
WITHIN_S = 60.0
LAME_DUCK_S = 5  # the balancer notices within two looks of 2 s at most
MIGRATION = '''"""Made for the rehearsal: what an expanding migration may do to tables that are in use."""
from alembic import op

revision = "rehearsal"
down_revision = "{last}"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN rehearsed_at timestamptz")
    op.execute("CREATE TABLE rehearsals (id uuid PRIMARY KEY, begun_at timestamptz NOT NULL DEFAULT now())")
    op.execute("GRANT SELECT, INSERT ON rehearsals TO quittance_app")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_orders_rehearsed_at ON orders (rehearsed_at)")


def downgrade() -> None:
    raise NotImplementedError
'''


def checked_out(commit: str, place: Path) -> Path:
    """The files of a commit, with this checkout's environment."""
    place.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=place, input=archive, check=True)
    (place / ".venv").symlink_to((ROOT / ".venv").resolve())
    return place


def same_schema(one: Path, other: Path) -> bool:
    """Before the first release tables are changed in place: two such commits cannot stand side by side."""
    return all((other / file.relative_to(one)).read_bytes() == file.read_bytes()
               for file in sorted((one / "migrations").rglob("*.sql")))


def with_a_migration(release: Path) -> Path:
    """The same, one expanding migration further."""
    versions = release / "migrations" / "versions"
    texts = [file.read_text() for file in versions.glob("*.py")]
    names = [line.split('"')[1] for text in texts for line in text.splitlines() if line.startswith("revision = ")]
    last = next(name for name in names if not any(f'down_revision = "{name}"' in text for text in texts))
    (versions / "9999_rehearsal.py").write_text(MIGRATION.format(last=last))
    return release


class Process:
    """A line of the Procfile, of one release, at one address."""

    def __init__(self, release: Path, name: str, address: str, environment: dict[str, str], log: Path) -> None:
        line = procfile.processes([name])[name].replace("$HOST", address).replace("$PORT", "8000")
        self.name, self.address, self.release = name, address, release
        with log.open("ab") as out:
            self._process = subprocess.Popen(shlex.split(line), cwd=release, env=environment, stdout=out, stderr=out,
                                             start_new_session=True)

    def terminate(self) -> float:
        """TERM, as systemd sends it; seconds until it was gone."""
        began = time.monotonic()
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(WITHIN_S)
        return time.monotonic() - began

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_until_it_serves(self) -> None:
        def serves() -> bool:
            assert self._process.poll() is None, f"{self.name} of {self.release.name} ended"
            return self.name != "web" or answers(self.address, 8000, "/servez")

        _until(serves, "the web serves")


class Desk:
    """Two of each on the old release; then each in turn on another."""

    def __init__(self, release: Path, environment: dict[str, str], folder: Path) -> None:
        self._environment = {**environment, "LAME_DUCK_S": str(LAME_DUCK_S), "PROXY_HOPS": "1",
                             "PUBLIC_URL": f"http://{FRONT[0]}:{FRONT[1]}",
                             "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._log, self.processes = folder / "desk.log", list[Process]()
        for address in ADDRESSES:
            self._begin(release, "web", address)
        for name in ("worker", "dispatcher"):
            for address in ADDRESSES[:2]:
                self._begin(release, name, address)
        for process in self.processes:
            process.wait_until_it_serves()
        config = folder / "front.cfg"  # after the webs: it takes who is there for up, and who was not for down
        values = {f"IP{number}": address for number, address in enumerate(ADDRESSES, 1)}
        config.write_text(Template((ROOT / "deploy" / "cluster" / "front.cfg").read_text()).substitute(
            values, FOLDER=str(folder), FRONT=f"{FRONT[0]}:{FRONT[1]}", HOST=FRONT[0], SCHEME="http"))
        self._front = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin"})
        _until(lambda: answers(*FRONT, "/servez"), "the balancer leads to a web")

    def migrate(self, release: Path) -> float:
        """The Procfile's `release`, while everybody works; seconds."""
        began = time.monotonic()
        done = subprocess.run(["flask", "db", "upgrade"], cwd=release, env=self._environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return time.monotonic() - began

    def replace(self, process: Process, release: Path) -> float:
        """TERM, and the other release in its place; seconds until that serves."""
        began = time.monotonic()
        process.terminate()
        self.processes.remove(process)
        self._begin(release, process.name, process.address).wait_until_it_serves()
        return time.monotonic() - began

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        self._front.terminate()
        self._front.wait()

    def _begin(self, release: Path, name: str, address: str) -> Process:
        self.processes.append(Process(release, name, address, self._environment, self._log))
        return self.processes[-1]


def _until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.1)


def answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
