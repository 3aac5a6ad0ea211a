"""Where the desk's processes are born by fork: it has read all code, which is most of what a start costs.

A process that is forked here then does what its line of the Procfile says, from the first statement of its program on,
in a session and with connections of its own.
"""
import importlib
import os
import pkgutil
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from tests.running import ROOT, STOP_WITHIN_S, Desk
from tests.waiting import until

PROGRAMS = {"tasks.dispatcher", "tasks.worker"}  # which are run, not imported


class Born:
    """As much of `subprocess.Popen` as a Desk uses."""

    returncode = "a code that nobody waited for"

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> str | None:
        return None if Path(f"/proc/{self.pid}").exists() else self.returncode

    def wait(self, timeout: float = STOP_WITHIN_S) -> None:
        if not until(self.poll, timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)


class ForkedDesk(Desk):
    """Its processes are born in a nursery, which lives as long as the desk."""

    nursery: subprocess.Popen[str] | None = None

    def spawn(self, line: str) -> Born:  # type: ignore[override]
        if self.nursery is None:
            self.nursery = subprocess.Popen([sys.executable, "-m", "tests.killed.nursery", str(self.log)], cwd=ROOT,
                                            env=self.environment, text=True, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(f"{line}\n")
        self.nursery.stdin.flush()
        return Born(int(self.nursery.stdout.readline()))

    def stop(self) -> None:
        super().stop()
        if self.nursery is not None:
            self.nursery.communicate()  # nothing more to read ends it


def main() -> None:
    for package in ("portal", "tasks"):
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            if module.name not in PROGRAMS:
                importlib.import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _become(shlex.split(line))
        print(pid, flush=True)  # noqa: T201


def _become(words: list[str]) -> NoReturn:
    """What the line says: `env -u NAME`, then `python [-X …] -m MODULE`, `python FILE`, or a program of it."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with open(sys.argv[1], "ab") as log, open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
        while words[:2] == ["env", "-u"]:
            os.environ.pop(words[2], None)
            words = words[3:]
        if words[0] == "python":
            words = words[3:] if words[1] == "-X" else words[1:]
        if words[0] == "-m":
            sys.argv = words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            runpy.run_path(words[0] if Path(words[0]).exists() else str(shutil.which(words[0])), run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
