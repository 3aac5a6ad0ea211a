"""Calls into their table, off the road that they took: gathered in memory, written by a thread in batches.

Whoever has answered a call makes its row, a few hundredths of a millisecond, and puts it down; so nothing but what may
be kept waits here. The thread only hands rows to the database: if it made them, it and the event loop would take the
interpreter from each other at every few, which cost twice as much as the rows (docs/decisions/0212). What comes faster
than it can be written, or while the database is away, is dropped and counted (`quittance_logged_calls`): a log must not
slow down what it tells of. Nothing here is needed by an order. Commits do not wait for the disk: a crash may lose the
last second.
"""
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter
from psycopg import errors as pg
from sqlalchemy import Engine

from portal.calls import redaction
from portal.calls.models import SEARCH_MAX
from portal.core import ids
from portal.core.db import engine_options
from portal.core.db_outage import is_away, is_in_want
from portal.core.errors import NotFound

EXTENSION = "call_log"
CALLS_MAX, BYTES_MAX = 10_000, 16 * 1024 * 1024  # that wait, of one process
BATCH_MAX = 500
BODY_MAX = 32 * 1024  # a larger one is told by its size only
TEXT_MAX = 1000
SEARCHED_BYTES_MAX = 1000  # of an external id: a row of an index takes 2,704, and refuses the whole call beyond
TOO_MANY = 429
LATER = (pg.LockNotAvailable, pg.QueryCanceled, pg.DeadlockDetected, pg.SerializationFailure)  # the moment's trouble
GATHER_S, AGAIN_S, LAST_S = .25, 2.0, 3.0
ORDERS = ("pin", "pout")
COLUMNS = ("id", "created_at", "store_id", "live", "key_id", "method", "path", "status", "code", "ms", "external_id",
           "order_id", "request_bytes", "answer_bytes", "request", "answer")
REQUEST, ANSWER = COLUMNS.index("request"), COLUMNS.index("answer")
COPY = f"COPY logged_calls ({', '.join(COLUMNS)}) FROM STDIN"
Row = tuple[Any, ...]
CALLS = Counter("quittance_logged_calls", "Calls for their store's log: written, dropped from a full queue, or failed",
                ["outcome"])
for _outcome in ("dropped", "failed"):  # there from the start
    CALLS.labels(_outcome)
log = structlog.get_logger("calls")


class Seen(NamedTuple):
    """A call as it came and went, with everything in it: for the moment only."""

    request_id: str
    store_id: UUID
    live: bool
    key_id: UUID
    method: str
    path: str
    query: str
    status: int
    seconds: float
    body: bytes
    answer: bytes
    made: UUID | None = None  # the order that it made and that can tell its answer again: that is not kept twice


