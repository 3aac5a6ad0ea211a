"""What staff do with jobs: look, retry a dead one, drop a dead one. Both acts are audited."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound
from portal.core.jobs.models import Job
from portal.core.jobs.promises import wake

PAGE_MAX = 500
COUNT_MAX = 10_000


class NotDead(Conflict):
    """Only a dead job can be retried or dropped; this one is still being worked on."""

    code = "job_not_dead"


def page(session: Session, *, dead: bool, limit: int) -> Sequence[Job]:
    """Dead jobs newest first, or everything that is due first."""
    assert 0 < limit <= PAGE_MAX
    rows = select(Job).where(Job.dead_at.is_not(None)).order_by(Job.dead_at.desc(), Job.id.desc()) if dead \
        else select(Job).order_by(Job.run_at, Job.id)
    return session.scalars(rows.limit(limit)).all()


def retry(session: Session, actor: Actor, job_id: int) -> Job:
    """Due now, with its tries counted anew. Raises NotFound, NotDead."""
    job = _dead(session, job_id)
    audit.record(session, actor, "job.retried", "job", job.id, before={"error": job.last_error, "kind": job.kind})
    job.dead_at, job.attempts, job.lost, job.run_at = None, 0, 0, clock.now()
    session.flush()
    wake(session, job.kind)
    return job


def drop(session: Session, actor: Actor, job_id: int, *, reason: str) -> None:
    """Gone for good; the audit keeps what it was. Raises NotFound, NotDead."""
    job = _dead(session, job_id)
    audit.record(session, actor, "job.dropped", "job", job.id, reason=reason,
                 before={"kind": job.kind, "reference": str(job.reference), "error": job.last_error})
    session.delete(job)


def _dead(session: Session, job_id: int) -> Job:
    job = locked_one(session, select(Job).where(Job.id == job_id))
    if job is None:
        raise NotFound()
    if job.dead_at is None:
        raise NotDead()
    return job


@dataclass(frozen=True)
class Lag:
    """How far the queue is behind."""

    due: int
    oldest_s: int  # how long the oldest due job has waited, in whole seconds
    dead: int


def lag(session: Session) -> Lag:
    """Counted up to COUNT_MAX: a deeper queue is an alarm whatever its length."""
    now = clock.now()
    waiting = (select(Job.run_at).where(Job.dead_at.is_(None), Job.run_at <= now,
                                        (Job.leased_until.is_(None)) | (Job.leased_until < now))
               .limit(COUNT_MAX).subquery())
    due, oldest = session.execute(select(func.count(), func.min(waiting.c.run_at)).select_from(waiting)).one()
    dead = session.scalar(select(func.count()).where(Job.dead_at.is_not(None))) or 0
    return Lag(due, int((now - oldest).total_seconds()) if oldest else 0, dead)
