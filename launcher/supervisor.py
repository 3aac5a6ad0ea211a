"""Keeps the processes of the desk alive, and stops them in good order."""
import time
from collections.abc import Callable, Mapping, Sequence

from launcher.child import Child, begun_at, kill_group, prefixes
from launcher.home import Home
from launcher.say import say

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)  # before the next start of one that died; the last one stays
ALIVE_S = 30.0  # after this long it is well again, and the pause begins from the start
STOP_S = 26.0  # a worker has 25 s to finish; servers need the rest of the 40 s that bin/run has
TICK_S = 0.1
FILE = "processes.json"  # for the next run, should this one be killed


class Kept:
    """A process that is to run: the living child, or the moment of its next start."""

    def __init__(self, name: str, command: str, environment: Mapping[str, str], prefix: str) -> None:
        self.name, self.command, self.environment, self.prefix = name, command, environment, prefix
        self.child: Child | None = None
        self.deaths = 0
        self.started_at = 0.0
        self.next_start_at = 0.0

    def start(self) -> None:
        self.child = Child(self.name, self.command, self.environment, prefix=self.prefix)
        self.started_at = time.monotonic()

    def bury(self) -> None:
        """Say how it died and when it comes back."""
        assert self.child is not None
        self.child.clear_away()
        self.deaths = 0 if time.monotonic() - self.started_at >= ALIVE_S else self.deaths
        pause = PAUSES_S[min(self.deaths, len(PAUSES_S) - 1)]
        say(f"{self.name} {self.child.how_it_ended()}; starting it again in {pause:g} s")
        self.deaths += 1
        self.child, self.next_start_at = None, time.monotonic() + pause


class Supervisor:
    """Starts every process, starts again what dies, until asked to stop."""

    def __init__(self, home: Home, commands: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.home = home
        prefix = prefixes(list(commands))
        self.kept = [Kept(name, command, environment, prefix[name]) for name, command in commands.items()]

    def run(self, asked_to_stop: Callable[[], bool], each_tick: Sequence[Callable[[], None]]) -> None:
        try:
            while not asked_to_stop():
                self._look_after()
                for look in each_tick:
                    look()
                time.sleep(TICK_S)
        finally:
            self.stop()

    def stop(self) -> None:
        children = [kept.child for kept in self.kept if kept.child]
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        while any(child.alive() for child in children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in children:
            if child.alive():
                say(f"{child.name} did not stop within {STOP_S:g} s: killed")
            child.clear_away()
        self.home.write(FILE, {})

    def _look_after(self) -> None:
        changed = False
        for kept in self.kept:
            if kept.child and not kept.child.alive():
                kept.bury()
            if kept.child is None and time.monotonic() >= kept.next_start_at:
                kept.start()
                changed = True
        if changed:
            self.home.write(FILE, {kept.name: [kept.child.pid, begun_at(kept.child.pid)]
                                   for kept in self.kept if kept.child})


def end_leftovers(home: Home) -> None:
    """End the processes of a run that was killed: they would hold the port and work with old code."""
    left = {name: pid for name, (pid, mark) in home.read(FILE).items() if mark and begun_at(pid) == mark}
    for number, patience_s in ((15, STOP_S), (9, 2.0)):
        for name, pid in left.items():
            say(f"{name} of a killed run is still alive (process {pid}): ending it")
            kill_group(pid, number)
        deadline = time.monotonic() + patience_s
        while any(begun_at(pid) for pid in left.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = {name: pid for name, pid in left.items() if begun_at(pid)}
    home.write(FILE, {})
