"""G9: what the processes of the Procfile hold after some work: resident memory, of the largest process of each."""
import os
import time
from pathlib import Path

from benchmarks import people
from benchmarks.create import STORES, load
from benchmarks.desk import application, desk
from benchmarks.ground import Ground
from benchmarks.result import Result

WORK_S = 5


def measure(ground: Ground) -> list[Result]:
    """After a few seconds of orders coming in and being matched."""
    with ground.database() as database:
        with application(ground, database):
            shops = people.shops(STORES)
            people.workforce(100)
        tokens = ground.servers.home.folder / f"tokens-{os.getpid()}"
        tokens.write_text("\n".join(shops.tokens), "ascii")
        try:
            with desk(ground, database, "web", "worker", "dispatcher") as running:
                load(running, tokens, seconds=WORK_S)
                time.sleep(2)
                held = {name: _resident_mb(process.pid) for name, process in running.processes.items()}
        finally:
            tokens.unlink()
    note = "; ".join(f"{name}: {', '.join(f'{part:.0f}' for part in parts)}" for name, parts in held.items())
    return [Result("G9a", "memory of the web worker", max(held["web"]), "<=", 140, 90, "MB", rounds=held,
                   note=f"MB resident, {note}"),
            Result("G9b", "memory of the Huey worker", max(held["worker"]), "<=", 130, 70, "MB"),
            Result("G9c", "memory of all of Python", sum(map(sum, held.values())), "<=", 420, 260, "MB")]


def _resident_mb(group: int) -> list[float]:
    """Of each process of a group, largest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == group:
                    pages = int((entry / "statm").read_text("ascii").split()[1])
                    found.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            except (ProcessLookupError, FileNotFoundError):
                continue
    return sorted(found, reverse=True)
