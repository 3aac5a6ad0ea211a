"""A month of history leaves for its file and comes back, as the database's owner; one command at a time.

Archived: the rows are written, read back and noted, and stay where they are. Detached: file and rows are compared once
more, then one transaction takes the month out of its table, drops it and notes it. Killed wherever it may be, a command
leaves what was before it or what is after it, and is given again.
"""
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import errors, sql
from sqlalchemy import Connection, Engine, create_engine, pool, text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.archived_months import ArchivedMonth
from portal.core.audit import record
from portal.core.seals import SEALED
from portal.history import archive, needs, sealing
from portal.history.archive import ArchiveDiffers, Manifest, Refused, Tally
from portal.history.months import TABLES, begin_of, default_of, due_before, end_of, partition

LOCK = 0x71756974_68697374  # advisory: `quithist`
LOCK_TIMEOUT_MS = 200  # a create waits at most as long while the table is taken from under it
TRIES_MAX, PAUSE_S = 20, 0.5
ALIKE = ("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';"
         " SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0;"
         " SET LOCAL lock_timeout = '4s'")
"""So that a row is written alike whoever asks: files of years are compared byte by byte."""


@contextmanager
def owner(url: str) -> Iterator[Engine]:
    """Connections as the owner, while nobody else moves months. Raises Refused when somebody does."""
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"target_session_attrs": "read-write"})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
        if not alone.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            raise Refused("another command moves months: wait until it is done")
        if not alone.scalar(text("""SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class
                                    WHERE oid = 'audit_rows'::regclass""")):
            raise Refused("only the owner of the tables moves months: DATABASE_OWNER_URL names whom it takes for it")
        yield engine  # the lock ends with the connection, however this process ends


def put_away(engine: Engine, folder: Path, table: str, month: date, *, kept: int) -> Manifest | None:
    """Write a due month into its file, read it back, note it. None: it is written already. Raises Refused."""
    if month >= due_before(kept):
        raise Refused(f"{month:%Y-%m} is not due: HISTORY_MONTHS keeps {kept} whole months")
    with _transaction(engine) as session:
        known = _known(session, table, month)
        if known is not None and archive.stands(folder, table, month):
            try:
                found = archive.read(folder, table, month)
            except ArchiveDiffers:  # half of one that was being written anew: the rows are here, it is written again
                found = None
            here = _tally(session.connection(), table, month).sha256.hex()
            if found is not None and found.sha256 == known.sha256.hex() == here:
                return None
        connection = session.connection()
        columns = _columns(connection, table, partition(table, month))
        made = archive.write(folder, table, month, columns, _rows(connection, table, month, columns),
                             archived_at=clock.now().isoformat(timespec="seconds"))
    if archive.read(folder, table, month) != made:
        raise ArchiveDiffers(f"{archive.file_of(folder, table, month)}: was read back otherwise than written")
    with _transaction(engine) as session:
        session.merge(_noted(made, month))
        _record(session, "history.archived", made)
    return made


def take_out(engine: Engine, folder: Path, table: str, month: date, *, kept: int) -> Manifest:
    """Drop a month of which the file holds every row, unless something still needs it. Raises Refused.

    Of the month itself only writers wait meanwhile, and of its table nobody longer than LOCK_TIMEOUT_MS at a time.
    """
    if month >= due_before(kept):
        raise Refused(f"{month:%Y-%m} is not due: HISTORY_MONTHS keeps {kept} whole months")
    manifest = archive.read(folder, table, month)
    with _transaction(engine) as session:
        known, connection = _known(session, table, month), session.connection()
        if known is None or known.sha256.hex() != manifest.sha256:
            raise Refused(f"{table} {month:%Y-%m}: the desk knows of no such archive: archive it first")
        name = partition(table, month)
        _run(connection, sql.SQL("LOCK TABLE {} IN SHARE MODE"), name)
        if still := needs.of(session, table, month):
            raise Refused(f"{table} {month:%Y-%m} is still needed by "
                          + ", ".join(f"{need.what}: {need.rows}" for need in still))
        if _tally(connection, table, month).sha256.hex() != manifest.sha256:
            raise ArchiveDiffers(f"{table} {month:%Y-%m}: the rows are not those of the file: archive it anew")
        for sentence in sealing.differences(session, folder, manifest, month):
            raise Refused(f"{table} {month:%Y-%m}: {sentence}")
        _detach(connection, table, name)
        _run(connection, sql.SQL("DROP TABLE {}"), name)
        known.detached_at = clock.now()
        _record(session, "history.detached", manifest)
    return manifest


