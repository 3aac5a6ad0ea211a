"""Plays systemd: each part of each node runs, and runs again a second after it died, unless it is held down."""
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

AGAIN_S, LOOK_S = 1.0, 0.1


@dataclass
class Part:
    node: str
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    where: str = "/"
    process: subprocess.Popen[bytes] | None = None
    held: bool = False
    expected_to_die: bool = False
    died_at: float = 0.0

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


class Keeper:
    def __init__(self, logs: Path) -> None:
        self.parts = list[Part]()
        self.died = list[str]()
        """By themselves: nobody told them to."""
        self._logs, self._over, self._lock = logs, threading.Event(), threading.RLock()
        self._thread = threading.Thread(target=self._always, name="keeper", daemon=True)
        self._thread.start()

    def start(self, node: str, name: str, command: list[str], environment: dict[str, str] | None = None, *,
              where: str = "/") -> Part:
        """In the network of its node; `node` may be "" for what stands outside of all."""
        inside = [*_in_network(node), *command]
        part = Part(node, name, inside, {**_PLAIN, **(environment or {})}, where)
        with self._lock:
            self._begin(part)
            self.parts.append(part)
        return part

    def of(self, node: str | None = None, name: str | None = None) -> list[Part]:
        return [part for part in self.parts if node in (None, part.node) and name in (None, part.name)]

    def kill(self, *parts: Part, hold: bool = False, how: int = signal.SIGKILL) -> None:
        """And all that it started."""
        with self._lock:
            for part in parts:
                part.held, part.expected_to_die = hold, True
                with suppress(ProcessLookupError):
                    os.killpg(part.pid, how)

    def release(self, *parts: Part) -> None:
        for part in parts:
            part.held = False

    def stop(self) -> None:
        """All of it ends with the drill's own process namespace; this only keeps anything from being started again."""
        self._over.set()
        self._thread.join()
        self.kill(*self.parts, hold=True)

    def _always(self) -> None:
        while not self._over.wait(LOOK_S):
            with self._lock:
                for part in self.parts:
                    self._look(part)

    def _look(self, part: Part) -> None:
        if part.process is None or part.process.poll() is None:
            return
        if not part.died_at:
            part.died_at = time.monotonic()
            if not part.expected_to_die:
                self.died.append(f"{part.name}@{part.node} ({part.process.returncode})")
        if not part.held and time.monotonic() - part.died_at >= AGAIN_S:
            self._begin(part)

    def _begin(self, part: Part) -> None:
        part.died_at, part.expected_to_die = 0.0, False
        with (self._logs / f"{part.node or 'front'}-{part.name}.log").open("ab") as log:
            part.process = subprocess.Popen(part.command, env=part.environment, stdout=log, stderr=log, cwd=part.where,
                                            stdin=subprocess.DEVNULL, start_new_session=True)


_PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/tmp",
          "PYTHONUNBUFFERED": "1"}


def _in_network(node: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{node}"] if node else []
