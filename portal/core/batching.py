"""Group commit: what several requests bring at the same moment is done together, once.

On the event loop: whatever has gathered while the batch before was being done is the next one. No timer makes anybody
wait for company: alone, a piece of work is done at once. No thread takes part, because each hand-over between threads
costs more than the work (docs/decisions/0051).
"""
import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
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

    def __init__(self, name: str, do: Callable[[Sequence[T]], Awaitable[Sequence[R | None]]]) -> None:
        self._name, self._do = name, do
        self._gathered: deque[tuple[T, asyncio.Future[R | None]]] = deque()
        self._draining: asyncio.Task[None] | None = None

    def done_together(self, work: T) -> "asyncio.Future[R | None]":
        """What becomes of `work`; None: nothing was done for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R | None] = loop.create_future()
        self._gathered.append((work, future))
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain(), name=self._name)
        return future

    async def _drain(self) -> None:
        while self._gathered:
            batch = [self._gathered.popleft() for _ in range(min(len(self._gathered), BATCH_MAX))]
            outcomes: Sequence[R | None] = [None] * len(batch)
            try:
                outcomes = await self._outcomes([work for work, _ in batch])
            finally:  # also when this task is cancelled: nobody waits for ever
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if not future.done():  # a client that went away has cancelled its own
                        future.set_result(outcome)

    async def _outcomes(self, batch: Sequence[T]) -> Sequence[R | None]:
        try:
            return await self._do(batch)
        except Exception as error:  # whatever it was: each finds out alone, and its own sender hears of it
            log.warning("batch_failed", batch=self._name, pieces=len(batch), error=repr(error)[:300])
            return [None] * len(batch)
