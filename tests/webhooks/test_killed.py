"""A worker of the Procfile, killed with requests in its hands: everything arrives, under the ids it had."""
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
from flask import Flask

from portal.webhooks import claims
from tests.running import Desk, running_desk, wait_for
from tests.waiting import dawdle
from tests.webhooks.conftest import open_shop
from tests.webhooks.receiver import Received, listening

COUNT = 20


def all_delivered(url: str, count: int = COUNT) -> Callable[[], bool]:
    def look() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'").fetchone()
            return row is not None and row[0] == count

    return look


@contextmanager
def desk_of(database: str, tmp_path: Path) -> Iterator[Desk]:
    with running_desk(database, tmp_path / "desk.log", "worker", "dispatcher") as desk:
        yield desk


def test_kill_9_loses_nothing(fresh_app: Flask, fresh_database: str, url_of: Callable[[str, str], str],
                              tmp_path: Path) -> None:
    held = threading.Event()

    def slow_at_first(one: Received) -> tuple[int, dict[str, str], bytes]:
        held.wait(0.3)
        return 200, {}, b""

    owner = url_of(fresh_database, "owner")
    with listening(slow_at_first) as receiver:
        shop = open_shop()
        shop.endpoint(receiver.url)
        shop.tell(COUNT)
        with desk_of(fresh_database, tmp_path) as desk:
            for _ in range(2):
                seen = len(receiver.received)
                wait_for(lambda seen=seen: len(receiver.received) >= seen + 4, "requests are under way")  # type: ignore[misc]
                desk.kill("worker")
                leases_run_out(owner)
                desk.start("worker")
            held.set()
            wait_for(all_delivered(owner), "everything is delivered", 40)
    assert len(set(receiver.ids)) == COUNT, "each event has one id over all attempts"
    assert len(receiver.received) > COUNT, "what was in hand was sent again"
    assert receiver.at_once_max <= claims.ENDPOINT_MAX * 3, "those of the dead, and no more than four of the living"


def test_a_stop_lets_requests_end(fresh_app: Flask, fresh_database: str, url_of: Callable[[str, str], str],
                                  tmp_path: Path) -> None:
    owner = url_of(fresh_database, "owner")

    def slow(one: Received) -> tuple[int, dict[str, str], bytes]:
        dawdle(1)
        return 200, {}, b""

    with listening(slow) as receiver:
        shop = open_shop()
        shop.endpoint(receiver.url)
        shop.tell(COUNT)
        with desk_of(fresh_database, tmp_path) as desk:
            wait_for(lambda: len(receiver.received) >= 4, "requests are under way")
            assert desk.terminate("worker") < 30
            sent = len(receiver.received)
            with psycopg.connect(owner) as connection:
                row = connection.execute("SELECT (SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'),"
                                         " (SELECT count(*) FROM jobs WHERE lease IS NOT NULL)").fetchone()
            assert row == (sent, 0), "what was begun is written down, and nothing is left leased"
            desk.start("worker")
            wait_for(all_delivered(owner), "the rest is delivered", 40)
    assert len(receiver.received) == COUNT, "nothing was sent twice"


def leases_run_out(owner: str) -> None:
    """Forty-five seconds later."""
    with psycopg.connect(owner) as connection:
        connection.execute("UPDATE jobs SET leased_until = leased_until - %s WHERE lease IS NOT NULL",
                           [timedelta(seconds=46)])
