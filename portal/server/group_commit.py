"""Group commit: what several requests bring at the same moment is done together, once.

On the event loop: whatever has gathered while the batch before was being done is the next one. Alone, a piece of work
is done at once; a batch of several is followed by the next after `apart_s` at the earliest, because where company is,
more is coming, and waiting for it makes less work for everybody. No thread takes part, because each hand-over between
threads costs more than the work (docs/decisions/0050).
"""
import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import psycopg
import structlog

from portal.core.errors import PortalError

T = TypeVar("T")
R = TypeVar("R")
BATCH_MAX = 50
log = structlog.get_logger("batching")


class GroupCommit(Generic[T, R]):
    """`do` is given the pieces that have gathered and returns what became of each, None where nothing did.

    A piece without an outcome, and every piece of a batch that failed, is its sender's own business again.
    """

    def __init__(self, name: str, do: Callable[[Sequence[T]], Awaitable[Sequence[R | None]]], *,
                 apart_s: float = 0.0) -> None:
        self._name, self._do, self._apart_s = name, do, apart_s
        self._next_at = float("-inf")  # by the loop's clock
        self._gathered: deque[tuple[T, asyncio.Future[R | None]]] = deque()
        self._draining: asyncio.Task[None] | None = None

    def submit(self, work: T) -> "asyncio.Future[R | None]":
        """What becomes of `work`; None: nothing was done for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R | None] = loop.create_future()
        self._gathered.append((work, future))
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain(), name=self._name)
        return future

    @property
    def waiting(self) -> int:
        """Pieces that have not been taken up."""
        return len(self._gathered)

    async def _drain(self) -> None:
        clock, batch = asyncio.get_running_loop().time, list[tuple[T, asyncio.Future[R | None]]]()
        try:
            while self._gathered:
                if (early_s := self._next_at - clock()) > 0:
                    await asyncio.sleep(early_s)
                batch = [self._gathered.popleft() for _ in range(min(len(self._gathered), BATCH_MAX))]
                self._next_at = clock() + self._apart_s * (len(batch) > 1)
                _tell(batch, await self._outcomes([work for work, _ in batch]))
        finally:  # also when this task is cancelled: nobody waits for ever
            left = [*batch, *self._gathered]
            self._gathered.clear()
            _tell(left, [None] * len(left))

    async def _outcomes(self, batch: Sequence[T]) -> Sequence[R | None]:
        try:
            return await self._do(batch)
        except Exception as error:  # whatever it was: each finds out alone, and its own sender hears of it
            say_failed(self._name, len(batch), error)
            return [None] * len(batch)


def say_failed(name: str, pieces: int, error: Exception) -> None:
    """Bad weather is a warning; a fault of ours, which nobody's answer would tell of, goes to Sentry."""
    weather = isinstance(error, (PortalError, psycopg.Error, OSError))
    say = log.warning if weather else log.error
    say("batch_failed", batch=name, pieces=pieces, error=repr(error)[:300], exc_info=None if weather else error)


def _tell(batch: Sequence[tuple[T, "asyncio.Future[R | None]"]], outcomes: Sequence[R | None]) -> None:
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if not future.done():  # a client that went away has cancelled its own
            future.set_result(outcome)
