"""Doing work: a batch in one transaction; on an error each alone, and that one's try is counted."""
from collections.abc import Sequence
from datetime import timedelta

import structlog

from portal.core import clock
from portal.core.db import db, must_retry, transaction
from portal.core.jobs.kinds import KINDS, OUTSIDE, Kind
from portal.core.jobs.leases import ERROR_MAX, LeaseLost, claim, fail, finish, hand_back, postpone
from portal.core.jobs.models import Job
from portal.core.jobs.promises import poke

log = structlog.get_logger("jobs")
DRAIN_FOR_S = 5  # then hand the thread back; the next wake-up goes on


def run(kind_name: str, *, for_s: float = DRAIN_FOR_S) -> int:
    """Claim and do due work of a kind until there is none, or the time is up. Returns how many were done."""
    if kind_name in OUTSIDE:
        return OUTSIDE[kind_name]()
    kind, done = KINDS[kind_name], 0
    deadline = clock.now() + timedelta(seconds=for_s)
    while True:
        claimed = claim(kind.name, limit=kind.batch_max, lease_s=kind.lease_s) \
            or claim(kind.name, limit=1, lease_s=kind.lease_s, alone=True)
        if not claimed:
            return done
        done += _do(kind, claimed)
        if clock.now() > deadline:
            poke(kind.name)
            return done


def _do(kind: Kind, jobs: Sequence[Job]) -> int:
    try:
        return _attempt(kind, jobs)
    except Exception as error:  # whatever the work raises: each alone then, and that one's try is counted
        if len(jobs) > 1:
            log.warning("batch_failed", kind=kind.name, jobs=len(jobs), error=repr(error)[:ERROR_MAX])
            return sum(_do(kind, [job]) for job in jobs)
        if must_retry(error):
            hand_back(jobs)
        else:
            _record_failure(kind, jobs[0], error)
        return 0


def _attempt(kind: Kind, jobs: Sequence[Job]) -> int:
    with structlog.contextvars.bound_contextvars(
            kind=kind.name, **({"request_id": jobs[0].request_id} if len(jobs) == 1 and jobs[0].request_id else {})):
        with transaction() as session:
            later = kind.work(session, jobs) or {}
            session.flush()
            finish(session, [job for job in jobs if job.id not in later])
            for job in jobs:
                if job.id in later:
                    postpone(session, job, later[job.id].run_at)
        db.session.remove()
        log.info("jobs_done", jobs=len(jobs), postponed=len(later))
        return len(jobs) - len(later)


def _record_failure(kind: Kind, job: Job, error: BaseException) -> None:
    dead = job.attempts + 1 >= kind.attempts_max
    with structlog.contextvars.bound_contextvars(kind=kind.name, job=job.id, request_id=job.request_id):
        log.error("job_failed", attempt=job.attempts + 1, dead=dead, exc_info=error)
        try:
            with transaction() as session:
                if kind.failed is not None:
                    kind.failed(session, job, error, dead)
                    session.flush()
                fail(session, job, repr(error), dead=dead)
        except LeaseLost:
            log.warning("lease_lost")
