"""Who of a worker's threads drains a kind: one, because more would only take smaller batches, at a cost each.

Another one joins, up to the kind's `drains_max`, when more than one batch is due, and when the batch in hand is old:
what waits there for somebody's lock must not keep all other work waiting.
"""
import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from portal.core import jobs

STUCK_S = 1.0  # since the last look for work
_lock = Lock()
_inside: Counter[str] = Counter()
_looked_at: dict[str, float] = {}
_called: set[str] = set()  # kinds with a wake-up that nobody has acted upon yet


def in_turn(kind: str, drain: Callable[[], object]) -> None:
    """Drain this kind if it is this thread's turn; and again when somebody came in vain meanwhile.

    Whoever comes notes it before asking for a turn, and who ends looks at the notes after giving the turn back: one of
    the two sees the other, so no wake-up is lost. A drain that raises gives its turn back too.
    """
    known = jobs.KINDS.get(kind)
    if known is None or known.drains_max is None:
        drain()
        return
    _called.add(kind)
    while kind in _called and _enter(kind, known.drains_max):
        try:
            _called.discard(kind)
            drain()
        finally:
            _leave(kind)


def note_poll(kind: str, behind: bool = False) -> None:
    """Who drains this kind looks for another batch: it is not stuck. `behind`: help is welcome all the same."""
    _looked_at[kind] = float("-inf") if behind else time.monotonic()


def _enter(kind: str, most: int) -> bool:
    with _lock:
        if _inside[kind] and (_inside[kind] >= most or time.monotonic() - _looked_at[kind] < STUCK_S):
            return False
        _inside[kind] += 1
        note_poll(kind)
        return True


def _leave(kind: str) -> None:
    with _lock:
        _inside[kind] -= 1
