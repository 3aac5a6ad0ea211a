"""A Redis that does not answer is left alone for a while, by everybody in this process: nobody waits for it twice.

Redis holds only what may be missed (wake-ups, counts of calls), so a silence costs one short timeout every SULK_S.
"""
import time
from typing import Any

import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("redis")
TIMEOUT_S = 0.1
OPEN_S = 2

_silent_until = 0


def client_options() -> dict[str, Any]:
    """For every client of what may be missed: short timeouts, and no second try of its own."""
    return {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S, "retry": Retry(NoBackoff(), 0)}


def loop_options() -> dict[str, Any]:
    """As `options`, for a client on an event loop."""
    from redis.asyncio.retry import Retry as LoopRetry  # a worker has no loop, nor memory to give away

    return {**client_options(), "retry": LoopRetry(NoBackoff(), 0)}


def is_closed() -> bool:
    """Nobody has found it silent lately."""
    return time.monotonic_ns() >= _silent_until


def trip(error: BaseException) -> None:
    global _silent_until
    _silent_until = time.monotonic_ns() + OPEN_S * 10**9
    log.warning("redis_unavailable", error=repr(error))
