"""`wakeups.poke` for a process with an event loop: nobody waits for Redis, neither the loop nor a thread."""
import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress

from redis import RedisError

from portal.core import redis_breaker, redis_client
from portal.server.group_commit import GroupCommit
from tasks import wakeups
from tasks.app import settings


class LoopWaker:
    """Of the running loop. What is wanted while a wake-up is under way is sent after it, once for each kind."""

    def __init__(self) -> None:
        self._redis = redis_client.loop_client(settings.redis_url.get_secret_value(), **redis_breaker.loop_options())
        self._wake = self._redis.register_script(wakeups.WAKE)
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._wanted: GroupCommit[str, None] = GroupCommit("wake-ups", self._send)

    def poke(self, kind: str) -> None:
        """From any thread. Never raises, never waits. On the loop it goes out before the answers of this moment."""
        with suppress(RuntimeError):  # the loop has closed: the dispatcher sees to it
            if threading.get_ident() == self._thread:
                self._wanted.submit(kind)
            else:
                self._loop.call_soon_threadsafe(self._wanted.submit, kind)

    async def close(self) -> None:
        """Let go of Redis, on the loop that has used it."""
        await self._redis.aclose()

    async def _send(self, kinds: Sequence[str]) -> list[None]:
        if redis_breaker.is_closed():
            try:
                await self._wake(*wakeups.wanted(set(kinds)))
            except RedisError as error:
                redis_breaker.trip(error)
        return [None] * len(kinds)
