"""Huey: wake-ups and nothing else. A message says "there is work of this kind"; the work itself lies in `jobs`."""
from functools import cache, lru_cache, partial
from typing import Any

import structlog
from flask import Flask
from huey import RedisHuey
from huey.serializer import SignedSerializer
from redis import ConnectionPool

from portal.core import garbage, jobs, live, observe
from portal.core.db import db
from portal.core.errors import DatabaseUnavailable
from portal.settings import load
from tasks import kinds, quiet, turns

settings = load()
BLOCK_S = 2  # how long an idle worker waits for a message before it looks whether to stop
log = structlog.get_logger("tasks")


class Wakeups(RedisHuey):  # type: ignore[misc]
    """Huey, whose consumer writes our log and tells the job runner when it was asked to stop."""

    def create_consumer(self, **options: Any) -> Any:
        quiet.take_over()
        consumer = super().create_consumer(**options)
        jobs.stop_when(consumer.stop_flag.is_set)
        return consumer

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


huey = Wakeups(
    "quittance", results=False, store_none=False, utc=True, blocking=True, read_timeout=BLOCK_S,
    serializer=SignedSerializer(secret=settings.huey_key.get_secret_value()),
    connection_pool=ConnectionPool.from_url(settings.redis_url.get_secret_value(), socket_timeout=BLOCK_S + 3,
                                            socket_connect_timeout=1, health_check_interval=15))


@huey.task()  # type: ignore[untyped-decorator]
def work_off(kind: str) -> None:
    """Do the due work of a kind. Harmless twice, and harmless when there is none."""
    turns.in_turn(kind, partial(_drain, kind))


def _drain(kind: str) -> None:
    with application().app_context():
        observe.begin()
        try:
            jobs.run(kind)
        except DatabaseUnavailable:
            log.warning("database_unavailable", kind=kind)  # the dispatcher wakes us again
        finally:
            db.session.remove()


@cache
def application() -> Flask:
    from portal import create_app
    from tasks import waker

    jobs.poke_with(waker.poke, looking=turns.looking, listen=waker.listen)
    live.connect(settings.redis_url.get_secret_value())
    return create_app(settings, process="worker")


@huey.on_startup()  # type: ignore[untyped-decorator]
def make_application() -> None:
    application()
    garbage.settle()


assert kinds.ALL
