"""One ear on Redis for all streams of this process. While it hears nothing, streams are told to ask for themselves."""
import asyncio
import json
from contextlib import suppress
from itertools import count
from uuid import UUID

import structlog
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from portal.core import page_events, redis_client
from portal.server.live.audience import Listener

PING_EVERY_S = 5.0
SILENT_AFTER_S = 2.0
POLL_S = 3.0  # how often streams ask for everything while Redis is away
STREAMS_MAX = 512  # of one process; the Procfile's --backpressure must be well above it
PER_USER_MAX = 8
RESYNC = "resync"
log = structlog.get_logger("live")


class Stream:
    """What one browser has still to be told: a burst is told once."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.news: dict[str, int] = {}
        self.stirred = asyncio.Event()

    def tell(self, name: str, version: int) -> None:
        self.news[name] = version
        self.stirred.set()

    def take(self) -> dict[str, int]:
        news, self.news = self.news, {}
        self.stirred.clear()
        return news


class Hub:
    """The streams of this process, and the task that feeds them."""

    def __init__(self, redis_url: str, *, streams_max: int = STREAMS_MAX) -> None:
        self._url, self._max = redis_url, streams_max
        self._streams: dict[Stream, UUID] = {}
        self._versions = count(1)
        self._listening: asyncio.Task[None] | None = None
        self.closing, self.hearing = asyncio.Event(), asyncio.Event()

    @property
    def size(self) -> int:
        return len(self._streams)

    def has_room(self, user_id: UUID | None = None) -> bool:
        if self.closing.is_set() or len(self._streams) >= self._max:
            return False
        return user_id is None or sum(1 for user in self._streams.values() if user == user_id) < PER_USER_MAX

    def join(self, stream: Stream) -> None:
        self._streams[stream] = stream.listener.user_id
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen_always())

    def leave(self, stream: Stream) -> None:
        self._streams.pop(stream, None)

    def close(self) -> None:
        """The server stops: every stream ends by itself at once, and no new one begins."""
        self.closing.set()
        for stream in self._streams:
            stream.stirred.set()
        if self._listening is not None:
            self._listening.cancel()

    def hear(self, message: bytes) -> None:
        """Names of what changed with whom it concerns; only names go on, and only to those."""
        try:
            notes = json.loads(message)
        except ValueError:
            log.warning("live_message_unreadable")
            return
        for name, audience in notes.items():
            version, concerned = next(self._versions), frozenset(audience)
            for stream in self._streams:
                if stream.listener.hears & concerned:
                    stream.tell(name, version)

    def tell_all(self, name: str) -> None:
        version = next(self._versions)
        for stream in self._streams:
            stream.tell(name, version)

    async def _listen_always(self) -> None:
        heard_before = True
        while True:
            try:
                await self._listen(resync=not heard_before)
            except (RedisError, OSError, TimeoutError) as error:
                if heard_before:
                    log.warning("live_redis_unavailable", error=repr(error))
                heard_before = False
                self.tell_all(RESYNC)
                await asyncio.sleep(POLL_S)

    async def _listen(self, *, resync: bool) -> None:
        """Until Redis goes away or falls silent, which is raised."""
        # no second try of its own: what was missed meanwhile must be asked for
        redis = redis_client.loop_client(self._url, socket_connect_timeout=SILENT_AFTER_S, retry=Retry(NoBackoff(), 0))
        try:
            async with redis.pubsub() as ear:
                async with asyncio.timeout(SILENT_AFTER_S):
                    await ear.subscribe(page_events.channel_of(self._url))
                    await ear.get_message(timeout=SILENT_AFTER_S)
                self.hearing.set()
                if resync:
                    log.info("live_redis_is_back")
                    self.tell_all(RESYNC)
                while True:
                    await self._hear_or_ping(ear)
        finally:
            self.hearing.clear()
            with suppress(RedisError, OSError):
                await redis.aclose()

    async def _hear_or_ping(self, ear: PubSub) -> None:
        message = await ear.get_message(timeout=PING_EVERY_S)
        if message is None:
            async with asyncio.timeout(SILENT_AFTER_S):
                await ear.ping()
                message = await ear.get_message(timeout=SILENT_AFTER_S)
            if message is None:
                raise TimeoutError("Redis is silent")
        if message["type"] == "message":
            self.hear(message["data"])
