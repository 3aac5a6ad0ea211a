"""Looked at once, when a process starts: is this a server, reached by a way, that the desk can work with?

A database that is away, or whose migrations have not run, is no reason to refuse: the process says so and waits, as all
others do.
"""
from collections.abc import Collection
from typing import Any
from uuid import uuid4

import psycopg
import structlog
from psycopg import Connection
from sqlalchemy import make_url

from portal.core import readiness
from portal.core.db import engine_options

OLDEST = 18  # PostgreSQL: `uuidv7()` is written into what each order writes
LOOKS = 5  # a busy pooler may twice hand out what it gave us before
UNKNOWN_NAME = b"26000"  # by SQLSTATE: no such prepared statement
log = structlog.get_logger("database")

TOO_OLD = "DATABASE_URL leads to PostgreSQL {found}; the desk needs {oldest} or later. Use pg_upgrade."
FORGETS = ("DATABASE_URL leads through a pooler that mixes up prepared statements of several connections and so could "
           "run one statement in another's place. Use PgBouncer 1.22 or later with max_prepared_statements above 0, "
           "or set DATABASE_PREPARED=false.")


KEY_LACKS = ("MASTER_KEYS lacks {key}, which still opens {table}.{column}. Put it back at the end of the list; "
             "`flask crypto rotate` and `flask crypto may-drop {key}` say when it may go.")
OPENED_AT_START = (("traders", "data_key"), ("stores", "data_key"), ("users", "totp_sealed"),
                   ("webhook_endpoints", "secret_sealed"))
"""Small tables that a desk with a lost key would stumble over first."""


class Unfit(SystemExit):
    """The process ends with this sentence on stderr and exit code 1."""


def insist(url: str, *, prepared: bool, oldest: int = OLDEST, keys: Collection[str] = ()) -> None:
    """Go on only with a server that is new enough and, where statements are prepared, a way that keeps them apart.

    Raises Unfit. A pooler is found out by what it does; one that happens to give each of our two connections the same
    server's connection every time is not. `keys`: the ids of the master keys; without one that still opens seals
    nothing starts.
    """
    named: dict[str, Any] = make_url(url).get_dialect()().create_connect_args(make_url(url))[1]  # type: ignore[assignment]
    arguments = named | engine_options("start", pool_size=1, prepared=False)["connect_args"]
    try:
        with psycopg.connect(**arguments, autocommit=True) as one, psycopg.connect(**arguments, autocommit=True) as two:
            found = one.info.server_version // 10_000
            if found < oldest:
                raise Unfit(TOO_OLD.format(found=found, oldest=oldest))
            if prepared and any(_mixed_up(one, two) for _ in range(LOOKS)):
                raise Unfit(FORGETS)
            version = _version(one)
            if readiness.is_of_before(version):
                raise Unfit(readiness.MADE_ANEW.format(version=version))
            if readiness.lacks_migrations(version):
                log.warning("migrations_have_not_run")
            elif keys:
                _look_at_keys(one, keys)
    except psycopg.OperationalError as error:
        log.warning("database_not_looked_at", error=type(error).__name__)


def _look_at_keys(connection: Connection[Any], keys: Collection[str]) -> None:
    for table, column in OPENED_AT_START:
        named = connection.execute(f"""SELECT DISTINCT convert_from(substring({column} FROM 1 FOR
            position('\\x2e'::bytea IN {column}) - 1), 'UTF8') FROM {table}
            WHERE position('\\x2e'::bytea IN {column}) > 1""").fetchall()
        for key in sorted(key for (key,) in named if key not in keys):
            raise Unfit(KEY_LACKS.format(key=key, table=table, column=column))


def _version(connection: Connection[Any]) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    return row[0] if row else None


def _mixed_up(one: Connection[Any], two: Connection[Any]) -> bool:
    """What one prepares is found by the other, or by the one itself no more."""
    name = f"fitness_{uuid4().hex}"
    one.pgconn.prepare(name.encode(), b"SELECT 1")
    if two.execute("SELECT 1 FROM pg_prepared_statements WHERE name = %s", (name,)).fetchone():
        return True
    answer = one.pgconn.exec_prepared(name.encode(), [])
    return answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == UNKNOWN_NAME
