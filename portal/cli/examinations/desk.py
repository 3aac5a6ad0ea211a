"""The desk's own: dead and late work, who is at work, proofs and seals, ages of keys."""
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.cli.examinations import Finding, judged
from portal.core import clock, crypto, seals
from portal.core.jobs.liveness import liveness_by_kind
from portal.ledger import findings, proofs
from portal.settings import Settings

WAITS_LOOK, WAITS_ACT = timedelta(seconds=60), timedelta(minutes=10)
PROVED_WITHIN = timedelta(hours=26)
UNUSED_FOR, OLD_AFTER = timedelta(days=90), timedelta(days=365)
KEYS = """
    SELECT count(*) FILTER (WHERE coalesce(last_used_at, uuid_extract_timestamp(id)) < :unused) AS unused,
           count(*) FILTER (WHERE uuid_extract_timestamp(id) < :old) AS old,
           count(*) FILTER (WHERE expires_at < :soon) AS ending
    FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)"""


def jobs(session: Session, settings: Settings) -> Iterator[Finding]:
    now = clock.now()
    dead = session.scalar(text("SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL")) or 0
    yield judged("jobs", f"{dead} are dead" if dead else "none is dead",
                 "bin/flask jobs list --dead says why; mend it, then jobs retry ID, or jobs drop ID", act=dead > 0)
    oldest = session.scalar(text("""SELECT min(run_at) FROM jobs WHERE dead_at IS NULL AND run_at <= :now
        AND (leased_until IS NULL OR leased_until < :now)"""), {"now": now})
    waits = now - oldest if oldest else timedelta()
    yield judged("jobs", f"the oldest due one waits for {waits.total_seconds():.0f} s", "start another worker, or see "
                 "in the log what holds the ones there are", act=waits > WAITS_ACT, look=waits > WAITS_LOOK)
    for pulse in liveness_by_kind(session):
        yield judged("processes", f"the {pulse.process} {'is at work' if pulse.alive else 'does nothing'}",
                     f"start it: systemctl restart quittance-{pulse.process}@1, or bin/run", act=not pulse.alive)


def proved(session: Session, settings: Settings) -> Iterator[Finding]:
    now = clock.now()
    for about, proof, command in (("books", proofs.last(session, "full"), "ledger verify"),
                                  ("audit", proofs.last(session, "audit"), "audit verify")):
        late = proof is None or now - proof.began_at > PROVED_WITHIN
        yield judged(about, f"proved whole at {proof.began_at:%Y-%m-%d %H:%M} UTC" if proof else "never proved whole",
                     f"bin/flask {command}; the worker does it each day, see why not at /admin/jobs", act=late)
    standing = findings.standing(session, limit=1)
    yield judged("books", "a difference stands" if standing else "no difference stands",
                 "/admin/proof; no money leaves the desk until it is settled", act=bool(standing))
    sealed = seals.state(session)
    yield judged("audit", f"rows wait for a seal since {sealed.waiting_since:%H:%M:%S} UTC" if sealed.late
                 and sealed.waiting_since else "rows are sealed in time",
                 "is a worker at work? Is a transaction open for long?", act=sealed.late)


def keys(session: Session, settings: Settings) -> Iterator[Finding]:
    now = clock.now()
    older = crypto.key_ids()[1:]
    yield judged("keys", f"MASTER_KEYS still names {', '.join(older)}" if older else "one master key opens all",
                 "bin/flask crypto rotate, then crypto may-drop each of them", act=False, look=bool(older))
    row = session.execute(text(KEYS), {"now": now, "unused": now - UNUSED_FOR, "old": now - OLD_AFTER,
                                       "soon": now + timedelta(days=14)}).one()
    yield judged("keys", f"{row.unused} of stores were not used for {UNUSED_FOR.days} days",
                 "ask their merchants and revoke them: what nobody uses nobody misses", act=False, look=row.unused > 0)
    yield judged("keys", f"{row.old} of stores are older than a year", "have their merchants make new ones and revoke "
                 "the old once they are idle", act=False, look=row.old > 0)
    yield judged("keys", f"{row.ending} of stores end within 14 days", "tell their merchants", act=False,
                 look=row.ending > 0)
