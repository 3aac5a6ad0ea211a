"""Huey's log records among ours: a Redis that is away is a line now and then, not a traceback of each try."""
import logging
import time

import structlog
from redis import RedisError

AGAIN_S = 30.0
log = structlog.get_logger("tasks")


class Relay(logging.Handler):
    """Passes warnings and errors on to the root's handlers, and says in one line that Redis is away."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told_at = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, RedisError | OSError):
            logging.getLogger().handle(record)
        elif time.monotonic() - self._told_at >= AGAIN_S:
            self._told_at = time.monotonic()
            log.warning("redis_unavailable", error=repr(error))


def take_over() -> None:
    """In place of the handler that Huey's consumer brings, which writes plain text."""
    huey = logging.getLogger("huey")
    huey.handlers[:], huey.propagate = [Relay()], False
    huey.setLevel(logging.WARNING)
