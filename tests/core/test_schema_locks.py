"""A migration waits shortly for who holds a table, and as long as it takes where it holds nobody up."""
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, pool, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from portal.core import database_url, schema_locks

SHORT = "200ms"


@pytest.fixture
def owner(fresh_database: str, url_of: Callable[[str, str], str]) -> str:
    return url_of(fresh_database, "owner")


@pytest.fixture
def engine(owner: str) -> Iterator[Engine]:
    made = create_engine(database_url.for_sqlalchemy(owner), poolclass=pool.NullPool)
    yield made
    made.dispose()


def test_who_holds_a_table_is_not_waited_for(owner: str, engine: Engine) -> None:
    with psycopg.connect(owner) as reader, engine.connect() as connection:
        schema_locks.bound_waits(connection, lock_timeout=SHORT)
        reader.execute("SELECT count(*) FROM orders")
        with pytest.raises(OperationalError, match="lock timeout"):
            connection.execute(text("ALTER TABLE orders ADD COLUMN tried_at timestamptz"))


def test_a_change_is_tried_until_its_table_is_free(owner: str, engine: Engine) -> None:
    """And it lets go in between: whoever came after it is served before the reader has ended."""
    with psycopg.connect(owner) as reader, engine.connect() as connection:
        schema_locks.bound_waits(connection, lock_timeout=SHORT)
        connection.commit()
        reader.execute("SELECT count(*) FROM orders")
        tries = 0

        def change() -> None:
            nonlocal tries
            tries += 1
            if tries == 3:
                with psycopg.connect(owner) as another:
                    another.execute("SELECT count(*) FROM orders")
                reader.rollback()
            with connection.begin():
                connection.execute(text("ALTER TABLE orders ADD COLUMN tried_at timestamptz"))

        schema_locks.insist(change, pause_s=.01)
        assert tries == 3
        assert connection.scalar(text("SELECT count(*) FROM information_schema.columns WHERE column_name = 'tried_at'"))


def test_a_change_is_given_up_and_another_error_is_not_tried_again(owner: str, engine: Engine) -> None:
    with psycopg.connect(owner) as reader, engine.connect() as connection:
        schema_locks.bound_waits(connection, lock_timeout=SHORT)
        connection.commit()
        reader.execute("SELECT count(*) FROM orders")
        tries = list[str]()

        def change(statement: str) -> None:
            tries.append(statement)
            with connection.begin():
                connection.execute(text(statement))

        with pytest.raises(OperationalError, match="lock timeout"):
            schema_locks.insist(lambda: change("ALTER TABLE orders ADD COLUMN tried_at timestamptz"),
                                try_for_s=.3, pause_s=.01)
        assert len(tries) > 1
        tries.clear()
        with pytest.raises(ProgrammingError):
            schema_locks.insist(lambda: change("ALTER TABLE no_such_table ADD COLUMN tried_at timestamptz"))
        assert len(tries) == 1


def test_an_index_is_built_when_older_transactions_have_ended(owner: str, engine: Engine) -> None:
    """A proof of many orders takes longer than a lock is waited for."""
    with psycopg.connect(owner) as proof, psycopg.connect(owner, autocommit=True) as watcher:
        proof.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        proof.execute("SELECT count(*) FROM accounts")
        built = threading.Thread(target=_build, args=(engine,))
        built.start()
        built.join(1.0)
        assert built.is_alive(), "five times as long as for any other lock"
        proof.rollback()
        built.join(30)
        assert not built.is_alive()
        valid = watcher.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_tried'::regclass").fetchone()
    assert valid == (True,)


def _build(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        schema_locks.bound_waits(connection, lock_timeout=SHORT)
        connection.execute(text("CREATE INDEX CONCURRENTLY ix_tried ON orders (created_at)"))
        assert connection.scalar(text("SHOW lock_timeout")) == SHORT, "and for the next change it is short again"
