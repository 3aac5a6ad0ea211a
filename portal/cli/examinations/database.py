"""The database: partitions, months, indexes, extensions, bloat, transactions, replication, a standby, collations."""
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.cli.examinations import Finding, judged
from portal.core import clock, replica
from portal.core.db import engine_options
from portal.history import months
from portal.settings import Settings

AHEAD = timedelta(days=35)  # a month that begins within it needs its partitions
DAYS_AHEAD = 2  # keep_days makes seven
MIB = 1024 ** 2
IDLE_INDEX_MIB = 50  # below it an index that nobody reads costs nothing worth a word
STATISTICS_DAYS = 30  # younger ones say nothing about what nobody uses
DEAD_ROWS, DEAD_SHARE = 100_000, 0.3
AGE_LOOK, AGE_ACT = 500_000_000, 1_500_000_000  # transactions; PostgreSQL stops near 2,100 million
OPEN_FOR = timedelta(minutes=10)
LAG_LOOK, LAG_ACT = timedelta(seconds=10), timedelta(seconds=60)
SLOT_LOOK_MIB, SLOT_ACT_MIB = 1024, 10_240

PARENTS = """
    SELECT c.relname, bool_or(p.relname = c.relname || '_p' || :month) AS ahead
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhparent = c.oid LEFT JOIN pg_class p ON p.oid = i.inhrelid
    WHERE c.relkind = 'p' AND c.relnamespace = 'public'::regnamespace
      AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM 'by day' GROUP BY c.relname ORDER BY 1"""
DEFAULTS = """
    SELECT s.relname FROM pg_stat_user_tables s JOIN pg_inherits i ON i.inhrelid = s.relid
    WHERE s.relname LIKE '%\\_p2default' AND s.n_live_tup > 0
      AND obj_description(i.inhparent, 'pg_class') IS DISTINCT FROM 'by day' ORDER BY 1"""
