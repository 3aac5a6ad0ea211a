"""Wakes the workers of a kind through Redis: best effort, coalesced, and never slow for who does the waking.

A wake-up that waits unread stands for all that follow: a marker per kind says that one is on its way. The worker
drops the marker before it claims, so whatever was committed before is seen by that claim.
"""
from redis import ConnectionPool, Redis, RedisError

from portal.core import calm
from tasks.app import huey, settings, work_off

MARKER_S = 2  # a lost message delays by this much at most; the dispatcher polls besides

_redis = Redis(connection_pool=ConnectionPool.from_url(settings.redis_url.get_secret_value(), **calm.options()))


def poke(kind: str) -> None:
    """Wake a worker for `kind`. Never raises; slow at most once while Redis is silent."""
    if not calm.answers():
        return
    try:
        if _redis.set(marker(kind), "1", nx=True, ex=MARKER_S):
            _redis.lpush(huey.storage.queue_key, message(kind))
    except RedisError as error:
        calm.fell_silent(error)


def taken(kind: str) -> None:
    """A worker has the wake-up in hand: the next one is to be sent again."""
    try:
        _redis.delete(marker(kind))
    except RedisError as error:
        calm.fell_silent(error)


def marker(kind: str) -> str:
    return f"quittance:woken:{kind}"


def message(kind: str) -> bytes:
    """What Huey takes out of its queue."""
    return bytes(huey.serialize_task(work_off.s(kind)))


def waiting(queue_key: str) -> int:
    """Wake-ups nobody has read; 0 when Redis does not say."""
    try:
        return int(_redis.llen(queue_key))
    except RedisError:
        return 0
