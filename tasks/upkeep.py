"""The desk's own housekeeping: partitions, ended sessions, lanes, robots, and the proof of the books each hour."""
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import approvals, files
from portal.approvals import small_moves
from portal.core import clock, retention, seal_check, seals
from portal.core.db import db
from portal.core.jobs import Claimed, Kind, Outcome, RetryAt, in_slot, register
from portal.ledger import proofs
from portal.ledger import verify as proof
from portal.orders import breaker
from portal.orders import proof as orders_proof
from portal.orders.matching import reservations
from portal.parties import permissions, sessions, token_keys
from portal.reference import pausing, windows
from portal.requisites import hours, lanes, robots

log = structlog.get_logger("upkeep")
DAY_S = 24 * 3600
SEALED_EACH = timedelta(seconds=1)
MONTHS_AHEAD = 3
DAYS_AHEAD = 7
KEYS_KEPT_FOR = timedelta(hours=75)
FORMS_KEPT_FOR = timedelta(days=1)
KEYS_MAX = 50_000
assert orders_proof  # registered its checks of settle entries and holds


def make_partitions(session: Session, jobs: Sequence[Claimed]) -> None:
    """Months ahead for every append-only table; the function runs as the owner."""
    session.execute(text("SELECT make_partitions(:months)"), {"months": MONTHS_AHEAD})


def keep_days(session: Session, jobs: Sequence[Claimed]) -> None:
    """Days ahead for the log of calls, and the end of those that were kept long enough; likewise."""
    session.execute(text("SELECT keep_days(:kept, :ahead)"), {"kept": retention.days("calls"), "ahead": DAYS_AHEAD})


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


def requisite_hours(session: Session, jobs: Sequence[Claimed]) -> None:
    """Whose hours have begun or are over."""
    hours.follow(session)


def plan_bank_windows(session: Session, jobs: Sequence[Claimed]) -> None:
    """Maintenance of banks that begins within a day; that of over a year ago is forgotten."""
    windows.plan(session)
    windows.forget(session)


def watch_banks(session: Session, jobs: Sequence[Claimed]) -> None:
    """A bank through which hardly anything comes stands still for a while."""
    for bank in breaker.watch(session):
        log.warning("bank_stands_still", bank=bank)


def sweep_files(session: Session, jobs: Sequence[Claimed]) -> None:
    """Uploads of yesterday that nobody sent, and bytes that no row knows of."""
    files.sweep(session)
    try:
        files.sweep_orphans(session)
    except files.StorageAway:
        log.warning("storage_away")  # the next hour sweeps on


def sweep_kept_amounts(session: Session, jobs: Sequence[Claimed]) -> None:
    """Amounts whose payers can no longer be late."""
    reservations.sweep(session)


def prove_ledger(session: Session, jobs: Sequence[Claimed]) -> None:
    """What has changed since the proof before, or the whole once a day and while a finding stands."""
    _prove(session, whole=proofs.whole_is_due(session, clock.now()))


def prove_whole_ledger(session: Session, jobs: Sequence[Claimed]) -> None:
    """Somebody asked for it."""
    _prove(session, whole=True)


def _prove(session: Session, *, whole: bool) -> None:
    """The books recomputed, on a snapshot of its own connection; the result is kept, a difference alerts.

    The transaction of `session`, in which the job is finished, is idle meanwhile: the worker's patience with idle ones
    is shorter than a proof of long books, so this one may be idle for as long as it takes.
    """
    began_at, since = clock.now(), None if whole else proofs.mark(session)
    session.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)"))
    with Session(db.engine) as snapshot:
        report = proof.run(snapshot, since=since)
    proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="upkeep")


def seal_audit(session: Session, jobs: Sequence[Claimed]) -> Outcome:
    """What is surely complete of audit and orders' steps, each second: one job a minute that comes back to it."""
    seals.seal(session)
    again = clock.now() + SEALED_EACH
    return {job.id: RetryAt(again) for job in jobs if in_slot(job, again)}


def watch_seals(session: Session, jobs: Sequence[Claimed]) -> None:
    """Alerts while rows wait for their seal for longer than they should."""
    found = seals.state(session)
    if found.late:
        log.error("audit_seals_late", waiting_since=clock.rfc3339(found.waiting_since))


def prove_audit(session: Session, jobs: Sequence[Claimed]) -> None:
    """Every sealed row against its seal; kept as proofs of the books are."""
    began_at = clock.now()
    session.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)"))
    with Session(db.engine) as snapshot:
        found = seal_check.check(snapshot)
    report = proof.Report([proof.Result(proofs.AUDIT, found.rows, found.wrong[:proof.SHOWN_MAX])], "audit")
    proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="upkeep")


def expire_permissions(session: Session, jobs: Sequence[Claimed]) -> None:
    """Rights given for a time: they count no more at once, and their rows go within a quarter of an hour."""
    permissions.expire(session)


def change_token_keys(session: Session, jobs: Sequence[Claimed]) -> None:
    """The next key that access tokens are signed with is shown in time; old ones go."""
    token_keys.ensure(session)


def ensure_robots(session: Session, jobs: Sequence[Claimed]) -> None:
    """Test orders find a robot: at once after a store's terms, within a minute after a new method."""
    robots.ensure_all(session)


register(
    Kind("make_partitions", make_partitions, every_s=DAY_S),
    Kind("keep_days", keep_days, every_s=3600),
    Kind("sweep_sessions", sweep_sessions, every_s=3600),
    Kind("forget_idempotency_keys", forget_idempotency_keys, every_s=600),
    Kind("sweep_kept_amounts", sweep_kept_amounts, every_s=600),
    Kind("expire_approvals", approvals.expire, every_s=60, batch_max=1),
    Kind("forget_small_moves", small_moves.forget, every_s=600, batch_max=1),
    Kind("change_token_keys", change_token_keys, every_s=3600, batch_max=1),
    Kind("expire_permissions", expire_permissions, every_s=900),
    Kind("sweep_files", sweep_files, every_s=3600),
    Kind(pausing.JOB, pausing.end_in_time),
    Kind("requisite_hours", requisite_hours, every_s=60, batch_max=1),
    Kind("plan_bank_windows", plan_bank_windows, every_s=600, batch_max=1),
    Kind("watch_banks", watch_banks, every_s=120, batch_max=1),
    Kind("rebuild_lanes", lanes.rebuild_for_jobs),
    Kind("ensure_robots", ensure_robots, every_s=60),
    Kind("prove_ledger", prove_ledger, lease_s=1800, attempts_max=3, every_s=3600),
    Kind("seal_audit", seal_audit, every_s=60, batch_max=1, drains_max=1),
    Kind("watch_seals", watch_seals, every_s=60),
    Kind(proofs.AUDIT_JOB, prove_audit, lease_s=1800, attempts_max=3, every_s=DAY_S),
    Kind(proofs.WHOLE, prove_whole_ledger, lease_s=1800, attempts_max=3),
)