def bring_back(engine: Engine, folder: Path, table: str, month: date) -> Manifest:
    """A month from its file into its table again, as it was. Raises Refused."""
    manifest = archive.read(folder, table, month)
    with _transaction(engine) as session:
        known, connection = _known(session, table, month), session.connection()
        if known is None or known.detached_at is None:
            raise Refused(f"{table} {month:%Y-%m} is not away")
        if known.sha256.hex() != manifest.sha256:
            raise ArchiveDiffers(f"{table} {month:%Y-%m}: this is not the archive that the desk knows of")
        name = partition(table, month)
        _make(connection, table, name, month)
        _fill(connection, folder, manifest, name, month)
        if _tally(connection, table, month, manifest.columns).sha256.hex() != manifest.sha256:
            raise ArchiveDiffers(f"{table} {month:%Y-%m}: the rows came back otherwise than they were written")
        _attach(connection, table, name, month)
        known.detached_at = None
        _record(session, "history.attached", manifest)
    return manifest


def gather(engine: Engine) -> Sequence[tuple[str, date, int]]:
    """Rows that came while their month was missing go from the default partition into that month, which is made: table,
    month and how many. Raises Refused. Of a month that is away the rows stay: `bring_back` takes them in."""
    found = []
    for table in TABLES:
        with _transaction(engine) as session:
            months = _astray(session.connection(), table)
        for month in months:
            with _transaction(engine) as session:  # of each alone: its locks are let go of before the next
                known, connection = _known(session, table, month), session.connection()
                if known is not None and known.detached_at is not None:
                    continue
                name = partition(table, month)
                _make(connection, table, name, month)
                found.append((table, month, rows := _attach(connection, table, name, month)))
                record(session, SYSTEM, "history.gathered", "history", name, after={"rows": rows})
    return found


def _astray(connection: Connection, table: str) -> Sequence[date]:
    """Months of the rows that lie in a table's default partition."""
    return [row[0] for row in _driver(connection).execute(
        sql.SQL("SELECT DISTINCT date_trunc('month', {} AT TIME ZONE 'UTC')::date FROM ONLY {} ORDER BY 1").format(
            sql.Identifier(TABLES[table]), sql.Identifier(default_of(table)))).fetchall()]


@contextmanager
def _transaction(engine: Engine) -> Iterator[Session]:
    """All of it or nothing, as the owner."""
    with engine.begin() as connection:
        connection.execute(text(ALIKE))
        with Session(connection, join_transaction_mode="rollback_only") as session:
            yield session
            session.flush()


def _known(session: Session, table: str, month: date) -> ArchivedMonth | None:
    return session.get(ArchivedMonth, (table, month))


def _noted(made: Manifest, month: date) -> ArchivedMonth:
    return ArchivedMonth(
        table_name=made.table, month=month, rows=made.rows, sha256=bytes.fromhex(made.sha256),
        sum=bytes.fromhex(made.sum) if made.sum else None, first_transaction=made.first_transaction,
        last_transaction=made.last_transaction, archived_at=clock.now(), detached_at=None)


def _record(session: Session, action: str, manifest: Manifest) -> None:
    record(session, SYSTEM, action, "history", partition(manifest.table, date.fromisoformat(f"{manifest.month}-01")),
           after={"rows": manifest.rows, "sha256": manifest.sha256, "file_sha256": manifest.file_sha256})


def _columns(connection: Connection, table: str, name: str) -> Sequence[str]:
    """Of the month, in order; a sealed table's are those that its seals are made of. Raises Refused: no such month."""
    found = connection.scalars(text("""
        SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum"""), {"name": f"public.{name}"}).all()
    if not found:
        raise Refused(f"{name} is not in the database")
    sealed = next((each.columns for each in SEALED if each.table == table), None)
    if sealed is not None and set(found) != set(sealed):
        raise Refused(f"{table} has columns that its seals do not know")
    return sealed or list(found)


