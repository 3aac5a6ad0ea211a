"""Wakes the workers of a kind through Redis: best effort, coalesced, and never slow for who does the waking.

A wake-up that waits unread stands for all that follow: a marker per kind says that one is on its way. The worker
drops the marker before it claims, so whatever was committed before is seen by that claim.
"""
import threading
import time

import structlog
from redis import ConnectionPool, Redis, RedisError

from tasks.app import huey, settings, work_off

log = structlog.get_logger("tasks")
MARKER_S = 2  # a lost message delays by this much at most; the dispatcher polls besides
TIMEOUT_S = 0.1
SULK_S = 2.0  # after a Redis that does not answer, leave it alone for this long

_redis = Redis(connection_pool=ConnectionPool.from_url(
    settings.redis_url.get_secret_value(), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S))
_lock = threading.Lock()
_silent_until = 0.0


def poke(kind: str) -> None:
    """Wake a worker for `kind`. Never raises; at most TIMEOUT_S slow, and then not again for SULK_S."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        if _redis.set(_marker(kind), "1", nx=True, ex=MARKER_S):
            message = huey.serialize_task(work_off.s(kind))
            _redis.lpush(huey.storage.queue_key, message)
    except RedisError as error:
        with _lock:
            _silent_until = time.monotonic() + SULK_S
        log.warning("redis_unavailable", error=repr(error))


def taken(kind: str) -> None:
    """A worker has the wake-up in hand: the next one is to be sent again."""
    try:
        _redis.delete(_marker(kind))
    except RedisError as error:
        log.warning("redis_unavailable", error=repr(error))


def _marker(kind: str) -> str:
    return f"quittance:woken:{kind}"


def waiting(queue_key: str) -> int:
    """Wake-ups nobody has read; 0 when Redis does not say."""
    try:
        return int(_redis.llen(queue_key))
    except RedisError:
        return 0
