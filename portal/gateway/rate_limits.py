"""How often one key may call: reads and writes counted apart, in Redis, so that all processes count together.

Who shows no good key is counted by address. Each call counts once, whichever way it took, and one that the desk itself
ended in 503 not at all: who comes back after an outage is not refused for having knocked.

Flask-Limiter counts before a blueprint can tell whose key it is, asks Redis again for the headers and puts
`Retry-After` on every answer; so Redis is asked here directly: one round trip a request, or a batch of them.
Without Redis nothing is counted and everybody passes.
"""
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Flask, current_app, g, request

from portal.core import clock, redis_breaker, redis_client
from portal.core.addresses import network_of
from portal.gateway.errors import TooManyRequests

BURST = 200
READ_WINDOW_S = 2  # 200 in 2 s: 100 a second, 200 at once
WRITE_WINDOW_S = 4  # 200 in 4 s: 50 a second, 200 at once
ADVANCE_MAX, ADVANCE_WINDOW_S = 20, 4  # of a store's test orders: each may have the robots, which all stores share
STRANGER_MAX, STRANGER_WINDOW_S = 60, 60  # calls without a good key, by address
EXTENSION = "gateway_limits"
COUNTED = "quittance.counted"  # in scope and environ: how the lane has counted this call
# So many calls more of each key: one command and one answer for a batch, where two commands a key cost the event loop
# a tenth of its time. Each counter by itself, so that a cluster would need another way.
COUNT = """
    local counts = {}
    for at, key in ipairs(KEYS) do
        counts[at] = redis.call('INCRBY', key, ARGV[at + 1])
        redis.call('EXPIRE', key, ARGV[1])
    end
    return counts"""
# Not of a window that is over: its counter would live again, below nothing.
GIVE_BACK = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1])"


class Counted(NamedTuple):
    """The `calls`th call by this counter, which lives for one window."""

    calls: int
    counter: str
    most: int
    window_s: int


class Counter:
    """Calls of each key in the present window."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.client(redis_url, **redis_breaker.client_options())
        self._on_loop = redis_client.loop_client(redis_url, **redis_breaker.loop_options())
        self._ask, self._ask_on_loop = self._redis.register_script(COUNT), self._on_loop.register_script(COUNT)
        self._give_back = self._redis.register_script(GIVE_BACK)
        self._heard_in, self._heard = 0, dict[UUID, int]()  # of writes, in the newest window this process has seen

    def count(self, key_id: UUID, *, writes: bool) -> Counted | None:
        """This call in its window; None when Redis does not say."""
        window_s = WRITE_WINDOW_S if writes else READ_WINDOW_S
        counted = self._count(_name(str(key_id), "w" if writes else "r", window_s), BURST, window_s)
        if writes and counted is not None:
            self._hear({key_id: counted.calls})
        return counted

    def count_stranger(self, network: str) -> Counted | None:
        """This call of who shows no good key; None when Redis does not say."""
        return self._count(_name(network, "s", STRANGER_WINDOW_S), STRANGER_MAX, STRANGER_WINDOW_S)

    def count_advance(self, store_id: UUID) -> Counted | None:
        """This turning of a test order's clock; None when Redis does not say."""
        return self._count(_name(str(store_id), "a", ADVANCE_WINDOW_S), ADVANCE_MAX, ADVANCE_WINDOW_S)

    def give_back(self, counted: Counted) -> None:
        """It did not count."""
        if redis_breaker.is_closed():
            try:
                self._give_back([counted.counter])
            except Exception as error:  # as below
                redis_breaker.trip(error)

    def give_all_back(self, counts: Sequence[Counted]) -> None:
        """None of these counted."""
        for counted in counts:
            self.give_back(counted)

    def _count(self, name: str, most: int, window_s: int) -> Counted | None:
        if not redis_breaker.is_closed():
            return None
        try:
            return Counted(int(self._ask([name], [window_s, 1])[0]), name, most, window_s)
        except Exception as error:  # whatever a broken Redis raises: the gateway fails open
            redis_breaker.trip(error)
            return None

    async def count_writes(self, key_ids: Sequence[UUID]) -> list[Counted] | None:
        """Several at once, on the event loop: each call, in their order; None when Redis does not say."""
        if not redis_breaker.is_closed():
            return None
        more = Tally(key_ids)
        names = [_name(str(key_id), "w", WRITE_WINDOW_S) for key_id in more]
        try:
            answers = await self._ask_on_loop(names, [WRITE_WINDOW_S, *more.values()])
        except Exception as error:  # as above
            redis_breaker.trip(error)
            return None
        self._hear(dict(zip(more, answers, strict=True)))
        name_of = dict(zip(more, names, strict=True))
        last = {key_id: answer - calls for (key_id, calls), answer in zip(more.items(), answers, strict=True)}
        counts = []
        for key_id in key_ids:
            last[key_id] += 1
            counts.append(Counted(last[key_id], name_of[key_id], BURST, WRITE_WINDOW_S))
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


def _name(of: str, kind: str, window_s: int) -> str:
    return f"quittance:gateway:{of}:{kind}:{_slot(window_s)}"


def _slot(window_s: int) -> int:
    return int(clock.now().timestamp() // window_s)


def register(app: Flask) -> None:
    settings = app.extensions["settings"]
    if settings.ratelimit_enabled:
        app.extensions[EXTENSION] = Counter(settings.redis_url.get_secret_value())


def check(key_id: UUID, *, writes: bool) -> None:
    """Count this call of a key, unless the lane has. Raises TooManyRequests."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    if counter is not None:
        _judge(request.environ.get(COUNTED) or counter.count(key_id, writes=writes))


def check_advance(store_id: UUID | None) -> None:
    """Count this turning of a test order's clock, besides the call itself. Raises TooManyRequests."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    if counter is not None and store_id is not None:
        _refuse_beyond(counter.count_advance(store_id))


def check_stranger() -> None:
    """Count this call of nobody known, by address. Raises TooManyRequests."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    if counter is not None:
        _judge(counter.count_stranger(network_of(request.remote_addr or "")))


def give_back() -> None:
    """The desk itself could not do it: this call does not count."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    counted: Counted | None = g.get("counted")
    if counter is not None and counted is not None:
        counter.give_back(counted)


def _judge(counted: Counted | None) -> None:
    if counted is not None:
        g.counted = counted
        _refuse_beyond(counted)


def _refuse_beyond(counted: Counted | None) -> None:
    if counted is not None and counted.calls > counted.most:
        error = TooManyRequests()
        error.retry_after_s = int(left(counted)["RateLimit-Reset"])
        raise error


def left(counted: Counted) -> dict[str, str]:
    """What may still be done in this window, as headers."""
    left_s = counted.window_s - clock.now().timestamp() % counted.window_s
    return {"RateLimit-Limit": str(counted.most), "RateLimit-Remaining": str(max(0, counted.most - counted.calls)),
            "RateLimit-Reset": str(max(1, round(left_s)))}


def shown() -> dict[str, str]:
    """What is left, on every answer."""
    counted: Counted | None = g.get("counted")
    return {} if counted is None else left(counted)
