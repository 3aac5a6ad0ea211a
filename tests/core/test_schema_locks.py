"""A migration waits shortly for who holds a table, and as long as it takes where it holds nobody up."""
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, pool, text
from sqlalchemy.exc import OperationalError

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
