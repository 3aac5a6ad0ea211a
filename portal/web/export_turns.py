"""Whose export is written now: few at once in a process, one of each person, and a slow reader holds up nobody.

Writing a file takes a thread and the database; reading it takes neither (`bridge`). So a turn is for writing: a reader
who takes the pieces more slowly than they are made steps aside when somebody else asks, and reads on.
"""
import threading
import time
from collections.abc import Iterable, Iterator
from uuid import UUID

from portal.core.errors import TooMany, Unavailable

AT_ONCE_MAX = 2  # being written, in one process
ASIDE_MAX = 16  # being read slowly besides; each holds a piece, a batch of rows or a file on disk
SLOW_AFTER_S = 5.0  # then it is seen how fast somebody reads
SLOW_BELOW = 0.5  # of the time is spent on making pieces; the rest is waiting for their reader


class TooManyExports(Unavailable):
    """Other exports are being written just now. Try again in a minute."""

    code = "export_busy"
    retry_after_s = 30


class ExportRunning(TooMany):
    """Your other export is not finished yet. Wait for its end or cancel its download, then try again."""

    code = "export_running"
    retry_after_s = 30


class Turn:
    """One export, from its first piece to its last. `person`: whose; None counts for nobody."""

    def __init__(self, person: UUID | None) -> None:
        """Raises TooManyExports, ExportRunning."""
        self.person, self._began_at, self._made_s = person, time.monotonic(), 0.0
        with _lock:
            if person is not None and any(turn.person == person for turn in (*_written, *_aside)):
                raise ExportRunning()
            if len(_written) >= AT_ONCE_MAX and not any(turn._steps_aside() for turn in list(_written) if turn.is_slow):
                raise TooManyExports()
            _written.add(self)

    @property
    def is_slow(self) -> bool:
        """Its reader is what it waits for."""
        took_s = time.monotonic() - self._began_at
        return took_s >= SLOW_AFTER_S and self._made_s < took_s * SLOW_BELOW

    def is_made(self) -> None:
        """All of it lies in a file: nothing but reading is left."""
        with _lock:
            self._steps_aside()

    def end(self) -> None:
        """Harmless twice."""
        with _lock:
            _written.discard(self)
            _aside.discard(self)

    def until_end(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        made = iter(pieces)
        try:
            while True:
                began_at = time.monotonic()
                piece = next(made, None)
                self._made_s += time.monotonic() - began_at
                if piece is None:
                    return
                yield piece
        finally:
            self.end()
            close = getattr(made, "close", None)
            if close is not None:
                close()

    def _steps_aside(self) -> bool:
        if self not in _written or len(_aside) >= ASIDE_MAX:
            return False
        _written.remove(self)
        _aside.add(self)
        return True


_lock = threading.Lock()
_written: set[Turn] = set()
_aside: set[Turn] = set()
