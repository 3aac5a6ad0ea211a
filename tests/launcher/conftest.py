"""A desk in a folder of its own: the real launcher and servers, with a Procfile of small processes."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PROCFILE = """\
release: sh -c 'echo released >> released.txt'
tick: sh -c 'echo $$ > tick.pid; echo ticking; exec sleep 600'
steady: sh -c 'echo $$ > steady.pid; trap "echo leaving; exit 0" TERM; while :; do sleep 0.1; done'
"""
NOBODY = 65534
READY = "Ctrl-C stops it"


class Desk:
    """One checkout and data folder, and the bin/run that works on them."""

    def __init__(self, folder: Path, *, user: int | None = None) -> None:
        self.folder, self.user = folder, user
        self.home = folder / "var"
        self.lines: list[str] = []
        self.run: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, demo: bool = False, ready_s: float = 60, **environment: str) -> float:
        """Start bin/run and wait until it says that it is up; returns the seconds that took."""
        begun = time.monotonic()
        self.lines = []
        self.run = self.begin("run", *([] if demo else ["--no-demo"]), *arguments, **environment)
        threading.Thread(target=self._listen, args=(self.run,), daemon=True).start()
        self.wait_for(READY, seconds=ready_s)
        return time.monotonic() - begun

    def begin(self, command: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / "bin" / command), *arguments], text=True, stdin=subprocess.DEVNULL, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env=self.environment(environment),
            user=self.user, group=self.user, extra_groups=[] if self.user is not None else None)

    def output_of(self, command: str, *arguments: str, **environment: str) -> tuple[int, str]:
        begun = self.begin(command, *arguments, **environment)
        said, _ = begun.communicate(timeout=60)
        return begun.returncode, said

    def stop(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Ctrl-C; returns the exit code and the seconds it took."""
        assert self.run is not None
        begun = time.monotonic()
        os.killpg(self.run.pid, number)
        return self.run.wait(timeout=45), time.monotonic() - begun

    def wait_for(self, text: str, *, seconds: float) -> None:
        run = self.run
        assert run is not None
        until(lambda: self._said(text) or run.poll() is not None, seconds)
        assert self._said(text), f"{text!r} was not said (exit code {run.poll()}):\n" + "\n".join(self.lines)

    def _said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def pid_of(self, process: str) -> int:
        """As the process itself has written it, which may be a moment after it was started."""
        written = self.folder / f"{process}.pid"
        assert eventually(lambda: written.exists() and written.read_text().endswith("\n"), seconds=20)
        return int(written.read_text())

    @property
    def place(self) -> Path:
        """Where PostgreSQL lies."""
        kept = self.home / "postgres.json"
        remembered = json.loads(kept.read_text()).get("folder") if kept.exists() else None
        return Path(remembered or self.home / "postgres")

    @property
    def postmaster(self) -> int:
        """Raises FileNotFoundError: there is none, or it is just writing its name down."""
        written = (self.place / "data" / "postmaster.pid").read_text().split()
        if not written:
            raise FileNotFoundError("postmaster.pid is empty yet")
        return int(written[0])

    @property
    def valkey(self) -> int:
        return int(json.loads((self.home / "valkey.json").read_text())["pid"])

    def hand_to_nobody(self) -> None:
        """Let a user without rights own it, with a Python that he may start and the packages that are there."""
        self.user = NOBODY
        venv, packages = self.folder / ".venv", next((ROOT / ".venv" / "lib").glob("python3*/site-packages"))
        venv.unlink()
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(venv)], check=True)
        made = next((venv / "lib").glob("python3*/site-packages"))
        made.rmdir()
        made.symlink_to(packages)
        shutil.copy(ROOT / ".venv" / ".requirements.txt.sha256", venv)
        os.chown(self.folder, NOBODY, NOBODY)
        if subprocess.run(["test", "-r", str(packages)], user=NOBODY, check=False).returncode:
            pytest.skip("this checkout is closed to other users")

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "QUITTANCE_HOME": str(self.home), **more}

    def _listen(self, run: subprocess.Popen[str]) -> None:
        assert run.stdout is not None
        with run.stdout:
            for line in run.stdout:
                self.lines.append(line.rstrip("\n"))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(claim: Callable[[], bool], *, seconds: float) -> bool:
    return until(claim, seconds)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """In pytest's folder, which is closed to others: root's PostgreSQL then lies in /var/lib/quittance."""
    with_desk = furnish(Desk(tmp_path / "desk"))
    yield with_desk
    clear_away(with_desk)


@pytest.fixture
def open_desk() -> Iterator[Desk]:
    """In a folder that every user reaches, as a checkout under /srv would be."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="quittance-test-") as folder:
        Path(folder).chmod(0o755)
        with_desk = furnish(Desk(Path(folder) / "desk"))
        yield with_desk
        clear_away(with_desk)


def furnish(desk: Desk) -> Desk:
    for part in ("bin", "launcher"):
        shutil.copytree(ROOT / part, desk.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / file, desk.folder)
    (desk.folder / "Procfile").write_text(PROCFILE)
    (desk.folder / ".venv").symlink_to(ROOT / ".venv")
    return desk


def clear_away(desk: Desk) -> None:
    if desk.run and desk.run.poll() is None:
        desk.stop(signal.SIGTERM)
    for server in ("postmaster", "valkey"):
        try:
            os.kill(getattr(desk, server), signal.SIGKILL)
        except (OSError, ValueError, KeyError, IndexError):
            continue
    if desk.place.parent == Path("/var/lib/quittance"):
        eventually(lambda: not _remove(desk.place), seconds=5)


def _remove(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return folder.exists()
