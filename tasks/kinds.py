"""`python -m tasks.kinds`: every kind of work, and how many seconds lie between its times, where it recurs.

Told by a process that ends: the dispatcher needs no more of the work, and what the work imports is 30 MB.
"""
import json
import subprocess
import sys
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.core.jobs import KINDS, OUTSIDE, Claimed, Kind, register


def learn() -> None:
    """Register every kind, for a process that does none of them. Raises CalledProcessError: it has said why."""
    told = subprocess.run([sys.executable, "-m", "tasks.kinds"], stdout=subprocess.PIPE, check=True)
    register(*(Kind(name, _not_here, every_s=every_s) for name, every_s in json.loads(told.stdout).items()))


def _not_here(session: Session, jobs: Sequence[Claimed]) -> None:
    raise AssertionError("a worker does it")


def told() -> dict[str, int | None]:
    """By name, in the order in which they were registered."""
    from tasks import registry

    assert registry.ALL
    return {**{kind.name: kind.every_s for kind in KINDS.values()}, **dict.fromkeys(OUTSIDE)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(told()))