DAYS = """
    SELECT c.relname || '_p' || day AS lacking FROM pg_class c CROSS JOIN unnest(CAST(:days AS text[])) AS day
    WHERE c.relkind = 'p' AND c.relnamespace = 'public'::regnamespace AND obj_description(c.oid, 'pg_class') = 'by day'
      AND to_regclass('public.' || quote_ident(c.relname || '_p' || day)) IS NULL ORDER BY 1"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
UNUSED = """
    SELECT s.indexrelid::regclass::text AS name, pg_relation_size(s.indexrelid) / 1048576 AS mib
    FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
    WHERE s.idx_scan = 0 AND NOT i.indisunique AND pg_relation_size(s.indexrelid) > :bytes ORDER BY 2 DESC LIMIT 20"""
OUTDATED = """
    SELECT e.extname AS name, e.extversion AS has, a.default_version AS there FROM pg_extension e
    LEFT JOIN pg_available_extensions a ON a.name = e.extname
    WHERE a.default_version IS DISTINCT FROM e.extversion ORDER BY 1"""
BLOATED = """
    SELECT relname, n_dead_tup AS dead, n_live_tup AS live, last_autovacuum FROM pg_stat_user_tables
    WHERE n_dead_tup > :dead AND n_dead_tup > :share * (n_live_tup + n_dead_tup) ORDER BY n_dead_tup DESC LIMIT 20"""


def partitions(session: Session, settings: Settings) -> Iterator[Finding]:
    month = f"{clock.now() + AHEAD:%Y%m}"
    rows = session.execute(text(PARENTS), {"month": month}).all()
    lacking = [row.relname for row in rows if not row.ahead]
    yield judged("partitions", f"{', '.join(lacking)} lack the month {month}" if lacking
                 else f"{len(rows)} tables have their months until {month}",
                 "the job make_partitions makes them each day: see /admin/jobs; at once: SELECT make_partitions(3)",
                 act=bool(lacking) or not rows)
    spilled = list(session.scalars(text(DEFAULTS)))
    yield judged("partitions", f"rows lie in {', '.join(spilled)}: they came when their month was missing" if spilled
                 else "no row came before its month", "they are kept and found; bin/flask history gather moves them "
                 "into their month, which cannot be made before", act=False, look=bool(spilled))
    days = [f"{clock.now() + timedelta(days=ahead):%Y%m%d}" for ahead in range(1, DAYS_AHEAD + 1)]
    missing = list(session.scalars(text(DAYS), {"days": days}))
    yield judged("partitions", f"{', '.join(missing)} are not there" if missing
                 else f"what goes by days has its next {DAYS_AHEAD}", "the job keep_days makes them each hour: see "
                 "/admin/jobs; what comes without its day is dropped when the day is made", act=bool(missing))


def old_months(session: Session, settings: Settings) -> Iterator[Finding]:
    """Nothing breaks while they stay: the disk fills, and backups take longer."""
    due = months.due(months.parts(session, settings.history_months))
    oldest = f"{due[0].month:%Y-%m}" if due else ""
    yield judged("old months", f"{len(due)} are due for the archive, the oldest is {oldest}; they take "
                 f"{sum(month.bytes for month in due) / MIB:.1f} MiB" if due
                 else f"none is due: the last {settings.history_months} stay",
                 f"bin/flask history archive {oldest} FOLDER, copy the folder elsewhere, then history detach {oldest} "
                 "FOLDER: docs/runbooks.md, Old months", act=False, look=bool(due))


def indexes(session: Session, settings: Settings) -> Iterator[Finding]:
    invalid = list(session.scalars(text(INVALID)))
    yield judged("indexes", f"not valid: {', '.join(invalid)}" if invalid else "all are valid",
                 "DROP INDEX each of them as the owner, then run the release again", act=bool(invalid))
    since = session.scalar(text("SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"))
    if since is not None and clock.now() - since < timedelta(days=STATISTICS_DAYS):
        return
    unused = session.execute(text(UNUSED), {"bytes": IDLE_INDEX_MIB * MIB}).all()
    yield judged("indexes", "never used: " + ", ".join(f"{row.name} ({row.mib} MiB)" for row in unused) if unused
                 else "each large one is used", "tell the developers, and since when; drop none by hand",
                 act=False, look=bool(unused))


def extensions(session: Session, settings: Settings) -> Iterator[Finding]:
    """The desk needs none; what somebody else has put there must be of the server that runs."""
    rows = session.execute(text(OUTDATED)).all()
    yield judged("extensions", "; ".join(f"{row.name} is {row.has}, the server has {row.there or 'none'}"
                                         for row in rows) if rows else "each is of this server",
                 "ALTER EXTENSION … UPDATE as the owner of each; where the server has none, install its package",
                 act=any(row.there is None for row in rows), look=bool(rows))


def bloat(session: Session, settings: Settings) -> Iterator[Finding]:
    rows = session.execute(text(BLOATED), {"dead": DEAD_ROWS, "share": DEAD_SHARE}).all()
    yield judged("bloat", "; ".join(f"{row.relname}: {row.dead} dead rows beside {row.live}" for row in rows) if rows
                 else "no table holds many dead rows", "is a transaction open for long? If not, VACUUM them, and "
                 "give autovacuum more workers", act=False, look=bool(rows))
    age = session.scalar(text("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()")) or 0
    yield judged("transactions", f"the oldest unfrozen one is {age:,} back", "VACUUM FREEZE as the owner, now and "
                 "not at the end of the month: at 2,100 million PostgreSQL takes no more writes", act=age > AGE_ACT,
                 look=age > AGE_LOOK)


def long_transactions(session: Session, settings: Settings) -> Iterator[Finding]:
    rows = session.execute(text("""
        SELECT pid, coalesce(application_name, '') AS name, state, clock_timestamp() - xact_start AS open_for
        FROM pg_stat_activity WHERE xact_start < clock_timestamp() - CAST(:longest AS interval)
          AND backend_type = 'client backend' ORDER BY xact_start LIMIT 5"""), {"longest": OPEN_FOR}).all()
    yield judged("transactions", "; ".join(f"{row.name or 'somebody'} (process {row.pid}) is {row.state} in one for "
                                           f"{row.open_for}" for row in rows) if rows else "none is open for long",
                 "it keeps seals and vacuum waiting: end it by SELECT pg_terminate_backend(PID), unless it is a proof "
                 "of the books or a backup", act=False, look=bool(rows))


def replication(session: Session, settings: Settings) -> Iterator[Finding]:
    """What the application's role may see; a superuser sees each standby's lag."""
    rows = session.execute(text("""SELECT application_name, state, sync_state, replay_lag
                                   FROM pg_stat_replication""")).all()
    for row in rows:
        lag = row.replay_lag or timedelta()
        hidden = row.state is None
        yield judged("replication", f"{row.application_name or 'a standby'}: " + (
            "how far it is this role may not see, and so no alert would say that it falls behind" if hidden else
            f"{row.state}, {row.sync_state}, {lag.total_seconds():.1f} s behind"),
            "as the superuser: GRANT pg_read_all_stats TO quittance_app" if hidden else
            "look at the standby's disk and network; with synchronous commits every order waits for it",
            act=lag > LAG_ACT, look=hidden or lag > LAG_LOOK)
    for slot in session.execute(text("""
            SELECT slot_name, active, wal_status, coalesce(pg_wal_lsn_diff(
                CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                restart_lsn), 0) / 1048576 AS mib FROM pg_replication_slots""")).all():
        yield judged("replication", f"slot {slot.slot_name} {'is' if slot.active else 'is NOT'} in use and keeps "
                     f"{slot.mib:.0f} MiB of log", "if nobody comes back for it: SELECT pg_drop_replication_slot(…); "
                     "it fills the disk", act=slot.mib > SLOT_ACT_MIB, look=not slot.active or slot.mib > SLOT_LOOK_MIB)
    archive = session.execute(text("""SELECT failed_count, last_failed_wal, coalesce(last_failed_time > coalesce(
        last_archived_time, '-infinity'), false) AS fails FROM pg_stat_archiver""")).one()
    yield judged("log archive", f"{archive.last_failed_wal} could not be put away" if archive.fails
                 else "nothing waits", "read the server's log: while it fails the disk fills, and no moment is kept",
                 act=archive.fails)


def standby(session: Session, settings: Settings) -> Iterator[Finding]:
    """The one that lists and reports are read from, where one is named: asked as the web asks it."""
    if settings.database_replica_url is None:
        return
    engine = replica.connect(settings.replica_url, engine_options(
        "doctor", pool_size=1, prepared=settings.database_prepared))
    try:
        with engine.connect() as connection:
            row = connection.execute(text("""SELECT pg_is_in_recovery() AS follows, extract(epoch FROM
                now() - pg_last_xact_replay_timestamp())::float AS behind""")).one()
    except SQLAlchemyError as error:
        yield judged("standby", f"does not answer ({type(error).__name__})", "start it, or mend DATABASE_REPLICA_URL; "
                     "meanwhile everything is read at the primary", act=True)
        return
    finally:
        engine.dispose()
    behind = row.behind or 0.0
    yield judged("standby", f"answers, its last transaction is {behind:.0f} s old" if row.follows
                 else "what answers is the primary", "look at the standby's disk and network, and at "
                 "DATABASE_REPLICA_URL: it is passed over, and everything is read at the primary", act=False,
                 look=not row.follows or behind > replica.LAG_S)


def collations(session: Session, settings: Settings) -> Iterator[Finding]:
    changed = session.scalar(text("""SELECT datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
        FROM pg_database WHERE datname = current_database()"""))
    yield judged("collation", "the system's sorting has changed since the indexes were made" if changed
                 else "text sorts as when the indexes were made", "REINDEX DATABASE, then ALTER DATABASE … REFRESH "
                 "COLLATION VERSION, both as the owner: until then a look-up may miss a row", act=bool(changed))
