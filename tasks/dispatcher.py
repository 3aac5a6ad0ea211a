"""`python -m tasks.dispatcher`: polls each second for due work that nobody took and wakes the workers. Any number run.

What Redis loses is found here again, so a flushed or absent Redis delays work and never loses it.
"""
if __name__ == "__main__":  # the process, and nobody who looks at it
    from tasks import lean

    assert lean  # before anything else

import signal
import threading

import structlog
from flask import Flask
from psycopg.errors import QueryCanceled, UndefinedColumn, UndefinedTable
from sqlalchemy.exc import DBAPIError

from portal import create_lookout, live_settings
from portal.core import clock, jobs, metrics, page_events, readiness, request_log
from portal.core.db import db, must_retry, transaction
from portal.core.errors import DatabaseUnavailable, LockTimeout
from tasks import kinds, wakeups
from tasks.app import huey, look_at_database, settings

log = structlog.get_logger("dispatcher")
EVERY_S = 1.0
WAITING_MAX = 1000  # wake-ups unread in Redis: more would not help


def look_once() -> None:
    """Recurring work, unknown kinds, and one wake-up for each kind with due work.

    By a clock that has just been put no slot is turned: one of the future would keep all until then from being made.
    """
    with transaction() as session:
        if not clock.steps.stepped_s():
            jobs.enqueue_recurring(session)
        jobs.bury_unknown(session)
    with transaction() as session:
        due = jobs.due_kinds(session)
    if due and wakeups.waiting(huey.storage.queue_key) < WAITING_MAX:
        for kind in due:
            wakeups.poke(kind)


def is_weather(error: DBAPIError) -> bool:
    """A statement that was given up because the database is slow, or is to be tried again: a second later we look."""
    return must_retry(error) or isinstance(error.orig, QueryCanceled)


def is_unmigrated(error: DBAPIError) -> bool:
    """A table or column that is not there yet, rather than one that our statement should not name."""
    return (isinstance(error.orig, (UndefinedTable, UndefinedColumn))
            and readiness.reasons_not_ready() == ["migrations"])


def begin() -> Flask:
    """All that stands before the first look."""
    app = create_lookout(settings)
    live_settings.begin(lambda: app, use=live_settings.use_bare)
    jobs.poke_with(wakeups.poke)
    page_events.connect(settings.redis_url.get_secret_value())
    kinds.learn()
    return app


def main() -> None:
    look_at_database()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = begin()
    metrics.serve(settings.metrics_host, settings.metrics_port and settings.metrics_port + 1)
    with app.app_context():
        log.info("dispatcher_started")
        while not stop.wait(EVERY_S):
            request_log.begin()
            try:
                look_once()
                metrics.TURNS.labels("done").inc()
            except (DatabaseUnavailable, LockTimeout) as error:
                metrics.TURNS.labels("waited").inc()
                log.warning(error.code)
            except DBAPIError as error:
                metrics.TURNS.labels("failed").inc()
                if is_weather(error):
                    log.warning("database_slow", error=type(error.orig).__name__)
                elif is_unmigrated(error):
                    log.warning("migrations_have_not_run")
                else:
                    log.exception("dispatcher_failed")
            except Exception:  # a dispatcher that dies stops everything: say it, and go on
                metrics.TURNS.labels("failed").inc()
                log.exception("dispatcher_failed")
            finally:
                db.session.remove()
    log.info("dispatcher_stopped")


if __name__ == "__main__":
    main()
