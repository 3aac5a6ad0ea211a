"""What a worker's transaction may take, and a statement that is a transaction of its own."""
import contextvars
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from portal import create_app
from portal.core.db import after_commit, db, transaction, translated
from portal.core.errors import DatabaseUnavailable, LockTimeout
from portal.core.ids import new_id
from portal.core.pipeline import autocommit, rows

TIMEOUTS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
WRITE = "INSERT INTO jobs (kind, unique_key, run_at, created_at) VALUES ('test', :key, now() + interval '1 day', now())"
HOT_WRITE = WRITE.replace(":key", "%(key)s") + " RETURNING id"
R = TypeVar("R")


@pytest.fixture
def worker(app: Flask) -> Iterator[Flask]:
    """The same desk as a worker sees it."""
    made = create_app(app.extensions["settings"], process="worker")
    yield made
    contextvars.Context().run(_let_go, made)


def _let_go(desk: Flask) -> None:
    with desk.app_context():
        db.engine.dispose()


def inside(desk: Flask, act: Callable[[], R]) -> R:
    """Not in the test's own Flask context: its session belongs to the web."""
    def acting() -> R:
        with desk.app_context():
            try:
                return act()
            finally:
                db.session.remove()

    return contextvars.Context().run(acting)


def timeouts_of_two_transactions() -> list[tuple[str, str]]:
    seen = []
    for _ in range(2):
        with transaction() as session:
            seen.append(tuple(session.execute(text(TIMEOUTS)).one()))
    return seen


def test_a_workers_transaction_may_take_longer_than_the_webs(app: Flask, worker: Flask) -> None:
    assert inside(worker, timeouts_of_two_transactions) == [("30s", "5s")] * 2
    assert inside(app, timeouts_of_two_transactions) == [("5s", "2s")] * 2


def test_a_worker_leaves_nothing_on_the_connection_it_gives_back(worker: Flask) -> None:
    """PgBouncer hands it to somebody else: what was set is set for the transaction."""
    def after_one() -> tuple[str, str]:
        timeouts_of_two_transactions()
        ((statement, lock),) = autocommit(db.engine, TIMEOUTS, {})
        return statement, lock

    assert inside(worker, after_one) == ("5s", "2s")


def jobs_with(key: str) -> int:
    """Seen from outside: what has been committed."""
    outside = create_engine(db.engine.url, poolclass=NullPool)
    with outside.connect() as other:
        return int(other.execute(text("SELECT count(*) FROM jobs WHERE unique_key = :key"), {"key": key}).scalar_one())


def test_a_statement_at_once_is_committed_when_it_has_run(app: Flask) -> None:
    key = new_id().hex
    assert autocommit(db.engine, HOT_WRITE, {"key": key})
    assert jobs_with(key) == 1


def test_nobody_is_told_of_a_transaction_that_failed(app: Flask) -> None:
    key, told = new_id().hex, list[str]()
    with create_engine(db.engine.url, poolclass=NullPool).begin() as holder:
        holder.execute(text(WRITE), {"key": key})
        with pytest.raises(LockTimeout), transaction() as session:
            after_commit(session, lambda: told.append(key))
            session.execute(text(WRITE), {"key": key})  # waits for the holder, as long as for any lock
    assert told == []
    assert jobs_with(key) == 1


@pytest.mark.parametrize("end", [Session.commit, Session.rollback, Session.close])
def test_a_worker_that_began_and_asked_nothing_gives_back_a_connection_as_good_as_new(
        worker: Flask, end: Callable[[Session], None]) -> None:
    def nothing_then_something() -> tuple[int, int]:
        with closing(Session(db.engine)) as session:
            driver = session.connection().connection.driver_connection
            pid = driver.info.backend_pid  # type: ignore[union-attr]
            end(session)
        return pid, int(autocommit(db.engine, "SELECT pg_backend_pid()", {})[0][0])

    first, then = inside(worker, nothing_then_something)
    assert first == then
    assert inside(worker, timeouts_of_two_transactions) == [("30s", "5s")] * 2


def test_a_hot_statement_fails_in_the_same_words_as_any_other(app: Flask, worker: Flask) -> None:
    key = new_id().hex
    with transaction() as holder:
        rows(holder, HOT_WRITE, {"key": key})
        with pytest.raises(LockTimeout), translated():
            autocommit(db.engine, HOT_WRITE, {"key": key})
    with pytest.raises(IntegrityError), transaction() as session:
        rows(session, HOT_WRITE, {"key": key})


def test_after_the_database_went_away_no_hot_statement_meets_a_dead_connection_twice(worker: Flask) -> None:
    def connections() -> set[int]:
        """As many as a worker keeps, all used at once."""
        with ExitStack() as opened:
            sessions = [opened.enter_context(closing(Session(db.engine))) for _ in range(2)]
            return {int(rows(session, "SELECT pg_backend_pid()", {})[0][0]) for session in sessions}

    def dropped_and_back() -> None:
        first = connections()
        with create_engine(db.engine.url, poolclass=NullPool).connect() as other:
            for pid in first:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(DatabaseUnavailable), translated():
            autocommit(db.engine, "SELECT 1", {})
        assert connections().isdisjoint(first)

    inside(worker, dropped_and_back)


def test_a_failing_statement_tells_no_log_what_it_was_given(app: Flask) -> None:
    """Card numbers, names and amounts travel as parameters: SQLAlchemy writes them into what a log or Sentry keeps."""
    with pytest.raises(DataError) as caught, transaction() as session:
        session.execute(text("SELECT :number / 0, :name"), {"number": 4242424242424242, "name": "Ivan Petrov"})
    said = str(caught.value) + repr(caught.value)
    assert "4242424242424242" not in said
    assert "Ivan Petrov" not in said
    assert db.engine.hide_parameters
