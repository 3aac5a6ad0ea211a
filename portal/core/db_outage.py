"""Bad weather at the database: told from an unhappy statement, and a wait that has no end is hung up on.

A commit that waits for a synchronous standby is covered by no timeout of PostgreSQL. It must never be cancelled either:
PostgreSQL would then commit on one copy alone, and say so to nobody who asks again (docs/decisions/0058).
"""
import os
import re
import socket
import threading
import time
from typing import Any

import psycopg
import structlog
from psycopg.errors import LockNotAvailable, PipelineAborted

from portal.core.errors import OutcomeUnknown

log = structlog.get_logger("database")
ANSWER_WITHIN_S = 5.0
LOOK_EVERY_S = 0.25
READ_ONLY, IDLE_TOO_LONG, FULL = "25006", "25P03", "53300"  # the first is a standby's word
BROKEN, GOING = "08", "57P"  # classes: connections, the server's own coming and going
_PLACE = re.compile(r"^.*\(\d+,\d+\).*$", re.MULTILINE)
WANT, DISK_ERROR = "53", "58030"  # a class: no disk, no memory


def is_away(error: BaseException | None) -> bool:
    """The server is away, going, full or a standby, not unhappy with the statement: let go of the connection."""
    if not isinstance(error, psycopg.Error):
        return False
    if (state := error.sqlstate) is None:
        return isinstance(error, psycopg.OperationalError) and not isinstance(error, PipelineAborted)
    return state in (READ_ONLY, IDLE_TOO_LONG, FULL) or state.startswith((BROKEN, GOING))


def is_in_want(error: BaseException | None) -> bool:
    """The server has no room, and says so well: the connection is good, the same statement is once there is room."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and (state.startswith(WANT) or state == DISK_ERROR)


def row_waited_for(error: LockNotAvailable) -> str | None:
    """The server's line that tells of the row, or of the unique key in the making, that somebody else has.

    None: it waited for a table, or behind others who wait for the same row (`shut_tables` tells which). In every
    language of the server that line has the row's place, (page,item), and its table's name.
    """
    place = _PLACE.search(error.diag.context or "")
    return place and place[0]


class patient:
    """Around a wait on this connection: after ANSWER_WITHIN_S it is hung up on, and nothing is cancelled.

    For threads and the event loop alike; a class, not a generator: it stands around each create.
    Raises OutcomeUnknown.
    """

    __slots__ = ("_driver", "_hung_up", "_until")

    def __init__(self, driver: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
        self._driver, self._hung_up = driver, False

    def __enter__(self) -> None:
        self._until = time.monotonic() + ANSWER_WITHIN_S
        _waiting.add(self)
        _watcher.start_once()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with _lock:
            _waiting.discard(self)
        if self._hung_up and error is not None:
            raise OutcomeUnknown() from error

    def hang_up_if_late(self) -> None:
        """By the watcher, while nobody can end the wait."""
        if self in _waiting and time.monotonic() >= self._until:
            _waiting.discard(self)
            self._hung_up = True
            log.warning("hung_up", waited_s=ANSWER_WITHIN_S)
            hang_up(self._driver)


def hang_up(driver: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """From any thread: whoever waits on this connection finds it gone. The server goes on with what it was told."""
    try:
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.OperationalError):
        pass  # gone already


class _Watcher:
    """One thread of the process that waits, begun with the first wait."""

    def __init__(self) -> None:
        self._pid: int | None = None

    def start_once(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._watch, name="patience", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            for wait in tuple(_waiting):
                with _lock:
                    wait.hang_up_if_late()


_waiting: set[patient] = set()
_lock = threading.Lock()
_watcher = _Watcher()
