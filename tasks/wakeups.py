"""Wakes the workers of a kind through Redis: best effort, coalesced, and never slow for who does the waking.

A wake-up stands for all that follow while somebody works: a marker per kind says that one is on its way or in hand. Who
works looks until there is nothing, drops the marker and looks once more: whatever was committed before is seen by that.
"""
from collections.abc import Collection
from functools import cache
from typing import Any

from redis import RedisError

from portal.core import redis_breaker, redis_client
from tasks.app import huey, settings, work_off

LOOKED = "quittance.looked"
MARKER_S = 2  # a lost message delays by this much at most; the dispatcher polls besides
# The marker of each kind and its message in the queue: both or neither, in one round trip.
WAKE = """
    for at = 2, #KEYS do
        if redis.call('SET', KEYS[at], '1', 'NX', 'EX', ARGV[1]) then
            redis.call('LPUSH', KEYS[1], ARGV[at])
        end
    end"""

_redis = redis_client.client(settings.redis_url.get_secret_value(), **redis_breaker.client_options())
_wake = _redis.register_script(WAKE)


def poke(kind: str) -> None:
    """Wake a worker for `kind`. Never raises; slow at most once while Redis is silent."""
    if not redis_breaker.is_closed():
        return
    try:
        _wake(*wanted([kind]))
    except RedisError as error:
        redis_breaker.trip(error)


def reopen(kind: str) -> None:
    """The next wake-up is to be sent again. Never raises; while Redis is silent a marker's own end has to do."""
    if not redis_breaker.is_closed():
        return
    try:
        _redis.delete(marker(kind))
    except RedisError as error:
        redis_breaker.trip(error)


def marker(kind: str) -> str:
    return f"quittance:woken:{kind}"


def wanted(kinds: Collection[str]) -> tuple[list[str], list[Any]]:
    """Keys and values for WAKE."""
    return ([huey.storage.queue_key, *(marker(kind) for kind in kinds)],
            [MARKER_S, *(_message(kind) for kind in kinds)])


@cache
def _message(kind: str) -> bytes:
    """What Huey takes out of its queue; it says nothing but the kind, so every one is the same."""
    return bytes(huey.serialize_task(work_off.s(kind)))


def forget() -> None:
    """Messages that were signed with keys of before."""
    _message.cache_clear()


def answers() -> bool:
    """Redis takes what is written: a replica or one that is still loading does not. Never slow, never raises."""
    if redis_breaker.is_closed():
        try:
            _redis.set(LOOKED, 1, px=MARKER_S * 1000)
            return True
        except RedisError as error:
            redis_breaker.trip(error)
    return False


def waiting(queue_key: str) -> int:
    """Wake-ups nobody has read; 0 when Redis does not say."""
    try:
        return int(_redis.llen(queue_key))
    except RedisError:
        return 0
