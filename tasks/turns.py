"""How many threads of a worker drain one kind at once: more would only take smaller batches, at a cost each."""
from collections.abc import Iterator
from threading import BoundedSemaphore

from portal.core import jobs

_free: dict[str, BoundedSemaphore] = {}
_called: set[str] = set()  # kinds with a wake-up that nobody has acted upon yet


def turns(kind: str) -> Iterator[None]:
    """A turn to drain this kind, if one is free; another when somebody came in vain meanwhile.

    Whoever comes notes it before looking for a free turn, and who ends looks at the notes after giving the turn back:
    one of the two sees the other, so no wake-up is lost.
    """
    known = jobs.KINDS.get(kind)
    if known is None or known.drains_max is None:
        yield
        return
    free = _free.setdefault(kind, BoundedSemaphore(known.drains_max))
    _called.add(kind)
    while kind in _called and free.acquire(blocking=False):
        try:
            _called.discard(kind)
            yield
        finally:
            free.release()
