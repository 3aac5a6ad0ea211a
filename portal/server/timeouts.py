"""Time limits on the event loop for what comes in by the thousand."""
import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Timeouts:
    """Cancels whoever waits longer than `seconds`, give or take a tenth: all are looked at together.

    A timer for each request would cost the event loop more than reading its body does.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._pause_s = seconds, seconds / 10
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._next: asyncio.TimerHandle | None = None

    async def with_each(self, work: Awaitable[T]) -> T:
        """What comes of `work`. Raises TimeoutError."""
        task = asyncio.current_task()
        assert task is not None
        self._since[task] = time.monotonic()
        if self._next is None:
            self._next = asyncio.get_running_loop().call_later(self._pause_s, self._look)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            del self._since[task]
            self._late.discard(task)

    def _look(self) -> None:
        now = time.monotonic()
        for task, since in self._since.items():
            if now - since >= self._seconds and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._next = asyncio.get_running_loop().call_later(self._pause_s, self._look) if self._since else None
