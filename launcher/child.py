"""One process of the desk: in a process group of its own, its output prefixed by its name."""
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from launcher.home import ROOT
from launcher.say import say

COLOURS = (36, 33, 35, 32, 34, 31)


class Child:
    """A started process. Huey takes SIGINT for `interrupt what runs`, so none may hear the terminal's Ctrl-C."""

    def __init__(self, name: str, command: str, environment: Mapping[str, str], *, prefix: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], env=dict(environment), cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self._reader = threading.Thread(target=self._pass_on, args=(prefix,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        """TERM to the process alone: it knows how to stop the rest of its group in order."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def clear_away(self) -> None:
        """End what is left of its group, as a web worker whose parent was killed and which still holds the port."""
        kill_group(self.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(timeout=1)

    def how_it_ended(self) -> str:
        code = self.process.returncode
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _pass_on(self, prefix: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            say(prefix + line.decode("utf-8", "replace").rstrip("\r\n"), to=sys.stdout)


def kill_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def begun_at(pid: int) -> str | None:
    """A mark that tells this process from a later one of the same number; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] == "Z" else after_name[19]


def prefixes(names: list[str]) -> dict[str, str]:
    """`web        | `, in colours when a person looks."""
    width = max(map(len, names), default=0)
    plain = {name: f"{name:<{width}} | " for name in names}
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return plain
    return {name: f"\033[{COLOURS[n % len(COLOURS)]}m{plain[name]}\033[0m" for n, name in enumerate(names)}
