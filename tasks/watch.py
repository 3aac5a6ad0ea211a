"""What a worker process looks after twice a second, whatever its threads are busy with.

Leases of work in hand are renewed. A clock that was put is told, and no work is taken by it. A database that went away
is asked for, and meanwhile no wake-up is taken, so that other workers get them. And where Redis is silent this is the
second bell: who has nothing to wait for looks into `jobs` by himself, so that matching goes on without it.
"""
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.core import clock, jobs, request_log
from portal.core.db import db, transaction
from portal.core.errors import DatabaseUnavailable, LockTimeout
from portal.core.jobs import KINDS
from tasks import wakeups

EVERY_S = 0.5
BELL_EVERY_S = 1.0
BELLS_MAX = 2  # kinds at once; the pool has a connection for each, and one for this thread
LONG_S = 300  # a kind with such a lease may take minutes: one at a time, so that a thread is left for others
FIRST = "match_order"  # a customer waits for it
WEATHER = (DatabaseUnavailable, LockTimeout, DBAPIError)
log = structlog.get_logger("tasks")

class Watch:
    """Of one worker. `drain` does the due work of a kind, as after a wake-up."""

    def __init__(self, application: Callable[[], Flask], drain: Callable[[str], object], away: threading.Event) -> None:
        """`away`: set by who misses the database, cleared here."""
        self._application, self._drain, self._away = application, drain, away
        self._threads = ThreadPoolExecutor(BELLS_MAX, thread_name_prefix="bell")
        self._ringing: set[str] = set()
        self._rang_at = float("-inf")
        self._stepped_s = 0.0

    def begin(self, stop: threading.Event) -> None:
        threading.Thread(target=self._go_on, args=(stop,), name="watch", daemon=True).start()

    def look(self) -> None:
        """Once. Raises what the database does."""
        jobs.renew()
        if self._clock_was_put():
            return
        if self._away.is_set():
            with transaction() as session:
                session.execute(text("SELECT 1"))  # a standby is none: nobody connects to it
            self._away.clear()
            log.info("database_is_back")
            self._ring()
        elif time.monotonic() - self._rang_at >= BELL_EVERY_S and not wakeups.answers():
            self._ring()

    def _go_on(self, stop: threading.Event) -> None:
        with self._application().app_context():
            while not stop.wait(EVERY_S):
                request_log.begin()
                try:
                    self.look()
                except WEATHER as error:
                    log.warning("watch_waits", error=type(error).__name__)
                except Exception:  # who looks after all others goes on
                    log.exception("watch_failed")
                finally:
                    db.session.remove()

    def _clock_was_put(self) -> bool:
        """Then nothing is taken up (decision 0203): by a clock an hour ahead every order's time is over."""
        stepped_s = clock.steps.stepped_s()
        if stepped_s and not self._stepped_s:
            log.error("clock_stepped", seconds=round(stepped_s))
        if self._stepped_s and not stepped_s:  # back, or trusted where it is and then it may be the right one
            with transaction() as session:
                back = jobs.bring_back(session, timedelta(seconds=abs(self._stepped_s)))
            log.warning("clock_is_trusted", jobs=back)
        self._stepped_s = stepped_s
        return bool(stepped_s)

    def _ring(self) -> None:
        """Have all due work looked for."""
        self._rang_at = time.monotonic()
        with transaction() as session:
            due = jobs.due_kinds(session)
        for kind in sorted(set(due) - self._ringing, key=lambda kind: (kind != FIRST, _is_long(kind), kind)):
            if _is_long(kind) and any(map(_is_long, tuple(self._ringing))):
                continue  # at the next bell
            self._ringing.add(kind)
            self._threads.submit(self._work, kind)

    def _work(self, kind: str) -> None:
        try:
            self._drain(kind)
        except Exception:  # nobody asks this thread what became of it
            log.exception("bell_failed", kind=kind)
        finally:
            self._ringing.discard(kind)


def _is_long(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].lease_s >= LONG_S
