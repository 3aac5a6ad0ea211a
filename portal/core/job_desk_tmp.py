"""Work promised inside a transaction and done after it. PostgreSQL is the only queue of record.

A `jobs` row is written by `promise` in the transaction that needs the work. A Huey message is only a wake-up:
`run` claims due rows of a kind under a lease, works, and finishes effects and rows in one transaction fenced by the
lease's token, so that a worker that was killed, or was too slow, leaves nothing half done and nothing done twice.
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.columns import Serial
from portal.core.db import Base, after_commit, db, must_retry, transaction

log = structlog.get_logger("jobs")
LOST_BEFORE_ALONE = 2  # a worker died twice with it in hand: it may be the one that kills
LOST_MAX = 12
BACKOFF_MAX_S = 300
DRAIN_FOR_S = 5  # then hand the thread back; the next wake-up goes on
ERROR_MAX = 2000
_dice = SystemRandom()


class Job(Base):
    """One piece of work: ids only. A finished row moves to `jobs_done`, so the unique key holds among live rows."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "unique_key"),
        # what is due of a kind, oldest first (claim, dispatcher)
        Index("ix_jobs_due", "kind", "run_at", "id", postgresql_where=text("dead_at IS NULL")),
        Index("ix_jobs_dead", "dead_at", "id", postgresql_where=text("dead_at IS NOT NULL")),  # the jobs page
        {"postgresql_with": {"fillfactor": 70}},
    )
    id: Mapped[Serial]
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[UUID | None]
    unique_key: Mapped[str] = mapped_column(Text)
    lane: Mapped[str | None] = mapped_column(Text)  # work that must not crowd out other work of its kind: an endpoint
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")  # tries that ended in an error
    lost: Mapped[int] = mapped_column(default=0, server_default="0")  # leases that ran out
    lease: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class DoneJob(Base):
    """What was done, by month; detached and archived later."""

    __tablename__ = "jobs_done"
    __table_args__ = (
        PrimaryKeyConstraint("id", "done_at"),
        Index("ix_jobs_done_reference", "reference"),
        {"postgresql_partition_by": "RANGE (done_at)"},
    )
    id: Mapped[int] = mapped_column(BigInteger)
    done_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[UUID | None]
    unique_key: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    lost: Mapped[int]
    request_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class JobSlot(Base):
    """The newest slot of a recurring kind that was turned into a job, so that two dispatchers make it once."""

    __tablename__ = "job_slots"
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True)
class Later:
    """Not done and no error either (no candidate just now): come back at `run_at`."""

    run_at: datetime


Outcome = Mapping[int, Later] | None  # by job id; a job that is not named is done
Work = Callable[[Session, Sequence[Job]], Outcome]


@dataclass(frozen=True)
class Kind:
    """How one kind of work is done. `failed` runs in the transaction that records a failed try.

    `work` gets a batch inside one transaction and must be safe to be run twice.
    """

    name: str
    work: Work
    batch_max: int = 50
    lease_s: int = 30
    attempts_max: int = 10
    every_s: int | None = None  # recurring
    failed: Callable[[Session, Job, BaseException, bool], None] | None = None  # (session, job, error, dead)


KINDS: dict[str, Kind] = {}
# kinds that call outside the desk claim and finish by rules of their own: kind → drain, returns how many were done
OUTSIDE: dict[str, Callable[[], int]] = {}


def register(*kinds: Kind) -> None:
    KINDS.update({kind.name: kind for kind in kinds})


def register_outside(kind: str, drain: Callable[[], int]) -> None:
    """A kind whose work calls other systems: no transaction may be open while it does."""
    OUTSIDE[kind] = drain


_poke: Callable[[str], None] = lambda kind: None  # noqa: E731


def poke_with(poke: Callable[[str], None]) -> None:
    """The application factory says how a kind's workers are woken (Huey); best effort, must never raise."""
    global _poke
    _poke = poke


def poke(kind: str) -> None:
    _poke(kind)


def promise(session: Session, kind: str, reference: UUID | None = None, *, key: str | None = None,
            run_at: datetime | None = None, lane: str | None = None) -> None:
    """Have `kind` done for `reference` after this transaction, at `run_at` or at once.

    `key` (default: the reference) is unique among the kind's live rows; a second promise of it changes nothing.
    """
    promise_all(session, kind, [(reference, key, lane)], run_at=run_at)


def promise_all(session: Session, kind: str, wanted: Iterable[tuple[UUID | None, str | None, str | None]], *,
                run_at: datetime | None = None) -> None:
    """As `promise` for many at once: (reference, key, lane)."""
    now = clock.now()
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    rows = [{"kind": kind, "reference": reference, "unique_key": key or str(reference), "lane": lane,
             "run_at": run_at or now, "request_id": request_id, "created_at": now}
            for reference, key, lane in wanted]
    if not rows:
        return
    session.execute(upsert(Job).values(rows).on_conflict_do_nothing(index_elements=["kind", "unique_key"]))
    if run_at is None or run_at <= now:
        wake(session, kind)


