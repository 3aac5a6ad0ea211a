"""How long a change of the schema waits for others, who meanwhile queue up behind it."""
import random
import time
from collections.abc import Callable
from typing import Any

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

LOCK_TIMEOUT = "300ms"  # the worst stall of an upgrade is 500 (faults 29)
TRY_FOR_S, PAUSE_S = 600.0, 1.0  # a proof of a million orders is over by then
log = structlog.get_logger("migrations")


def insist(change: Callable[[], None], *, try_for_s: float = TRY_FOR_S, pause_s: float = PAUSE_S) -> None:
    """Try a change that takes nothing along when it fails, until its locks are to be had; the desk goes on in between.

    Raises what it was refused with last, once `try_for_s` is over.
    """
    until = time.monotonic() + try_for_s
    while True:
        try:
            return change()
        except DBAPIError as error:
            if not isinstance(error.orig, pg.LockNotAvailable) or time.monotonic() > until:
                raise
        log.warning("lock_not_available", waited=LOCK_TIMEOUT, for_s=round(until - time.monotonic()))
        time.sleep(pause_s * random.uniform(.5, 1.5))


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
