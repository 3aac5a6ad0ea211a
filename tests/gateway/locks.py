"""What another process has locked, and threads that do not wait for it long."""
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine, event, text

from portal.core.db import db


@contextmanager
def another_process() -> Iterator[Connection]:
    """In a transaction, with a connection that is none of this process's few; it is taken back in the end."""
    db.session.rollback()
    with create_engine(db.engine.url, poolclass=NullPool).connect() as other:
        yield other
        other.rollback()


@contextmanager
def no_order_can_be_written(mode: str = "SHARE ROW EXCLUSIVE") -> Iterator[Connection]:
    """Another process holds the table, until its transaction is taken back."""
    with another_process() as other:
        other.execute(text(f"LOCK TABLE orders IN {mode} MODE"))
        yield other


@contextmanager
def impatient() -> Iterator[None]:
    """Threads wait a tenth as long for a lock."""
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")

    event.listen(db.engine, "begin", begin)
    try:
        yield
    finally:
        event.remove(db.engine, "begin", begin)
