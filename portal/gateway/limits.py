"""How often one key may call: reads and writes counted apart, in Redis, so that all processes count together.

Flask-Limiter counts before a blueprint can tell whose key it is, asks Redis again for the headers and puts
`Retry-After` on every answer; so Redis is asked here directly: one round trip a request, or a batch of them.
Without Redis nothing is counted and everybody passes.
"""
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Flask, current_app, g
from redis import ConnectionPool, Redis
from redis.asyncio import Redis as LoopRedis

from portal.core import calm, clock
from portal.gateway.errors import TooManyRequests

BURST = 200
READ_WINDOW_S = 2  # 200 in 2 s: 100 a second, 200 at once
WRITE_WINDOW_S = 4  # 200 in 4 s: 50 a second, 200 at once
EXTENSION = "gateway_limits"
# So many calls more of each key: one command and one answer for a batch, where two commands a key cost the event loop
# a tenth of its time. Each counter by itself, so that a cluster would need another way.
COUNT = """
    local counts = {}
    for at, key in ipairs(KEYS) do
        counts[at] = redis.call('INCRBY', key, ARGV[at + 1])
        redis.call('EXPIRE', key, ARGV[1])
    end
    return counts"""


class Counter:
    """Calls of each key in the present window."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis(connection_pool=ConnectionPool.from_url(redis_url, **calm.options()))
        self._on_loop = LoopRedis.from_url(redis_url, **calm.loop_options())
        self._ask, self._ask_on_loop = self._redis.register_script(COUNT), self._on_loop.register_script(COUNT)
        self._heard_in, self._heard = 0, dict[UUID, int]()  # of writes, in the newest window this process has seen

    def count(self, key_id: UUID, *, writes: bool) -> int | None:
        """This call's number in its window; None when Redis does not say."""
        if not calm.answers():
            return None
        try:
            calls = int(self._ask(*_asked({key_id: 1}, writes=writes))[0])
        except Exception as error:  # whatever a broken Redis raises: the gateway fails open
            calm.fell_silent(error)
            return None
        if writes:
            self._hear({key_id: calls})
        return calls

    async def count_writes(self, key_ids: Sequence[UUID]) -> list[int] | None:
        """Several at once, on the event loop: the number of each, in their order; None when Redis does not say."""
        if not calm.answers():
            return None
        more = Tally(key_ids)
        try:
            answers = await self._ask_on_loop(*_asked(more, writes=True))
        except Exception as error:  # as above
            calm.fell_silent(error)
            return None
        self._hear(dict(zip(more, answers, strict=True)))
        last = {key_id: answer - calls for (key_id, calls), answer in zip(more.items(), answers, strict=True)}
        counts = []
        for key_id in key_ids:
            last[key_id] += 1
            counts.append(last[key_id])
        return counts

    def far(self, key_ids: Sequence[UUID]) -> bool:
        """Whether all these writes are far from their keys' limits, by what this process has heard.

        Half of each limit is left for what others have counted meanwhile: only who shares a key with another process
        can pass its limit unasked, and by less than a batch.
        """
        known = self._heard if self._heard_in == _slot(WRITE_WINDOW_S) else {}
        return all(known.get(key_id, 0) + more <= BURST // 2 for key_id, more in Tally(key_ids).items())

    def _hear(self, counts: Mapping[UUID, int]) -> None:
        slot = _slot(WRITE_WINDOW_S)
        if slot != self._heard_in:
            self._heard_in, self._heard = slot, {}
        self._heard.update(counts)

    async def close(self) -> None:
        """Let go of what was opened on this event loop."""
        await self._on_loop.aclose()


def _asked(more: Mapping[UUID, int], *, writes: bool) -> tuple[list[str], list[int]]:
    """What COUNT wants: the names of the counters; how long they live, and how many calls more of each."""
    window_s = WRITE_WINDOW_S if writes else READ_WINDOW_S
    names = [f"quittance:gateway:{key_id}:{'w' if writes else 'r'}:{_slot(window_s)}" for key_id in more]
    return names, [window_s, *more.values()]


def _slot(window_s: int) -> int:
    return int(clock.now().timestamp() // window_s)


def register(app: Flask) -> None:
    settings = app.extensions["settings"]
    if settings.ratelimit_enabled:
        app.extensions[EXTENSION] = Counter(settings.redis_url.get_secret_value())


def check(key_id: UUID, *, writes: bool) -> None:
    """Count this call of a key. Raises TooManyRequests."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    if counter is None:
        return
    calls = counter.count(key_id, writes=writes)
    if calls is None:
        return
    g.rate = left(calls, writes=writes)
    if calls > BURST:
        error = TooManyRequests()
        error.retry_after_s = int(g.rate["RateLimit-Reset"])
        raise error


def left(calls: int, *, writes: bool = True) -> dict[str, str]:
    """What a key may still do in this window, as headers."""
    window_s = WRITE_WINDOW_S if writes else READ_WINDOW_S
    left_s = window_s - clock.now().timestamp() % window_s
    return {"RateLimit-Limit": str(BURST), "RateLimit-Remaining": str(max(0, BURST - calls)),
            "RateLimit-Reset": str(max(1, round(left_s)))}


def shown() -> dict[str, str]:
    """What is left, on every answer to a key."""
    rate: dict[str, str] = g.get("rate", {})
    return rate
