"""Group commit: what several requests bring at the same moment is done together, once.

A thread takes whatever has gathered while it was busy with the batch before. No timer makes anybody wait for company:
alone, a piece of work is done at once. Who waits is a coroutine, so that a crowd costs no threads.
"""
import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
R = TypeVar("R")
BATCH_MAX = 50
log = structlog.get_logger("batching")


class Batcher(Generic[T, R]):
    """`do` is given the pieces that have gathered and returns what became of each, None where nothing did.

    A piece without an outcome, and every piece of a batch that failed, is its sender's own business again.
    """

    def __init__(self, name: str, do: Callable[[Sequence[T]], Sequence[R | None]], *, threads: int = 1) -> None:
        self._name, self._do = name, do
        self._gathered: SimpleQueue[tuple[T, asyncio.Future[R | None]]] = SimpleQueue()
        self._missing = threads

    def done_together(self, work: T) -> "asyncio.Future[R | None]":
        """What becomes of `work`; None: nothing was done for it."""
        future: asyncio.Future[R | None] = asyncio.get_running_loop().create_future()
        self._gathered.put((work, future))
        while self._missing:  # with the first piece: a thread does not survive a fork
            self._missing -= 1
            threading.Thread(target=self._always, name=self._name, daemon=True).start()
        return future

    def _always(self) -> None:
        while True:
            batch = [self._gathered.get()]
            with suppress(Empty):
                while len(batch) < BATCH_MAX:
                    batch.append(self._gathered.get_nowait())
            outcomes = self._outcomes([work for work, _ in batch])
            futures = [future for _, future in batch]
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                futures[0].get_loop().call_soon_threadsafe(_tell, futures, outcomes)

    def _outcomes(self, batch: Sequence[T]) -> Sequence[R | None]:
        try:
            return self._do(batch)
        except Exception as error:  # whatever it was: each finds out alone, and its own sender hears of it
            log.warning("batch_failed", batch=self._name, pieces=len(batch), error=repr(error)[:300])
            return [None] * len(batch)


def _tell(futures: Sequence["asyncio.Future[R | None]"], outcomes: Sequence[R | None]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if not future.done():  # a client that went away has cancelled its own
            future.set_result(outcome)
