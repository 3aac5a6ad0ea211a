"""How many threads of a worker drain one kind at once: more would only take smaller batches, at a cost each."""
from collections.abc import Callable
from threading import BoundedSemaphore

from portal.core import jobs

_free: dict[str, BoundedSemaphore] = {}
_called: set[str] = set()  # kinds with a wake-up that nobody has acted upon yet


def in_turn(kind: str, drain: Callable[[], object]) -> None:
    """Drain this kind if a turn is free; and again when somebody came in vain meanwhile.

    Whoever comes notes it before looking for a free turn, and who ends looks at the notes after giving the turn back:
    one of the two sees the other, so no wake-up is lost. A drain that raises gives its turn back too.
    """
    known = jobs.KINDS.get(kind)
    if known is None or known.drains_max is None:
        drain()
        return
    free = _free.setdefault(kind, BoundedSemaphore(known.drains_max))
    _called.add(kind)
    while kind in _called and free.acquire(blocking=False):
        try:
            _called.discard(kind)
            drain()
        finally:
            free.release()
