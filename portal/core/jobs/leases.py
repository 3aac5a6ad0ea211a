"""Taking work and giving it back: a lease with a token that fences every change of the row."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import clock, live
from portal.core.db import at_once, transaction
from portal.core.jobs.models import Job

log = structlog.get_logger("jobs")
LOST_BEFORE_ALONE = 2  # a worker died twice with it in hand: it may be the one that kills
LOST_MAX = 12
BACKOFF_MAX_S = 300
ERROR_MAX = 2000
_dice = SystemRandom()


_DUE = "kind = :kind AND dead_at IS NULL AND run_at <= :now AND (leased_until IS NULL OR leased_until < :now)"
_LOST = "lost + (leased_until IS NOT NULL)::int"
# Committed without waiting for the disk: a lease that a crash of the database forgets is a job that is free again, and
# whoever works on it all the same is fenced off by its token.
CLAIM = text(f"""
    WITH healthy AS (
        SELECT id FROM jobs WHERE {_DUE} AND {_LOST} < :alone_from
         ORDER BY run_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
    ), suspect AS (
        SELECT id FROM jobs WHERE {_DUE} AND {_LOST} >= :alone_from AND NOT EXISTS (SELECT FROM healthy)
         ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE jobs SET lease = :lease, leased_until = :until, lost = {_LOST}
          FROM set_config('synchronous_commit', 'off', true)
         WHERE id IN (SELECT id FROM healthy UNION ALL SELECT id FROM suspect) RETURNING jobs.*)
    SELECT * FROM claimed ORDER BY run_at, id""")


def claim(kind: str, *, limit: int, lease_s: int) -> Sequence[Job]:
    """Lease up to `limit` due rows, oldest first, in one round trip.

    A row whose worker died twice is claimed alone, when nothing else is due: one poison job takes no others down
    with it. `limit` 0: such a row, whatever else is due.
    """
    now = clock.now()
    with at_once() as session:
        jobs = session.scalars(select(Job).from_statement(CLAIM), {
            "lease": uuid4(), "until": now + timedelta(seconds=lease_s), "kind": kind, "now": now,
            "alone_from": LOST_BEFORE_ALONE, "limit": limit}).all()
    for job in jobs:
        if job.lost > LOST_MAX:
            with transaction() as session:
                bury(session, job, "its worker died with it in hand, again and again")
    return [job for job in jobs if job.dead_at is None]


class LeaseLost(Exception):
    """The lease ran out and somebody else has the job: nothing of ours may be committed."""


def finish(session: Session, jobs: Sequence[Job]) -> None:
    """Move rows to `jobs_done`, fenced by their lease. Raises LeaseLost."""
    if not jobs:
        return
    moved = session.execute(text("""
        WITH gone AS (DELETE FROM jobs WHERE id = ANY(:ids) AND lease = :lease RETURNING *)
        INSERT INTO jobs_done (id, done_at, kind, reference, unique_key, attempts, lost, request_id, created_at)
        SELECT id, :now, kind, reference, unique_key, attempts, lost, request_id, created_at FROM gone
        RETURNING id"""), {"ids": [job.id for job in jobs], "lease": jobs[0].lease, "now": clock.now()})
    if len(moved.all()) != len(jobs):
        raise LeaseLost()


def postpone(session: Session, job: Job, run_at: datetime) -> None:
    """Give the lease back; the row is due again at `run_at`. Raises LeaseLost."""
    postpone_all(session, [(job, run_at)])


def postpone_all(session: Session, later: Sequence[tuple[Job, datetime]]) -> None:
    """The same for jobs of one lease at once. Raises LeaseLost."""
    if not later:
        return
    changed = session.execute(text("""
        UPDATE jobs SET run_at = l.run_at, lease = NULL, leased_until = NULL
          FROM unnest(CAST(:ids AS bigint[]), CAST(:moments AS timestamptz[])) AS l (id, run_at)
         WHERE jobs.id = l.id AND lease = :lease AND dead_at IS NULL RETURNING jobs.id"""),
        {"ids": [job.id for job, _ in later], "moments": [run_at for _, run_at in later], "lease": later[0][0].lease})
    if len(changed.all()) != len(later):
        raise LeaseLost()


def hand_back(jobs: Sequence[Job]) -> None:
    """Give leases back at once, untouched: the worker stops, or the database asked for another try."""
    with transaction() as session:
        session.execute(
            text("UPDATE jobs SET lease = NULL, leased_until = NULL WHERE id = ANY(:ids) AND lease = :lease"),
            {"ids": [job.id for job in jobs], "lease": jobs[0].lease})


def fail(session: Session, job: Job, error: str, *, dead: bool) -> None:
    """Count a try that ended in an error: again after full jitter, or dead. Raises LeaseLost."""
    if dead:
        bury(session, job, error)
        return
    pause = _dice.uniform(0, min(BACKOFF_MAX_S, 2 ** (job.attempts + 1)))
    _fenced(session, job, "attempts = attempts + 1, last_error = :error, run_at = :run_at",
            error=error[:ERROR_MAX], run_at=clock.now() + timedelta(seconds=pause))


def bury(session: Session, job: Job, error: str) -> None:
    """Dead: kept with its last error for staff to retry or drop. Alerts."""
    _fenced(session, job, "attempts = attempts + 1, last_error = :error, dead_at = :now",
            error=error[:ERROR_MAX], now=clock.now())
    job.dead_at = clock.now()
    live.tell(session, "jobs", ())
    log.error("job_dead", kind=job.kind, job=job.id, reference=str(job.reference), error=error[:ERROR_MAX])


def _fenced(session: Session, job: Job, change: str, **values: Any) -> None:
    changed = session.execute(
        text(f"UPDATE jobs SET {change}, lease = NULL, leased_until = NULL"
             " WHERE id = :id AND lease = :lease AND dead_at IS NULL RETURNING id"),
        {"id": job.id, "lease": job.lease, **values})
    if changed.first() is None:
        raise LeaseLost()
