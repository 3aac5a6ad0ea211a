"""Of many requests that ask for the same thing under one key, one works and the others wait for its answer."""
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.core.errors import LockTimeout

WAIT_S = 2.0  # for who uses the same key; as long as the database waits for a lock
_in_flight: dict[tuple[object, ...], threading.Event] = {}
_lock = threading.Lock()


@contextmanager
def first_in_line(*scope: object) -> Iterator[None]:
    """Let the first of this process go ahead; the others wait without a connection of the pool.

    The database keeps order between processes; this keeps a crowd from taking every connection to wait there.
    Raises LockTimeout.
    """
    with _lock:
        ahead = _in_flight.get(scope)
        mine = None if ahead is not None else _in_flight.setdefault(scope, threading.Event())
    if ahead is not None and not ahead.wait(WAIT_S):
        raise LockTimeout()
    try:
        yield
    finally:
        if mine is not None:
            del _in_flight[scope]
            mine.set()
