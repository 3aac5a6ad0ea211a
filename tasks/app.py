"""Huey: wake-ups and nothing else. A message says "there is work of this kind"; the work itself lies in `jobs`."""
import signal
import time
from functools import lru_cache, partial
from threading import Event, Lock
from typing import Any

import structlog
from flask import Flask
from huey import RedisHuey

from portal import live_settings
from portal.core import (
    clock,
    jobs,
    logging,
    metrics,
    page_events,
    redis_client,
    request_log,
    start_check,
    tracing,
)
from portal.core.db import db
from portal.core.errors import DatabaseUnavailable
from portal.server import gc_tuning, malloc_tuning
from portal.setting_checks import each
from portal.settings import Settings, load
from tasks import concurrency, huey_log
from tasks.signing import Signed

malloc_tuning.settle()
settings = load()
away = Event()  # the database: somebody could not claim, and `tasks/watch.py` has not reached it since
BLOCK_S = 2  # how long an idle worker waits for a message before it looks whether to stop
AWAY_PAUSE_S = 0.2
log = structlog.get_logger("tasks")
_making = Lock()
_made: list[Flask] = []


class Wakeups(RedisHuey):  # type: ignore[misc]
    """Huey, whose consumer writes our log and tells the job runner when it was asked to stop."""

    def create_consumer(self, **options: Any) -> Any:
        look_at_database()
        huey_log.take_over()
        consumer = super().create_consumer(**options)
        metrics.serve(settings.metrics_host, settings.metrics_port)
        jobs.stop_when(lambda: consumer.stop_flag.is_set() or bool(clock.steps.stepped_s()))
        consumer._signal_actions.pop(signal.SIGHUP)  # Huey would restart: secrets are read anew in place
        live_settings.begin(application)
        from tasks.watch import Watch  # wakes workers itself, by way of this module

        Watch(application, work_off.call_local, away).begin(consumer.stop_flag)
        return consumer

    def dequeue(self) -> Any:
        """A process without its database, or whose clock has just been put, leaves the wake-ups to others."""
        if away.is_set() or clock.steps.stepped_s():
            time.sleep(AWAY_PAUSE_S)
            return None
        return super().dequeue()

    def deserialize_task(self, data: bytes) -> Any:
        """A sender's wake-ups of a kind are the same bytes each time: opened once."""
        return self._registry.create_task(self._opened(data))

    @lru_cache(maxsize=256)  # noqa: B019 (there is one for the whole life of the process)
    def _opened(self, data: bytes) -> Any:
        return self.serializer.deserialize(data)

    def is_revoked(self, task: Any, timestamp: Any = None, peek: bool = True) -> bool:
        """Nobody takes a wake-up back: it is not asked for, before each and after."""
        return False

    def delete(self, key: str) -> bool:
        """As above: there is nothing to forget."""
        return False


def look_at_database() -> None:
    """At start, before there is an application. Raises Unfit."""
    logging.configure(settings.log_level)
    start_check.insist(settings.sqlalchemy_url, prepared=settings.database_prepared,
                       keys=settings.master_key_ids)


huey = Wakeups(
    "quittance", results=False, store_none=False, utc=True, blocking=True, read_timeout=BLOCK_S,
    serializer=Signed(each(settings.huey_key)),
    connection_pool=redis_client.pool(settings.redis_url.get_secret_value(), socket_timeout=BLOCK_S + 3,
                                      socket_connect_timeout=1, health_check_interval=15))


def sign_wakeups_with(changed: Settings) -> None:
    """What was signed and what was proved before is forgotten with the keys."""
    from tasks import wakeups

    huey.serializer.use(each(changed.huey_key))
    huey._opened.cache_clear()
    wakeups.forget()


live_settings.when_changed(sign_wakeups_with)


@huey.task()  # type: ignore[untyped-decorator]
def work_off(kind: str) -> None:
    """Do the due work of a kind. Harmless twice, and harmless when there is none."""
    concurrency.in_turn(kind, partial(_drain, kind))


def _drain(kind: str) -> None:
    with application().app_context():
        request_log.begin()
        try:
            jobs.run(kind)
        except DatabaseUnavailable:
            log.warning("database_unavailable", kind=kind)
            away.set()
            jobs.reopen_wakeups(kind)
            jobs.poke(kind)  # for somebody who has a database, or for us once it is back
        finally:
            db.session.remove()


def application() -> Flask:
    """A worker's. Made once, by whichever thread comes first."""
    from portal import create_app
    from tasks import registry, wakeups

    assert registry.ALL
    with _making:
        if not _made:
            jobs.poke_with(wakeups.poke, note_poll=concurrency.note_poll, reopen_wakeups=wakeups.reopen)
            page_events.connect(settings.redis_url.get_secret_value())
            _made.append(create_app(settings, process="worker"))
    return _made[0]


@huey.on_startup()  # type: ignore[untyped-decorator]
def make_application() -> None:
    application()
    tracing.begin(settings.traces_url, share=settings.traces_share, key=settings.trace_key, process="worker")
    gc_tuning.settle()