def _rows(connection: Connection, table: str, month: date, columns: Sequence[str]) -> Iterator[bytes]:
    """Each row as COPY writes it; a sealed table's by transaction, as its seals follow one another."""
    first = ["transaction_id", "id"] if any(each.table == table for each in SEALED) else ["id", TABLES[table]]
    query = sql.SQL("COPY (SELECT {} FROM ONLY {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(partition(table, month)),
        sql.SQL(", ").join(map(sql.Identifier, first)))
    with _driver(connection).cursor() as cursor, cursor.copy(query) as copied:
        for line in copied:
            yield bytes(line)


def _tally(connection: Connection, table: str, month: date, columns: Sequence[str] | None = None) -> Tally:
    """What the database holds of a month now."""
    tally = Tally(table)
    for line in _rows(connection, table, month, columns or _columns(connection, table, partition(table, month))):
        tally.add(line)
    return tally


def _detach(connection: Connection, table: str, name: str) -> None:
    """Not CONCURRENTLY: PostgreSQL refuses that beside a default partition. Raises Refused when it is always in use."""
    _patiently(connection, table, sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
        sql.Identifier(table), sql.Identifier(name)))


def _attach(connection: Connection, table: str, name: str, month: date) -> int:
    """With the rows that came while the month was not there; returns how many.

    Those cannot be deleted where they lie (append_only), and the default may hold none of an attached month: it leaves
    its table, whose triggers leave it, and comes back without them. Creates wait for that, and for a look at what
    else lies in the default.
    """
    default, column = sql.Identifier(default_of(table)), sql.Identifier(TABLES[table])
    since, until = sql.Literal(begin_of(month)), sql.Literal(end_of(month))
    of_it = sql.SQL("FROM ONLY {} WHERE {} >= {} AND {} < {}").format(default, column, since, column, until)
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(connection, table, name)))
    statement = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(table), sql.Identifier(name), since, until)
    driver = _driver(connection)
    # the whole table first: who writes into the default holds it, too, and would be waited for by the detaching below
    _patiently(connection, table, sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
    _run(connection, sql.SQL("LOCK TABLE {} IN SHARE MODE"), default_of(table))
    moved = driver.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} {}").format(
        sql.Identifier(name), columns, columns, of_it)).rowcount
    if moved:
        _detach(connection, table, default_of(table))
        driver.execute(sql.SQL("DELETE {}").format(of_it))
        driver.execute(statement)
        driver.execute(sql.SQL("ALTER TABLE {} ATTACH PARTITION {} DEFAULT").format(sql.Identifier(table), default))
    else:
        _patiently(connection, table, statement)
    _run(connection, sql.SQL("ALTER TABLE {} DROP CONSTRAINT of_its_month"), name)
    return moved


def _patiently(connection: Connection, table: str, statement: sql.Composed) -> None:
    """Behind a lock that is waited for the whole desk waits: shortly, again and again. Raises Refused."""
    for left in reversed(range(TRIES_MAX)):
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'"))
                _driver(connection).execute(statement)
            return
        except errors.LockNotAvailable as error:
            if not left:
                raise Refused(f"{table} is in use all the time: try again in a quieter hour") from error
            time.sleep(PAUSE_S)


def _make(connection: Connection, table: str, name: str, month: date) -> None:
    """A table like its parent, for one month's rows, which the application reaches through the parent only."""
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"public.{name}"}) is not None:
        raise Refused(f"{name} is in the database already")
    _run(connection, sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES"
                             " INCLUDING STORAGE)"), name, table)
    _run(connection, sql.SQL("REVOKE ALL ON {} FROM quittance_app"), name)
    column = sql.Identifier(TABLES[table])
    _driver(connection).execute(
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT of_its_month CHECK ({} >= {} AND {} < {})").format(
            sql.Identifier(name), column, sql.Literal(begin_of(month)), column, sql.Literal(end_of(month))))


def _fill(connection: Connection, folder: Path, manifest: Manifest, name: str, month: date) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, manifest.columns)))
    with _driver(connection).cursor() as cursor, cursor.copy(query) as copying:
        for line in archive.lines(folder, manifest.table, month):
            copying.write(line)


def _run(connection: Connection, statement: sql.SQL, *names: str) -> None:
    _driver(connection).execute(statement.format(*map(sql.Identifier, names)))


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    """For what SQLAlchemy has no words for: COPY, names of tables."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
