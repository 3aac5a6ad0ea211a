"""What kinds of work there are, and how each is done. Filled by tasks/*.py when they are imported."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.jobs.leases import Claimed


@dataclass(frozen=True)
class RetryAt:
    """Not done and no error either (no candidate just now): come back at `run_at`."""

    run_at: datetime


Outcome = Mapping[int, RetryAt] | None  # by job id; a job that is not named is done
Work = Callable[[Session, Sequence[Claimed]], Outcome]


@dataclass(frozen=True)
class Kind:
    """How one kind of work is done. `failed` runs in the transaction that records a failed try, and may say until when
    at the latest there must be another.

    `work` gets a batch inside one transaction and must be safe to be run twice.
    """

    name: str
    work: Work
    batch_max: int = 50
    lease_s: int = 30
    attempts_max: int = 10
    every_s: int | None = None  # recurring
    drains_max: int | None = None  # threads of one worker at once (tasks/concurrency.py); None: all
    # (session, job, error, dead) → the latest next try
    failed: Callable[[Session, Claimed, BaseException, bool], datetime | None] | None = None


KINDS: dict[str, Kind] = {}
# kinds that call outside the desk claim and finish by rules of their own: kind → drain, returns how many were done
OUTSIDE: dict[str, Callable[[], int]] = {}


def register(*kinds: Kind) -> None:
    KINDS.update({kind.name: kind for kind in kinds})


def register_outside(kind: str, drain: Callable[[], int]) -> None:
    """A kind whose work calls other systems: no transaction may be open while it does."""
    OUTSIDE[kind] = drain
