"""Taking work and giving it back: a lease with a token that fences every change of the row."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock, page_events
from portal.core.db import engine, transaction, translated
from portal.core.errors import judges
from portal.core.jobs.models import Job
from portal.core.pipeline import array, autocommit, queue

log = structlog.get_logger("jobs")
LOST_BEFORE_ALONE = 2  # a worker died twice with it in hand: it may be the one that kills
LOST_MAX = 12
BACKOFF_MAX_S = 300
ERROR_MAX = 2000
_dice = SystemRandom()


class Claimed(NamedTuple):
    """A job in hand, as it was when it was claimed."""

    id: int
    kind: str
    reference: UUID | None
    unique_key: str
    attempts: int
    lost: int
    lease: UUID
    request_id: str | None

    @classmethod
    def of(cls, job: Job) -> "Claimed":
        """For who has claimed it with a statement of its own."""
        assert job.lease is not None
        return cls(job.id, job.kind, job.reference, job.unique_key, job.attempts, job.lost, job.lease, job.request_id)


# The values as sub-selects: PostgreSQL would plan this anew for each of them, for longer than it takes to do it.
_NOW = "(SELECT %(now)s::timestamptz)"
_DUE = (f"kind = (SELECT %(kind)s) AND dead_at IS NULL AND run_at <= {_NOW}"
        f" AND (leased_until IS NULL OR leased_until < {_NOW})")
_LOST = "lost + (leased_until IS NOT NULL)::int"
# Committed without waiting for the disk: a lease that a crash of the database forgets is a job that is free again, and
# whoever works on it all the same is fenced off by its token.
CLAIM = f"""
    WITH healthy AS (
        SELECT id FROM jobs WHERE {_DUE} AND {_LOST} < %(alone_from)s
         ORDER BY run_at, id LIMIT (SELECT %(limit)s::int) FOR UPDATE SKIP LOCKED
    ), suspect AS (
        SELECT id FROM jobs WHERE {_DUE} AND {_LOST} >= %(alone_from)s AND NOT EXISTS (SELECT FROM healthy)
         ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE jobs SET lease = %(lease)s, leased_until = %(until)s, lost = {_LOST}
          FROM set_config('synchronous_commit', 'off', true)
         WHERE id IN (SELECT id FROM healthy UNION ALL SELECT id FROM suspect) RETURNING jobs.*)
    SELECT {", ".join(Claimed._fields)} FROM claimed ORDER BY run_at, id"""
# Refuses by itself to have lost its lease, so that the commit may be sent along.
FINISH = """
    WITH wanted AS MATERIALIZED (SELECT %(ids)s::bigint[] AS ids), gone AS (
        DELETE FROM jobs WHERE id = ANY((SELECT ids FROM wanted)::bigint[]) AND lease = %(lease)s RETURNING *
    ), moved AS (
        INSERT INTO jobs_done (id, done_at, kind, reference, unique_key, attempts, lost, request_id, created_at)
        SELECT id, %(now)s, kind, reference, unique_key, attempts, lost, request_id, created_at FROM gone
        RETURNING id
    )
    SELECT lease_kept(count(*) = (SELECT cardinality(ids) FROM wanted)) FROM moved"""


HELD = f"SELECT {', '.join(Claimed._fields)} FROM jobs WHERE kind = %(kind)s AND lease = %(lease)s ORDER BY run_at, id"


def claim(kind: str, *, limit: int, lease_s: int, lease: UUID | None = None, again: bool = False) -> Sequence[Claimed]:
    """Lease up to `limit` due rows, oldest first, in one round trip.

    A row whose worker died twice is claimed alone, when nothing else is due: one poison job takes no others down
    with it. `limit` 0: such a row, whatever else is due.
    `again`: the answer to a claim under this lease was lost; what it got is found before anything else is claimed.
    """
    now = clock.now()
    asked = {"lease": lease or uuid4(), "until": now + timedelta(seconds=lease_s), "kind": kind, "now": now,
             "alone_from": LOST_BEFORE_ALONE, "limit": limit}
    with translated():
        found = autocommit(engine(), HELD, asked) if again else []
        jobs = [Claimed(*row) for row in found or autocommit(engine(), CLAIM, asked)]
    for job in jobs:
        if job.lost > LOST_MAX:
            with transaction() as session:
                bury(session, job, "its worker died with it in hand, again and again")
    return [job for job in jobs if job.lost <= LOST_MAX]


class LeaseLost(Exception):
    """The lease ran out and somebody else has the job: nothing of ours may be committed."""


judges({"lease_kept": LeaseLost})


def finish(session: Session, jobs: Sequence[Claimed]) -> None:
    """Move rows to `jobs_done`, fenced by their lease. Raises LeaseLost, when the transaction ends at the latest."""
    if jobs:
        queue(session, FINISH, {
            "ids": array(job.id for job in jobs), "lease": jobs[0].lease, "now": clock.now()})


def postpone(session: Session, job: Claimed, run_at: datetime) -> None:
    """Give the lease back; the row is due again at `run_at`. Raises LeaseLost."""
    postpone_all(session, [(job, run_at)])


def postpone_all(session: Session, later: Sequence[tuple[Claimed, datetime]]) -> None:
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


def hand_back(jobs: Sequence[Claimed]) -> None:
    """Give leases back at once, untouched: the worker stops, or the database asked for another try."""
    with transaction() as session:
        session.execute(
            text("UPDATE jobs SET lease = NULL, leased_until = NULL WHERE id = ANY(:ids) AND lease = :lease"),
            {"ids": [job.id for job in jobs], "lease": jobs[0].lease})


def fail(session: Session, job: Claimed, error: str, *, dead: bool, latest: datetime | None = None) -> None:
    """Count a try that ended in an error: again after full jitter, by `latest`, or dead. Raises LeaseLost."""
    if dead:
        bury(session, job, error)
        return
    run_at = clock.now() + timedelta(seconds=_dice.uniform(0, min(BACKOFF_MAX_S, 2 ** (job.attempts + 1))))
    _fenced(session, job, "attempts = attempts + 1, last_error = :error, run_at = :run_at",
            error=error[:ERROR_MAX], run_at=min(run_at, latest or run_at))


def bury(session: Session, job: Claimed, error: str) -> None:
    """Dead: kept with its last error for staff to retry or drop. Alerts."""
    _fenced(session, job, "attempts = attempts + 1, last_error = :error, dead_at = :now",
            error=error[:ERROR_MAX], now=clock.now())
    page_events.tell(session, "jobs", ())
    log.error("job_dead", kind=job.kind, job=job.id, reference=str(job.reference), error=error[:ERROR_MAX])


def _fenced(session: Session, job: Claimed, change: str, **values: Any) -> None:
    changed = session.execute(
        text(f"UPDATE jobs SET {change}, lease = NULL, leased_until = NULL"
             " WHERE id = :id AND lease = :lease AND dead_at IS NULL RETURNING id"),
        {"id": job.id, "lease": job.lease, **values})
    if changed.first() is None:
        raise LeaseLost()
