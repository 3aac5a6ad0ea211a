"""Are the dispatcher and a worker alive? Told by their newest work in the database, so nothing need be kept running.

The dispatcher turns a recurring slot into a job each minute; a worker does that job, and any other, and leaves a row
in `jobs_done`. A process that lives but does nothing is as dead as one that is gone.
"""
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.jobs.models import DoneJob, Job, JobSlot

SILENT_AFTER = timedelta(seconds=150)  # two turns of the most frequent recurring kind, and time to do it
NEWEST = 50  # done rows looked at: an old job that ended late does not hide a new one


@dataclass(frozen=True)
class Liveness:
    """`at`: when the process last did something; None: never."""

    process: str  # dispatcher, worker
    at: datetime | None

    @property
    def alive(self) -> bool:
        return self.at is not None and clock.now() - self.at < SILENT_AFTER


def liveness_by_kind(session: Session) -> list[Liveness]:
    """Dispatcher and worker: one row a recurring kind, and the newest done rows by their key."""
    done = select(DoneJob.done_at).order_by(DoneJob.id.desc()).limit(NEWEST).subquery()
    return [Liveness("dispatcher", session.scalar(select(func.max(JobSlot.turned_at)))),
            Liveness("worker", session.scalar(select(func.max(done.c.done_at))))]


def due_since(session: Session, kind: str) -> datetime | None:
    """Since when the oldest of this kind that is due has waited; None where nothing is. Down ix_jobs_due."""
    return session.scalar(select(Job.run_at).where(Job.kind == kind, Job.dead_at.is_(None), Job.run_at <= clock.now())
                          .order_by(Job.run_at).limit(1))
