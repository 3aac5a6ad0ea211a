"""Hot statements: straight through psycopg, and several of them on their way at once.

A third of what it costs to pass through SQLAlchemy, in the session's transaction and with SQLAlchemy's errors, so that
all else is as with any other statement. In psycopg's own spelling (`%(name)s`); each must answer rows.
"""
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg import Connection as Driver
from psycopg import Cursor
from psycopg import Error as DriverError
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.core.db_outage import is_away

Rows = list[tuple[Any, ...]]
PENDING, BEGINNING = "quittance_flight", "quittance_beginning"


@dataclass
class _Pending:
    """What was sent inside `together` and what each answer is wanted for; psycopg's pipeline while there is any."""

    pipeline: ExitStack = field(default_factory=ExitStack)
    sent: list[tuple[str, Cursor[Any], Callable[[Rows], None]]] = field(default_factory=list)


def rows(session: Session, statement: str, parameters: Any) -> Rows:
    """What a hot statement answers; what was sent before is answered first."""
    connection = session.connection()
    sync(connection)
    with _raised(connection, statement):
        found: Rows = driver_of(connection).execute(statement, parameters).fetchall()
    return found


def begin_nowait(connection: Connection, statements: bytes) -> None:
    """Begin a transaction without waiting for it: whoever uses it first does, or who ends it. See `watch`."""
    driver = driver_of(connection)
    driver.pgconn.send_query(statements)
    connection.info[BEGINNING] = True


def _begun(connection: Connection) -> None:
    if not connection.info.pop(BEGINNING, False):
        return
    driver, failed = driver_of(connection), False
    while (result := driver.pgconn.get_result()) is not None:
        failed = failed or result.status != ExecStatus.COMMAND_OK
    if failed or driver.closed:
        driver.execute("SELECT 1")  # which says what happened, in psycopg's own words


def _before_rollback(connection: Connection) -> None:
    if not connection.invalidated:
        with suppress(DriverError):  # gone: then there is nothing to take back
            _begun(connection)


def autocommit(engine: Engine, statement: str, parameters: Any) -> Rows:
    """What a hot statement answers that is a transaction of its own: without a session, in one round trip."""
    pooled, closed = None, True
    try:
        pooled = engine.raw_connection()
        driver: Any = pooled.driver_connection
        driver.autocommit = True
        try:
            found: Rows = driver.execute(statement, parameters).fetchall()
        finally:
            closed = driver.closed
            if not closed:
                driver.autocommit = False
        return found
    except DriverError as error:
        gone = closed or is_away(error)
        if gone and pooled is not None:
            pooled.invalidate(error)
            engine.dispose()  # the others will have gone with it
        raise DBAPIError.instance(statement, None, error, DriverError, dialect=engine.dialect,
                                  connection_invalidated=gone) from error
    finally:
        if pooled is not None:
            pooled.close()


def queue(session: Session, statement: str, parameters: Any, then: Callable[[Rows], None] = lambda found: None) -> None:
    """Send a statement whose answer nobody needs yet; `then` is given it, here or at the end of `together`."""
    connection = session.connection()
    flight: _Pending | None = connection.info.get(PENDING)
    if flight is None:
        then(rows(session, statement, parameters))
        return
    with _raised(connection, statement):
        _begun(connection)
        if not flight.sent:
            flight.pipeline.enter_context(driver_of(connection).pipeline())
        flight.sent.append((statement, driver_of(connection).execute(statement, parameters), then))


def array(values: Iterable[int | UUID | bool | bytes | datetime | str | None]) -> str:
    """A PostgreSQL array, for a parameter that is cast to one: psycopg takes ten times as long to write it."""
    return "{" + ",".join([_AS.get(type(value), str)(value) for value in values]) + "}"


_AS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "NULL", bytes: lambda value: "\\\\x" + value.hex(), UUID: lambda value: value.hex,
    datetime: lru_cache(maxsize=1024)(datetime.isoformat),  # many of one batch are of the same minute
    str: lambda value: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'}
"""How an element is written that is not as `str` gives it."""


@contextmanager
def pipelined(session: Session) -> Iterator[None]:
    """What is sent inside travels together: one wait for all of it, and PostgreSQL works while we go on.

    Whoever asks something of this transaction in between waits for all that is under way, whether by `rows` or through
    SQLAlchemy. Afterwards every answer is there, and what one statement was refused has been raised.
    """
    connection = session.connection()
    kept = connection.info  # of a connection that has gone there is none to be had
    flight = kept[PENDING] = _Pending()
    try:
        yield
        sync(connection)
    finally:
        kept.pop(PENDING, None)
        with suppress(DriverError):  # somebody else's error is on its way: what was sent is rolled back
            flight.pipeline.close()


def sync(connection: Connection) -> None:
    """Wait for what was sent on this connection, and pass on the answers in their order."""
    with _raised(connection, "BEGIN"):
        _begun(connection)
    flight: _Pending | None = connection.info.get(PENDING)
    if flight is None or not flight.sent:
        return
    sent, flight.sent = flight.sent, []
    with _raised(connection, "; ".join(statement for statement, _, _ in sent)):
        flight.pipeline.close()
        answers = [(cursor.fetchall() if cursor.description else [], then) for _, cursor, then in sent]
    for found, then in answers:
        then(found)


def commit(session: Session) -> None:
    """Commit along with what is under way inside `together`: one wait for both. The last thing of a transaction.

    No answer can take it back any more: a statement that must not stand has to fail by itself.
    """
    connection = session.connection()
    flight: _Pending | None = connection.info.get(PENDING)
    if flight is not None and flight.sent:
        queue(session, "COMMIT", None)
        sync(connection)


def install(engine: Engine) -> None:
    """SQLAlchemy's own statements wait for what was sent before them; the end of a transaction for its beginning."""
    event.listen(engine, "before_cursor_execute", lambda connection, *_: sync(connection))
    event.listen(engine, "commit", sync)
    event.listen(engine, "rollback", _before_rollback)


def driver_of(connection: Connection) -> Driver[Any]:
    """psycopg's connection below."""
    driver: Driver[Any] | None = connection.connection.driver_connection
    assert driver is not None
    return driver


@contextmanager
def _raised(connection: Connection, statement: str) -> Iterator[None]:
    """psycopg's errors as SQLAlchemy raises them."""
    try:
        yield
    except DriverError as error:
        gone = driver_of(connection).closed or is_away(error)
        if gone:
            connection.invalidate(error)
            connection.engine.dispose()  # the others will have gone with it
        raise DBAPIError.instance(statement, None, error, DriverError, dialect=connection.dialect,
                                  connection_invalidated=gone) from error
