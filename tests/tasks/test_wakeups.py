"""Waking workers through Redis: one message says it for all, and a Redis that is away costs next to nothing."""
import socket
import time

from redis import Redis

from portal.core import jobs, redis_breaker
from tasks import wakeups
from tasks.app import huey, work_off
from tasks.concurrency import in_turn

KIND = "match_order"


def messages(redis_url: str) -> int:
    with Redis.from_url(redis_url) as valkey:
        return int(valkey.llen(huey.storage.queue_key))


def forget(redis_url: str) -> None:
    with Redis.from_url(redis_url) as valkey:
        valkey.flushdb()


def test_a_poke_that_waits_stands_for_all_that_follow(redis_url: str) -> None:
    forget(redis_url)
    for _ in range(100):
        wakeups.poke(KIND)
    assert messages(redis_url) == 1
    wakeups.poke("settle_order")
    assert messages(redis_url) == 2, "another kind has a message of its own"


def test_once_a_worker_listens_again_the_next_poke_is_sent(redis_url: str) -> None:
    forget(redis_url)
    wakeups.poke(KIND)
    wakeups.reopen(KIND)
    wakeups.poke(KIND)
    assert messages(redis_url) == 2


def test_a_message_that_finds_every_turn_taken_goes_on_standing_for_all(redis_url: str, monkeypatch) -> None:
    monkeypatch.setitem(jobs.KINDS, KIND, jobs.Kind(KIND, lambda session, batch: None, drains_max=1))
    counted: list[int] = []

    def busy() -> None:
        if not counted:
            work_off.call_local(KIND)
            wakeups.poke(KIND)
            counted.append(messages(redis_url))

    forget(redis_url)
    wakeups.poke(KIND)
    in_turn(KIND, busy)
    assert counted == [1], "nobody has looked since: who holds the turn will"


def test_a_message_lost_by_redis_is_sent_again_within_two_seconds(redis_url: str) -> None:
    forget(redis_url)
    wakeups.poke(KIND)
    with Redis.from_url(redis_url) as valkey:
        assert 0 < valkey.pttl(wakeups.marker(KIND)) <= 2000
        valkey.delete(huey.storage.queue_key, wakeups.marker(KIND))
    wakeups.poke(KIND)
    assert messages(redis_url) == 1


def test_a_redis_that_never_answers_costs_one_short_wait(monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = Redis(port=silent.getsockname()[1], **redis_breaker.client_options())
        monkeypatch.setattr(wakeups, "_wake", mute.register_script(wakeups.WAKE))
        started = time.monotonic()
        for _ in range(50):
            wakeups.poke(KIND)
        assert redis_breaker.TIMEOUT_S <= time.monotonic() - started < 0.3
        mute.close()
