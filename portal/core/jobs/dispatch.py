"""What the dispatcher looks for each second: due work, recurring work, work of a kind nobody knows."""
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from portal.core import clock, page_events
from portal.core.jobs.enqueueing import enqueue, wake
from portal.core.jobs.leases import Claimed
from portal.core.jobs.models import JobSlot
from portal.core.jobs.registry import KINDS, OUTSIDE

UNKNOWN_FOR = timedelta(minutes=30)
log = structlog.get_logger("jobs")


def due_kinds(session: Session) -> list[str]:
    """Known kinds with work that nobody holds: one index probe a kind."""
    rows = session.execute(text("""
        SELECT kind FROM unnest(CAST(:kinds AS text[])) AS kind
        WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.kind = kind.kind AND dead_at IS NULL AND run_at <= :now
                      AND (leased_until IS NULL OR leased_until < :now))"""),
        {"kinds": [*KINDS, *OUTSIDE], "now": clock.now()})
    return list(rows.scalars())


def bury_unknown(session: Session) -> int:
    """Rows of a kind that this release does not know are dead, not dropped. Returns how many.

    Not before they are UNKNOWN_FOR overdue: in a rolling upgrade the next release knows what it promised, and does it.
    """
    rows = session.execute(text("""
        UPDATE jobs SET dead_at = :now, last_error = 'unknown kind'
        WHERE id IN (SELECT id FROM jobs WHERE dead_at IS NULL AND run_at <= :before AND NOT kind = ANY(:kinds)
                     ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id, kind"""),
        {"now": clock.now(), "before": clock.now() - UNKNOWN_FOR, "kinds": [*KINDS, *OUTSIDE]}).all()
    for row in rows:
        log.error("job_dead", kind=row.kind, job=row.id, error="unknown kind")
    if rows:
        page_events.tell(session, "jobs", ())
    return len(rows)


def enqueue_recurring(session: Session) -> None:
    """Turn the present slot of each recurring kind into a job, once however many dispatchers run."""
    for kind in KINDS.values():
        if kind.every_s is None:
            continue
        now = clock.now()
        slot = int(now.timestamp()) // kind.every_s
        made = session.execute(upsert(JobSlot).values(kind=kind.name, slot=slot, turned_at=now)
                               .on_conflict_do_update(index_elements=["kind"], set_={"slot": slot, "turned_at": now},
                                                      where=JobSlot.slot < slot).returning(JobSlot.slot))
        if made.first() is not None:
            enqueue(session, kind.name, key=f"slot:{slot}")


def bring_back(session: Session, by: timedelta) -> int:
    """A clock was so far ahead for a while and is back: what was promised by it is due sooner, and slots of the future
    are turned anew. How many jobs.

    Of the future is what the database's clock, too, says is: one that fell behind makes nothing early.
    """
    future = {"by": by, "now": clock.now(), "step": timedelta(seconds=clock.STEP_S)}
    kinds = session.scalars(text("""
        UPDATE jobs SET run_at = run_at - :by, created_at = created_at - :by
         WHERE created_at > greatest(:now, now()) + :step AND dead_at IS NULL RETURNING kind"""), future).all()
    session.execute(text("""
        UPDATE job_slots SET slot = 0, turned_at = :now WHERE turned_at > greatest(:now, now()) + :step"""),
        {"now": future["now"], "step": future["step"]})
    for kind in set(kinds):
        wake(session, kind)
    return len(kinds)


def in_slot(job: Claimed, at: datetime) -> bool:
    """Whether a recurring job would still be of its slot then; else the next one takes over."""
    every_s = KINDS[job.kind].every_s
    assert every_s is not None
    return int(at.timestamp()) // every_s <= int(job.unique_key.removeprefix("slot:"))
