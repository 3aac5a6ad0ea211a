"""What staff do with jobs: look, retry a dead one, drop a dead one. Both acts are audited."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, cast, func, lateral, literal, select, text
from sqlalchemy.orm import Session

from portal.core import audit, clock, page_events
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound
from portal.core.jobs.enqueueing import at_once, wake
from portal.core.jobs.models import Job

PAGE_MAX = 500
COUNT_MAX = 10_000


class NotDead(Conflict):
    """Only a dead job can be retried or dropped; this one is still being worked on."""

    code = "job_not_dead"


def page(session: Session, *, dead: bool, limit: int, kind: str | None = None) -> Sequence[Job]:
    """Dead jobs newest first, or everything that is due first; of one kind or of all."""
    assert 0 < limit <= PAGE_MAX
    if dead:
        rows = select(Job).where(Job.dead_at.is_not(None)).order_by(Job.dead_at.desc(), Job.id.desc())
        return session.scalars((rows.where(Job.kind == kind) if kind else rows).limit(limit)).all()
    wanted = [kind] if kind else [row.kind for row in by_kind(session)]
    kinds = select(func.unnest(cast(wanted, ARRAY(Text))).label("kind")).subquery()
    soonest = lateral(select(Job.id).where(Job.kind == kinds.c.kind, Job.dead_at.is_(None)).order_by(Job.run_at, Job.id)
                      .limit(limit))
    rows = select(Job).where(Job.id.in_(select(soonest.c.id).select_from(kinds).join(soonest, literal(True))))
    return session.scalars(rows.order_by(Job.run_at, Job.id).limit(limit)).all()


def retry(session: Session, actor: Actor, job_id: int) -> Job:
    """Due now, with its tries counted anew. Raises NotFound, NotDead."""
    job = _dead(session, job_id)
    audit.record(session, actor, "job.retried", "job", job.id, before={"error": job.last_error, "kind": job.kind})
    job.dead_at, job.attempts, job.lost, job.run_at = None, 0, 0, at_once(clock.now())
    session.flush()
    wake(session, job.kind)
    page_events.tell(session, "jobs", ())
    return job


def drop(session: Session, actor: Actor, job_id: int, *, reason: str) -> None:
    """Gone for good; the audit keeps what it was. Raises NotFound, NotDead."""
    job = _dead(session, job_id)
    audit.record(session, actor, "job.dropped", "job", job.id, reason=reason,
                 before={"kind": job.kind, "reference": str(job.reference), "error": job.last_error})
    session.delete(job)
    page_events.tell(session, "jobs", ())


def _dead(session: Session, job_id: int) -> Job:
    job = locked_one(session, select(Job).where(Job.id == job_id))
    if job is None:
        raise NotFound()
    if job.dead_at is None:
        raise NotDead()
    return job


@dataclass(frozen=True)
class KindLag:
    """One kind of work: what is due, under way, planned for later, and dead."""

    kind: str
    due: int
    running: int
    later: int
    dead: int
    oldest: datetime | None  # due since

    @property
    def oldest_s(self) -> int:
        """How long the oldest due one has waited, in whole seconds."""
        return int((clock.now() - self.oldest).total_seconds()) if self.oldest else 0


def by_kind(session: Session) -> list[KindLag]:
    """Every kind with live rows: a probe of ix_jobs_due each, the soonest COUNT_MAX of it counted."""
    rows = session.execute(BY_KIND, {"now": clock.now(), "most": COUNT_MAX})
    return [KindLag(*row) for row in rows]


BY_KIND = text("""
    WITH RECURSIVE kinds AS (
        SELECT min(kind) AS kind FROM jobs
        UNION ALL SELECT (SELECT min(kind) FROM jobs WHERE kind > k.kind) FROM kinds k WHERE k.kind IS NOT NULL),
    dead AS (
        SELECT kind, count(*) AS dead FROM (SELECT kind FROM jobs WHERE dead_at IS NOT NULL LIMIT :most) AS d
         GROUP BY kind)
    SELECT k.kind, l.due, l.running, l.later, coalesce(d.dead, 0), l.oldest
      FROM kinds k LEFT JOIN dead d USING (kind)
     CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE free AND run_at <= :now) AS due, count(*) FILTER (WHERE NOT free) AS running,
               count(*) FILTER (WHERE free AND run_at > :now) AS later,
               min(run_at) FILTER (WHERE free AND run_at <= :now) AS oldest
          FROM (SELECT run_at, leased_until IS NULL OR leased_until < :now AS free FROM jobs
                 WHERE kind = k.kind AND dead_at IS NULL ORDER BY run_at LIMIT :most) AS live) AS l
     WHERE k.kind IS NOT NULL ORDER BY k.kind""")
