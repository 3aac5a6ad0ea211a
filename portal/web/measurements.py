"""What `/metrics` says of the whole desk, asked of the database at each scrape; every statement is bounded."""
from datetime import datetime

import structlog
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.core import clock, readiness, seals
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.core.jobs.liveness import liveness_by_kind
from portal.ledger import findings, proofs
from portal.orders.reading import conversion
from portal.reference import rate_board

log = structlog.get_logger("measurements")
ERROR_MAX = 500  # characters
NEVER_S = 10 * 365 * 24 * 3600  # of what has not happened yet: older than any limit
UP = Gauge("quittance_database_up", "Whether the database answered this scrape")
SILENT = Gauge("quittance_process_silent_seconds", "Since when no dispatcher, no worker has done anything", ["process"])
OPEN = Gauge("quittance_open_orders", "Orders that hold a place on a requisite", ["status"])
ATTENTION = Gauge("quittance_orders_waiting_for_staff", "Orders that need a person of the staff")
PAYINS = Gauge("quittance_payins_lately", "Payins of the last 15 minutes, as they stand now", ["step"])
STEPS = Gauge("quittance_payin_step_seconds", "How long steps of payins made in the last 15 minutes took",
              ["step", "quantile"])
ENDED = Gauge("quittance_orders_lately", "Orders made in the last 15 minutes by how they stand and why",
              ["direction", "status", "reason"])
MONEY = Gauge("quittance_money_minor", "What the books hold, in minor units", ["owner", "purpose", "currency"])
RATE_AGE = Gauge("quittance_rate_age_seconds", "Of the rate that counts", ["pair", "source"])
RATE_STALE = Gauge("quittance_rate_stale", "1: a feed's rate too old to be used", ["pair"])
PROOF_AGE = Gauge("quittance_proof_age_seconds", "Since the last proof of this scope began", ["scope"])
PROOF_HOLDS = Gauge("quittance_proof_holds", "1: the last proof of this scope found no difference", ["scope"])
FINDINGS = Gauge("quittance_ledger_findings", "1: a difference stands and no money leaves")
UNSEALED = Gauge("quittance_audit_unsealed_seconds", "How long the oldest row waits for its seal")
STANDBYS = Gauge("quittance_standby_lag_seconds", "Of each standby that this role may see", ["standby", "sync"])
HIDDEN = Gauge("quittance_standbys_hidden", "Standbys of which this role sees nothing: it lacks pg_read_all_stats")
LABELLED = (SILENT, OPEN, PAYINS, STEPS, ENDED, MONEY, RATE_AGE, RATE_STALE, PROOF_AGE, PROOF_HOLDS, STANDBYS)

QUANTILES = (0.5, 0.95)
TIMES = text(conversion.RECENT + """
    SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY assigned_at - created_at) AS to_requisite,
           percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY confirmed_at - assigned_at) AS to_confirmation,
           percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY completed_at - confirmed_at) AS to_settlement
      FROM recent WHERE direction = 'payin'""")
BY_REASON = text("""
    SELECT direction, status, coalesce(reason, '') AS reason, count(*) AS orders FROM (
        SELECT direction, status, failure_code AS reason FROM orders WHERE created_at >= :since AND live
         ORDER BY created_at DESC, id DESC LIMIT :most) AS recent GROUP BY 1, 2, 3""")
BOOKS = text("""
    SELECT a.owner_kind, a.purpose, a.currency, sum(b.credits_minor - b.debits_minor) AS minor
      FROM accounts a JOIN balances b ON b.account_id = a.id WHERE a.live GROUP BY 1, 2, 3""")
OPEN_ORDERS = text("""
    SELECT o.status, count(*) AS orders FROM open_places p JOIN orders o ON o.id = p.order_id GROUP BY 1""")
WAITING = text("""
    SELECT count(DISTINCT order_id) FROM (SELECT order_id FROM attention_cases LIMIT 10000) AS counted""")
REPLICATION = text("""
    SELECT coalesce(application_name, '') AS name, sync_state, state IS NULL AS hidden,
           coalesce(replay_lag, CASE WHEN replay_lsn >= sent_lsn THEN interval '0' END) AS lag
      FROM pg_stat_replication""")


def measure() -> None:
    """Fill the gauges. A database that is away is a figure too; what the process counts of itself is shown anyhow."""
    for gauge in LABELLED:
        gauge.clear()
    try:
        readiness.measure()
        session = reader()
        for part in (_processes, _orders, _books, _rates, _proofs, _standbys):
            part(session)
        UP.set(1)
    except (SQLAlchemyError, PortalError) as error:
        UP.set(0)
        log.warning("not_measured", error=str(error)[:ERROR_MAX])


def _processes(session: Session) -> None:
    for pulse in liveness_by_kind(session):
        SILENT.labels(pulse.process).set(_age_s(pulse.at))


def _orders(session: Session) -> None:
    for row in session.execute(OPEN_ORDERS):
        OPEN.labels(row.status).set(row.orders)
    ATTENTION.set(session.scalar(WAITING) or 0)
    total = conversion.lately(session).total
    for step in ("orders", "matched", "completed", "failed"):
        PAYINS.labels(step).set(getattr(total, step))
    asked = {"since": clock.now() - conversion.LATELY, "most": conversion.ORDERS_MAX}
    for step, times in session.execute(TIMES, asked).mappings().one().items():
        for quantile, took in zip(QUANTILES, times or (), strict=False):
            if took is not None:
                STEPS.labels(step, quantile).set(took.total_seconds())
    for row in session.execute(BY_REASON, asked):
        ENDED.labels(row.direction, row.status, row.reason).set(row.orders)


def _books(session: Session) -> None:
    for row in session.execute(BOOKS):
        MONEY.labels(row.owner_kind, row.purpose, row.currency).set(int(row.minor))


def _rates(session: Session) -> None:
    for line in rate_board.present(session):
        RATE_AGE.labels(line.pair, line.source).set(_age_s(line.at))
        RATE_STALE.labels(line.pair).set(line.stale)


def _proofs(session: Session) -> None:
    for scope, proof in (("books", proofs.last(session)), ("books whole", proofs.last(session, "full")),
                         ("audit", proofs.last(session, "audit"))):
        PROOF_AGE.labels(scope).set(_age_s(proof.began_at if proof else None))
        if proof:
            PROOF_HOLDS.labels(scope).set(proof.holds)
    FINDINGS.set(bool(findings.standing(session, limit=1)))
    waiting = seals.state(session).waiting_since
    UNSEALED.set(_age_s(waiting) if waiting else 0)


def _standbys(session: Session) -> None:
    """What is not known is no figure: who receives the log and plays none has no lag, a hidden one may have any."""
    rows = session.execute(REPLICATION).all()
    for row in rows:
        if row.lag is not None:
            STANDBYS.labels(row.name, row.sync_state).set(row.lag.total_seconds())
    hidden = sum(row.hidden for row in rows)
    if hidden and not any(sample.value for told in HIDDEN.collect() for sample in told.samples):  # once, not each time
        log.warning("standbys_hidden", standbys=hidden)
    HIDDEN.set(hidden)


def _age_s(moment: datetime | None) -> float:
    return (clock.now() - moment).total_seconds() if moment else NEVER_S