class Writer:
    """Of one process; its thread begins with the first call."""

    def __init__(self, engine: Engine, *, prepared: bool = True) -> None:
        """To the same server as this engine, of which nothing else is used."""
        named: dict[str, Any] = engine.dialect.create_connect_args(engine.url)[1]  # type: ignore[assignment]
        self._arguments = named | engine_options("calls", pool_size=1, prepared=prepared)["connect_args"]
        self._connection: psycopg.Connection[Any] | None = None
        self._waiting, self._bytes = deque[Row](), 0
        self._lock, self._filled = threading.Lock(), threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, seen: Seen) -> None:
        """Remember to write it, if there is room. Never waits and never raises."""
        most = CALLS_MAX if seen.status != TOO_MANY else CALLS_MAX // 2  # who is refused for calling too often
        if self._closed or len(self._waiting) >= most or self._bytes >= BYTES_MAX:
            CALLS.labels("dropped").inc()
            return
        try:
            row = row_of(seen)
        except Exception as error:  # a fault of ours with one call, whatever it holds: its answer is none the worse
            _say_failed(seen.request_id, error)
            return
        with self._lock:
            self._waiting.append(row)
            self._bytes += _size(row)
        if not self._filled.is_set():
            self._begin()

    def flush(self) -> None:
        """Write everything that waits. Raises psycopg's errors while the database is away; what was taken waits then.

        What cannot be written at all is dropped and counted alone: it would hold up or take along all others.
        """
        with self._writing:
            while batch := self._take():
                try:
                    self._write(batch)
                except psycopg.Error as error:
                    if self._is_away(error):
                        self._give_back(batch)
                        raise
                    self._write_each(batch)

    def close(self) -> None:
        """Write what is left, within a moment, and let the database go."""
        with self._lock:
            self._closed = True
        self._filled.set()
        if self._thread is not None:
            self._thread.join(LAST_S)
        with suppress(psycopg.Error):
            self.flush()
        if self._connection is not None:
            self._connection.close()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:  # with the first call: a thread does not survive a fork
                self._thread = threading.Thread(target=self._always, name="calls", daemon=True)
                self._thread.start()
        self._filled.set()

    def _always(self) -> None:
        while not self._closed:
            self._filled.wait()
            time.sleep(GATHER_S)
            self._filled.clear()
            try:
                self.flush()
            except psycopg.Error as error:
                log.warning("calls_wait", error=type(error).__name__)
                self._filled.set()
                time.sleep(AGAIN_S)

    def _take(self) -> list[Row]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
            self._bytes -= sum(map(_size, batch))
        return batch

    def _give_back(self, batch: Sequence[Row]) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(batch))
            self._bytes += sum(map(_size, batch))

    def _is_away(self, error: psycopg.Error) -> bool:
        """Later it may be written as it is."""
        lost = self._connection is None or self._connection.closed
        return lost or is_away(error) or is_in_want(error) or isinstance(error, LATER)

    def _write_each(self, batch: Sequence[Row]) -> None:
        """Raises psycopg's errors when the database goes away meanwhile; the rest waits then."""
        for at, row in enumerate(batch):
            try:
                self._write([row])
            except psycopg.Error as error:
                if self._is_away(error):
                    self._give_back(batch[at:])
                    raise
                _say_failed(ids.public("req", row[0]), error)

    def _write(self, rows: Sequence[Row]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._connection = psycopg.connect(**self._arguments, autocommit=True)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            with cursor.copy(COPY) as copy:
                for row in rows:
                    copy.write_row(row)
        CALLS.labels("written").inc(len(rows))


def _say_failed(request_id: str, error: Exception) -> None:
    """Where it broke, and never its message: that may hold what was sent."""
    CALLS.labels("failed").inc()
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("call_not_written", request_id=request_id, error=type(error).__name__, at=f"{place.name}:{place.lineno}")


def row_of(seen: Seen) -> Row:
    """As it is kept, in the order of COLUMNS."""
    id = ids.parse("req", seen.request_id)
    kept = 0 < len(seen.body) <= BODY_MAX and seen.status != TOO_MANY
    sent, request = redaction.body(seen.body) if kept else (None, None)
    answered = seen.made is None and 0 < len(seen.answer) <= BODY_MAX
    told, answer = redaction.body(seen.answer) if answered else (None, None)
    if seen.status == TOO_MANY:
        answer = None
    sent, told = sent if isinstance(sent, dict) else {}, told if isinstance(told, dict) else {}
    query = redaction.query(seen.query)
    path = redaction.path(seen.path) + (f"?{query}" if query else "")
    code = told.get("code") if seen.status >= 400 else None
    return (id, datetime.fromtimestamp((id.int >> 80) / 1000, UTC), seen.store_id, seen.live, seen.key_id, seen.method,
            _plain(path), seen.status, _plain(code), round(seen.seconds * 1000),
            _searched(sent.get("external_id") or told.get("external_id")), seen.made or _order(seen.path, told),
            len(seen.body), len(seen.answer), request, answer)


def _order(path: str, told: dict[str, Any]) -> UUID | None:
    """The order that it was about: by its address, or by what it made."""
    for shown in (*path.split("/")[4:5], told.get("id")):
        with suppress(NotFound):
            return ids.parse_any(ORDERS, str(shown))
    return None


def _searched(external_id: object) -> str | None:
    """As it can be looked for; what an index could not hold stands in the body only."""
    plain = _plain(external_id)
    fits = plain is not None and len(plain) <= SEARCH_MAX and len(plain.encode()) <= SEARCHED_BYTES_MAX
    return plain if fits else None


def _plain(text: object) -> str | None:
    """What PostgreSQL takes as text."""
    return text[:TEXT_MAX].replace("\0", "\ufffd").encode("utf-8", "replace").decode() if isinstance(
        text, str) and text else None


def _size(row: Row) -> int:
    """Of its bodies, in characters."""
    return len(row[REQUEST] or "") + len(row[ANSWER] or "")
