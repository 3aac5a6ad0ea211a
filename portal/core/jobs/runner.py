"""Doing work: a batch in one transaction; on an error each alone, and that one's try is counted.

What is not the work's fault is no try: a database that went away, a lock that somebody held, a lease that ran out.
"""
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from portal.core import clock, metrics, request_log, tracing
from portal.core.db import db, must_retry, transaction
from portal.core.errors import DatabaseUnavailable, LockTimeout
from portal.core.jobs.enqueueing import note_poll, poke, reopen_wakeups
from portal.core.jobs.lease_renewal import in_hand
from portal.core.jobs.leases import (
    ERROR_MAX,
    Claimed,
    LeaseLost,
    claim,
    fail,
    finish,
    hand_back,
    postpone,
    postpone_all,
)
from portal.core.jobs.registry import KINDS, OUTSIDE, Kind
from portal.core.pipeline import commit, pipelined

log = structlog.get_logger("jobs")
DRAIN_FOR_S = 5  # then hand the thread back; the next wake-up goes on
BUSY_PAUSE_S = 1.0  # before the next look at something that others are changing
AWAY_MAX_S = 10.0  # how long to wait for a database that went away, to give leases back at once
AWAY_PAUSE_S = 0.5


_stopping: Callable[[], bool] | None = None


def stop_when(asked: Callable[[], bool]) -> None:
    """The worker says how to learn that it was asked to stop: no batch is taken after that."""
    global _stopping
    _stopping = asked


def run(kind_name: str, *, for_s: float = DRAIN_FOR_S) -> int:
    """Claim and do due work of a kind until there is none, or the time is up. Returns how many were done.

    Nobody need wake who is at work. Before the last look, the one that finds nothing, wake-ups are listened to again.
    """
    if kind_name in OUTSIDE:
        reopen_wakeups(kind_name)
        return OUTSIDE[kind_name]()
    kind, done, listening = KINDS[kind_name], 0, False
    deadline = clock.now() + timedelta(seconds=for_s)
    while (_stopping is None or not _stopping()) and clock.now() <= deadline:
        note_poll(kind.name)
        claimed = _claim(kind)
        if claimed:
            listening = False
            if len(claimed) == kind.batch_max:
                note_poll(kind.name, behind=True)
                reopen_wakeups(kind.name)
                poke(kind.name)
            with in_hand(claimed[0].lease, [job.id for job in claimed], lease_s=kind.lease_s):
                done += _do(kind, claimed)
        elif listening:
            return done
        else:
            reopen_wakeups(kind.name)
            listening = True
    note_poll(kind.name)
    reopen_wakeups(kind.name)
    poke(kind.name)  # there may be more: for another worker, or for the next turn of this one
    return done


def _claim(kind: Kind) -> Sequence[Claimed]:
    """Once more on a fresh connection: the ones at hand may be of a server that is gone, while another is there."""
    lease = uuid4()
    try:
        return claim(kind.name, limit=kind.batch_max, lease_s=kind.lease_s, lease=lease)
    except DatabaseUnavailable:
        return claim(kind.name, limit=kind.batch_max, lease_s=kind.lease_s, lease=lease, again=True)


def _do(kind: Kind, jobs: Sequence[Claimed]) -> int:
    try:
        return _together_or_alone(kind, jobs)
    except DatabaseUnavailable:
        _hand_back_when_it_returns(jobs)  # of a batch that fell apart too, those whose turn never came
        raise


def _together_or_alone(kind: Kind, jobs: Sequence[Claimed]) -> int:
    try:
        return _attempt(kind, jobs)
    except DatabaseUnavailable:
        raise
    except Exception as error:  # whatever the work raises: each alone then, and that one's try is counted
        if len(jobs) > 1:
            log.warning("batch_failed", kind=kind.name, jobs=len(jobs), error=repr(error)[:ERROR_MAX])
            return sum(_together_or_alone(kind, [job]) for job in jobs)
        if isinstance(error, LeaseLost):
            log.warning("lease_lost", kind=kind.name, job=jobs[0].id)
        elif must_retry(error):
            hand_back(jobs)
        elif isinstance(error, LockTimeout):
            _look_again_soon(jobs[0])
        else:
            _record_failure(kind, jobs[0], error)
        return 0


def _hand_back_when_it_returns(jobs: Sequence[Claimed]) -> None:
    """After a restart of the database nobody need wait for these leases to run out. Done already? Then nothing."""
    until = time.monotonic() + AWAY_MAX_S
    while True:
        try:
            hand_back(jobs)
            return
        except DatabaseUnavailable:
            db.session.remove()
            if time.monotonic() > until:
                return
        time.sleep(AWAY_PAUSE_S)


def _look_again_soon(job: Claimed) -> None:
    log.warning("busy", kind=job.kind, job=job.id)
    with suppress(LeaseLost), transaction() as session:
        postpone(session, job, clock.now() + timedelta(seconds=BUSY_PAUSE_S))


def _attempt(kind: Kind, jobs: Sequence[Claimed]) -> int:
    begun = time.perf_counter()
    asked = tracing.origin(jobs[0].request_id) if len(jobs) == 1 else None
    with (structlog.contextvars.bound_contextvars(kind=kind.name, **({"request_id": asked} if asked else {})),
          tracing.working(kind.name, jobs) as traced, request_log.on_behalf_of(_each(jobs) | traced)):
        with transaction() as session, pipelined(session):
            later = kind.work(session, jobs) or {}
            session.flush()
            finish(session, [job for job in jobs if job.id not in later])
            postpone_all(session, [(job, later[job.id].run_at) for job in jobs if job.id in later])
            commit(session)
        db.session.remove()
        metrics.BATCHES.labels(kind.name).observe(time.perf_counter() - begun)
        metrics.DONE.labels(kind.name).inc(len(jobs) - len(later))
        log.info("jobs_done", jobs=len(jobs), postponed=len(later))
        return len(jobs) - len(later)


def _each(jobs: Sequence[Claimed]) -> dict[UUID, str]:
    """Who promised what of a batch, by reference; one alone is bound to its request."""
    return {job.reference: job.request_id for job in jobs if job.reference and job.request_id} if len(jobs) > 1 else {}


def _record_failure(kind: Kind, job: Claimed, error: BaseException) -> None:
    dead = job.attempts + 1 >= kind.attempts_max
    metrics.FAILED.labels(kind.name).inc()
    with structlog.contextvars.bound_contextvars(kind=kind.name, job=job.id, request_id=tracing.origin(job.request_id)):
        log.error("job_failed", attempt=job.attempts + 1, dead=dead, exc_info=error)
        try:
            with transaction() as session:
                latest = None
                if kind.failed is not None:
                    latest = kind.failed(session, job, error, dead)
                    session.flush()
                fail(session, job, repr(error), dead=dead, latest=latest)
        except LeaseLost:
            log.warning("lease_lost")
