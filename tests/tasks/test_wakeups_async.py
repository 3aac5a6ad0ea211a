"""Wake-ups from a process with an event loop: the same messages, and nobody waits for Redis."""
import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from redis import Redis

from tasks import wakeups, wakeups_async
from tasks.app import huey
from tasks.wakeups_async import LoopWaker
from tests.running import wait_for

KIND, OTHER = "match_order", "settle_order"


@pytest.fixture(autouse=True)
def _nothing_sent(redis_url: str) -> None:
    with Redis.from_url(redis_url) as valkey:
        valkey.flushdb()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Running in a thread of its own."""
    made = asyncio.new_event_loop()
    thread = Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def loop_poke(loop: asyncio.AbstractEventLoop, redis_url: str) -> Iterator[Callable[[str], None]]:
    made = asyncio.run_coroutine_threadsafe(_waker(), loop).result(5)
    yield made.poke
    asyncio.run_coroutine_threadsafe(made.close(), loop).result(5)


async def _waker() -> LoopWaker:
    return LoopWaker()


def sent(redis_url: str) -> int:
    with Redis.from_url(redis_url) as valkey:
        return int(valkey.llen(huey.storage.queue_key))


def test_pokes_of_many_threads_are_one_message_for_each_kind(loop_poke: Callable[[str], None], redis_url: str) -> None:
    for _ in range(50):
        loop_poke(KIND)
    loop_poke(OTHER)
    wait_for(lambda: sent(redis_url) == 2, "each kind has its message", 5)
    wakeups.reopen(KIND)
    loop_poke(KIND)
    wait_for(lambda: sent(redis_url) == 3, "the next poke is sent once a worker has the last", 5)
    with Redis.from_url(redis_url) as valkey:
        kinds = [huey.deserialize_task(message).args[0] for message in valkey.lrange(huey.storage.queue_key, 0, -1)]
    assert sorted(kinds) == [KIND, KIND, OTHER]


def test_a_silent_redis_holds_up_nobody(
        loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(wakeups_async, "settings", wakeups_async.settings.model_copy(update={
            "redis_url": type(wakeups_async.settings.redis_url)(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")}))
        made = asyncio.run_coroutine_threadsafe(_waker(), loop).result(5)
        begun = time.monotonic()
        for _ in range(50):
            made.poke(KIND)
        assert time.monotonic() - begun < 0.1
        wait_for(lambda: not wakeups_async.redis_breaker.is_closed(), "it is left alone", 5)
        asyncio.run_coroutine_threadsafe(made.close(), loop).result(5)


def test_a_loop_that_has_closed_is_no_error(redis_url: str) -> None:
    async def make() -> LoopWaker:
        made = LoopWaker()
        await made.close()
        return made

    asyncio.run(make()).poke(KIND)
    assert sent(redis_url) == 0
