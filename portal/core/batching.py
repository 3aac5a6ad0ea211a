"""Group commit: what several requests bring at the same moment is done together, once.

One thread takes whatever has gathered while it was busy with the batch before. No timer makes anybody wait for
company: alone, a piece of work is done at once.
"""
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import structlog

from portal.core.errors import DatabaseUnavailable

T = TypeVar("T")
BATCH_MAX = 50
WAIT_MAX_S = 15.0  # longer than the database waits for anything
log = structlog.get_logger("batching")


class _Waiting(Generic[T]):
    """One piece of work and the lock its caller sleeps on, which is the cheapest bell there is."""

    __slots__ = ("bell", "done", "work")

    def __init__(self, work: T) -> None:
        self.work, self.done, self.bell = work, False, threading.Lock()
        self.bell.acquire()


class Batcher(Generic[T]):
    """`do` is given the pieces that have gathered, and says of each whether it is done.

    A piece that `do` has not done, and every piece of a batch that failed, is its caller's own business again.
    """

    def __init__(self, name: str, do: Callable[[Sequence[T]], Sequence[bool]]) -> None:
        self._name, self._do = name, do
        self._gathered: SimpleQueue[_Waiting[T]] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def done_together(self, work: T) -> bool:
        """Wait until the batch with this piece is done. False: nothing was done for it, do it alone.

        Raises DatabaseUnavailable when nobody can say for too long.
        """
        mine = _Waiting(work)
        self._gathered.put(mine)
        if self._thread is None or not self._thread.is_alive():
            self._start()
        if not mine.bell.acquire(timeout=WAIT_MAX_S):
            raise DatabaseUnavailable()
        return mine.done

    def _start(self) -> None:
        """With the first piece, so that the thread belongs to the process that serves, not to one that forked it."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._always, name=self._name, daemon=True)
                self._thread.start()

    def _always(self) -> None:
        while True:
            batch = [self._gathered.get()]
            try:
                while len(batch) < BATCH_MAX:
                    batch.append(self._gathered.get_nowait())
            except Empty:
                pass
            self._one(batch)

    def _one(self, batch: Sequence[_Waiting[T]]) -> None:
        try:
            for waiting, done in zip(batch, self._do([each.work for each in batch]), strict=True):
                waiting.done = done
        except Exception as error:  # whatever it was: each finds out alone, and its own caller hears of it
            log.warning("batch_failed", batch=self._name, pieces=len(batch), error=repr(error)[:300])
        finally:
            for waiting in batch:
                waiting.bell.release()
