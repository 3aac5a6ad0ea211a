"""How long a change of the schema waits for others, who meanwhile queue up behind it."""
from typing import Any

from sqlalchemy import Connection, event, text

LOCK_TIMEOUT = "4s"


def bound_waits(connection: Connection, *, lock_timeout: str = LOCK_TIMEOUT) -> None:
    """Shortly: the whole desk stands behind a lock that is waited for.

    But as long as it takes where an index is built CONCURRENTLY: that waits for transactions that are older than it
    (a proof of a million orders, a dump) and holds nobody up. Given up, it leaves an index that is not valid; so a
    rehearsal with a million orders ended.
    """
    connection.execute(text(f"SET lock_timeout = '{lock_timeout}'"))

    @event.listens_for(connection, "before_cursor_execute")
    def before(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if _holds_nobody_up(statement):
            cursor.execute("SET lock_timeout = 0")

    @event.listens_for(connection, "after_cursor_execute")
    def after(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if _holds_nobody_up(statement):
            cursor.execute(f"SET lock_timeout = '{lock_timeout}'")


def _holds_nobody_up(statement: str) -> bool:
    return "CONCURRENTLY" in statement.upper()
