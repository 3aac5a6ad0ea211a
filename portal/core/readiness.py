"""Is the desk ready, and the figures of its queue."""
import re
from functools import cache
from pathlib import Path

from prometheus_client import Gauge
from psycopg.errors import UndefinedTable
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from portal.core import clock
from portal.core.db import db

DUE = Gauge("quittance_jobs_due", "Jobs that are due and not leased", ["kind"])
OLDEST = Gauge("quittance_jobs_oldest_due_seconds", "How long the oldest due job has waited", ["kind"])
DEAD = Gauge("quittance_jobs_dead", "Jobs that died and wait for staff")
REVISION = re.compile(r'^(revision|down_revision) = "([^"]+)"', re.M)
BEFORE = frozenset((
    "0001", "0002_one_time_password", "0003_search", "0004_matching", "0005_pick_estimates", "0006_lease_kept",
    "0007_kept_amounts", "0008_one_form_of_names", "0009_reference", "0010_found", "0011_admissions",
    "0012_desk_pauses", "0013_imports_cases", "0014_form_keys", "0015_payers_and_links", "0016_order_row",
    "0017_payouts", "0018_files", "0019_lists_by_direction", "0020_matching_rules", "0021_banks"))
MADE_ANEW = ("This database is of before the first release: its migrations have become one, and no way leads on from "
             "{version}. Make it anew: drop it, create it and run `flask db upgrade`. Where bin/run keeps it, stop "
             "that and delete the folder var/.")
_leaving = False
COUNT_MAX = 10_000  # counting stops here: a queue this deep is an alarm whatever its exact length


def leave() -> None:
    """This process was asked to stop: nobody new is to be sent to it. From a signal's handler, too."""
    global _leaving
    _leaving = True


def serving() -> tuple[int, str]:
    """Status and word for a balancer: a process that was asked to stop goes, a database that is away takes none out.

    With all of them out callers would hear the balancer's own page, without a code and without `Retry-After`.
    """
    return (503, "stopping") if _leaving else (200, "serving")


def reasons_not_ready() -> list[str]:
    """Empty when ready; else words for the probe's answer."""
    if _leaving:
        return ["stopping"]
    try:
        with db.engine.connect() as connection:
            found = connection.execute(text(
                "SELECT version_num, current_setting('transaction_read_only') FROM alembic_version")).first()
    except SQLAlchemyError as error:
        unmigrated = isinstance(error, DBAPIError) and isinstance(error.orig, UndefinedTable)
        return ["migrations"] if unmigrated else ["database"]
    version, read_only = found or (None, "off")
    if read_only != "off":
        db.engine.dispose()  # whoever asks next finds out where the database is now
        return ["database"]
    return ["migrations"] if lacks_migrations(version) else []


def lacks_migrations(version: str | None) -> bool:
    """Whether a database whose `alembic_version` says so stands before what this code needs."""
    return version is None or version in _behind() or is_of_before(version)


def is_of_before(version: str | None) -> bool:
    """Whether a database is of before the first release, whose migrations are one now: no way leads on from there."""
    return version in BEFORE


@cache
def _behind() -> frozenset[str]:
    """Migrations before ours: a database that stands at one of them lacks what we need.

    One that we do not know is of a release to come. Migrations only add what older code can live with, so a desk goes
    on while it is being replaced.
    """
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for script in (Path(__file__).parents[2] / "migrations" / "versions").glob("*.py"):
        for name, revision in REVISION.findall(script.read_text("utf-8")):
            named[name].add(revision)
    return frozenset(named["revision"] & named["down_revision"])


def measure() -> None:
    """Fill the gauges of the queue from the database, each bounded by an index."""
    now = clock.now()
    with db.engine.connect() as connection:
        rows = connection.execute(text("""
            SELECT kind, count(*) AS due, min(run_at) AS oldest FROM (
                SELECT kind, run_at FROM jobs WHERE dead_at IS NULL AND run_at <= :now
                  AND (leased_until IS NULL OR leased_until < :now) ORDER BY kind, run_at LIMIT :max) AS j
            GROUP BY kind"""), {"now": now, "max": COUNT_MAX}).all()
        dead = connection.execute(text("SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL")).scalar()
    DUE.clear()
    OLDEST.clear()
    for row in rows:
        DUE.labels(row.kind).set(row.due)
        OLDEST.labels(row.kind).set((now - row.oldest).total_seconds())
    DEAD.set(dead or 0)