def wake(session: Session, kind: str) -> None:
    """Poke the kind's workers once when this transaction has committed."""
    woken: set[str] = session.info.setdefault("woken", set())
    if kind not in woken:
        woken.add(kind)
        after_commit(session, lambda: _wake_now(woken, kind))


def _wake_now(woken: set[str], kind: str) -> None:
    woken.discard(kind)
    poke(kind)


def withdraw(session: Session, kind: str, key: str) -> None:
    """Take back a promise that nobody is working on. Work must be harmless when it comes all the same."""
    session.execute(text("DELETE FROM jobs WHERE kind = :kind AND unique_key = :key AND lease IS NULL"),
                    {"kind": kind, "key": key})


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


def claim(kind: str, *, limit: int, lease_s: int, alone: bool = False) -> Sequence[Job]:
    """Lease up to `limit` due rows in one UPDATE with a commit of its own.

    Rows whose worker died twice are claimed `alone`, so that one poison job takes no others down with it.
    """
    now = clock.now()
    with transaction() as session:
        rows = session.execute(text(f"""
            UPDATE jobs SET lease = :lease, leased_until = :until, lost = lost + (leased_until IS NOT NULL)::int
            WHERE id IN (SELECT id FROM jobs
                         WHERE kind = :kind AND dead_at IS NULL AND run_at <= :now
                           AND (leased_until IS NULL OR leased_until < :now)
                           AND lost + (leased_until IS NOT NULL)::int {'>=' if alone else '<'} :alone_from
                         ORDER BY run_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING id"""), {"lease": uuid4(), "until": now + timedelta(seconds=lease_s), "kind": kind, "now": now,
                               "alone_from": LOST_BEFORE_ALONE, "limit": limit}).scalars().all()
        if not rows:
            return []
        jobs = session.query(Job).where(Job.id.in_(rows)).order_by(Job.run_at, Job.id).populate_existing().all()
        for job in jobs:
            if job.lost > LOST_MAX:
                bury(session, job, "its worker died with it in hand, again and again")
        session.expunge_all()
    return [job for job in jobs if job.dead_at is None]


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
    _fenced(session, job, "run_at = :run_at", run_at=run_at)


def hand_back(jobs: Sequence[Job]) -> None:
    """Give leases back at once, untouched: the worker stops, or the database asked for another try."""
    with transaction() as session:
        session.execute(text("UPDATE jobs SET lease = NULL, leased_until = NULL WHERE id = ANY(:ids) AND lease = :lease"),
                        {"ids": [job.id for job in jobs], "lease": jobs[0].lease})


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
    log.error("job_dead", kind=job.kind, job=job.id, reference=str(job.reference), error=error[:ERROR_MAX])


def _fenced(session: Session, job: Job, change: str, **values: Any) -> None:
    changed = session.execute(
        text(f"UPDATE jobs SET {change}, lease = NULL, leased_until = NULL"
             " WHERE id = :id AND lease = :lease AND dead_at IS NULL RETURNING id"),
        {"id": job.id, "lease": job.lease, **values})
    if changed.first() is None:
        raise LeaseLost()


def due_kinds(session: Session) -> list[str]:
    """Known kinds with work that nobody holds: one index probe a kind."""
    rows = session.execute(text("""
        SELECT kind FROM unnest(CAST(:kinds AS text[])) AS kind
        WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.kind = kind.kind AND dead_at IS NULL AND run_at <= :now
                      AND (leased_until IS NULL OR leased_until < :now))"""),
        {"kinds": [*KINDS, *OUTSIDE], "now": clock.now()})
    return list(rows.scalars())


def bury_unknown(session: Session) -> int:
    """Rows of a kind that this release does not know are dead, not dropped. Returns how many."""
    rows = session.execute(text("""
        UPDATE jobs SET dead_at = :now, last_error = 'unknown kind'
        WHERE id IN (SELECT id FROM jobs WHERE dead_at IS NULL AND NOT kind = ANY(:kinds)
                     ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id, kind"""),
        {"now": clock.now(), "kinds": [*KINDS, *OUTSIDE]}).all()
    for row in rows:
        log.error("job_dead", kind=row.kind, job=row.id, error="unknown kind")
    return len(rows)


def promise_recurring(session: Session) -> None:
    """Turn the present slot of each recurring kind into a job, once however many dispatchers run."""
    for kind in KINDS.values():
        if kind.every_s is None:
            continue
        slot = int(clock.now().timestamp()) // kind.every_s
        made = session.execute(upsert(JobSlot).values(kind=kind.name, slot=slot)
                               .on_conflict_do_update(index_elements=["kind"], set_={"slot": slot},
                                                      where=JobSlot.slot < slot).returning(JobSlot.slot))
        if made.first() is not None:
            promise(session, kind.name, key=f"slot:{slot}")


def dead_count(session: Session) -> int:
    return session.query(func.count()).select_from(Job).where(Job.dead_at.is_not(None)).scalar() or 0


__all__ = ["KINDS", "OUTSIDE", "Job", "Kind", "Later", "LeaseLost", "bury_unknown", "claim", "dead_count",
           "due_kinds", "fail", "finish", "hand_back", "poke", "poke_with", "postpone", "promise",
           "promise_all", "promise_recurring", "register", "register_outside", "run", "wake", "withdraw"]
