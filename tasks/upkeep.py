"""The desk's own housekeeping: partitions, ended sessions, lanes, robots, and the proof of the books each hour."""
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import files
from portal.core import clock
from portal.core.db import db
from portal.core.jobs import Claimed, Kind, register
from portal.ledger import proofs
from portal.ledger import verify as proof
from portal.orders import proof as orders_proof
from portal.orders.matching import reservations
from portal.parties import sessions
from portal.reference import pausing
from portal.requisites import lanes, robots

DAY_S = 24 * 3600
MONTHS_AHEAD = 3
KEYS_KEPT_FOR = timedelta(hours=75)
FORMS_KEPT_FOR = timedelta(days=1)
KEYS_MAX = 50_000
assert orders_proof  # registered its checks of settle entries and holds


def make_partitions(session: Session, jobs: Sequence[Claimed]) -> None:
    """Months ahead for every append-only table; the function runs as the owner."""
    session.execute(text("SELECT make_partitions(:months)"), {"months": MONTHS_AHEAD})


def sweep_sessions(session: Session, jobs: Sequence[Claimed]) -> None:
    """Forget sessions that ended long ago."""
    sessions.sweep(session)


def forget_idempotency_keys(session: Session, jobs: Sequence[Claimed]) -> None:
    """Answers kept for a store's key are promised for 72 hours, those of a page's form for a day; a bounded number
    at a time."""
    session.execute(text("""DELETE FROM idempotency_keys WHERE (store_id, live, method, path, key) IN (
        SELECT store_id, live, method, path, key FROM idempotency_keys WHERE created_at < :before
        ORDER BY created_at LIMIT :limit)"""), {"before": clock.now() - KEYS_KEPT_FOR, "limit": KEYS_MAX})
    session.execute(text("""DELETE FROM form_keys WHERE (user_id, path, key) IN (
        SELECT user_id, path, key FROM form_keys WHERE created_at < :before
        ORDER BY created_at LIMIT :limit)"""), {"before": clock.now() - FORMS_KEPT_FOR, "limit": KEYS_MAX})


def sweep_files(session: Session, jobs: Sequence[Claimed]) -> None:
    """Uploads of yesterday that nobody sent."""
    files.sweep(session)


def sweep_kept_amounts(session: Session, jobs: Sequence[Claimed]) -> None:
    """Amounts whose payers can no longer be late."""
    reservations.sweep(session)


def prove_ledger(session: Session, jobs: Sequence[Claimed]) -> None:
    """The whole books recomputed, on a snapshot of its own connection; the result is kept, a difference alerts.

    The transaction of `session`, in which the job is finished, is idle meanwhile: the worker's patience with idle ones
    is shorter than a proof of long books, so this one may be idle for as long as it takes.
    """
    began_at = clock.now()
    session.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)"))
    with Session(db.engine) as snapshot:
        report = proof.run(snapshot)
    proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="upkeep")


def ensure_robots(session: Session, jobs: Sequence[Claimed]) -> None:
    """A new store's test orders, and those of a new method, find a robot within a minute."""
    robots.ensure_all(session)


register(
    Kind("make_partitions", make_partitions, every_s=DAY_S),
    Kind("sweep_sessions", sweep_sessions, every_s=3600),
    Kind("forget_idempotency_keys", forget_idempotency_keys, every_s=600),
    Kind("sweep_kept_amounts", sweep_kept_amounts, every_s=600),
    Kind("sweep_files", sweep_files, every_s=3600),
    Kind(pausing.JOB, pausing.end_in_time),
    Kind("rebuild_lanes", lanes.rebuild_for_jobs),
    Kind("ensure_robots", ensure_robots, every_s=60),
    Kind("prove_ledger", prove_ledger, lease_s=1800, attempts_max=3, every_s=3600),
)
