"""Redis flushed, killed and struck dumb (faults 3): work is delayed and never lost, requests are hardly slower."""
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tests.running import START_WITHIN_S, running_desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.load import Load, stand_once, under_load
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once, seeded
from tests.tasks.servers import OwnValkey, own_valkey, silent_server

CAUGHT_UP_WITHIN_S = 60
SLOWER_MAX_S = 0.3
CALLS = 12


@pytest.mark.slow
@pytest.mark.parametrize(("faults", "away_s", "a_second"), [
    pytest.param(("flushed",) * 4 + ("killed",) * 2, 0, 30, id="flushed four times and killed twice"),
    pytest.param(("killed",) * 2, 120, 4, id="away twice for two minutes", marks=pytest.mark.timeout(900))])
def test_redis_fails_under_load(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path,
                                faults: tuple[str, ...], away_s: float, a_second: float) -> None:
    """`away_s`: how long at least it stays killed. Every order is taken, at any moment."""
    inject = seeded(3).sample(faults, len(faults))
    with (own_valkey() as valkey, running_desk(
            fresh_database, tmp_path / "desk.log", settings={"REDIS_URL": valkey.url,
                                                            "RATELIMIT_ENABLED": "false"}) as desk,
          under_load(caller_of(desk, cast_of_four()), a_second) as load):
        for fault in inject:
            _more(load)
            if fault == "flushed":
                _flush(valkey)
            else:
                valkey.kill()
                _more(load, away_s)
                valkey.start()
                _caught_up(record)
        load.end()
        assert {answer.status for _, _, answer in load.answers} == {201}
        orders = stand_once(record, load.asked, load.acked)
        all_matched(record, len(orders))
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty")
    effects_once(record, orders, settled=False)


def _more(load: Load, for_s: float = 0) -> None:
    """Ten more orders come in, and so long a time goes by."""
    since = time.monotonic()
    wait_for(lambda: load.taken_since(since) >= 10 and time.monotonic() >= since + for_s, "more orders",
             for_s + START_WITHIN_S)


def _caught_up(record: Record) -> None:
    """All that came in until its return is matched, while more comes in."""
    returned = datetime.now(UTC)
    wait_for(lambda: not record.one("SELECT count(*) FROM orders WHERE status = 'new' AND created_at < %s", returned),
             "it is caught up", CAUGHT_UP_WITHIN_S)
    print(f"caught up {(datetime.now(UTC) - returned).total_seconds():.1f} s after its return")  # noqa: T201


@pytest.mark.slow
def test_a_redis_that_never_answers_makes_nobody_wait(fresh_app: Flask, fresh_database: str, redis_url: str,
                                                      tmp_path: Path) -> None:
    cast = cast_of_four()
    with running_desk(fresh_database, tmp_path / "desk.log", "web") as desk:
        caller = caller_of(desk, cast)
        link = caller.payin(0).json["payment_url"].removeprefix(desk.url)
    # both just started: a first call also compiles templates and prepares statements, whatever Redis does
    with running_desk(fresh_database, tmp_path / "well.log", "web") as well:
        usual = _times(Caller(well.port, caller.token, cast.method), link, 1)
    with silent_server() as port, running_desk(fresh_database, tmp_path / "mute.log", "web", settings={
            "REDIS_URL": f"redis://127.0.0.1:{port}/0"}) as mute:
        slow = _times(Caller(mute.port, caller.token, cast.method), link, 100)
    assert max(slow) <= max(usual) + SLOWER_MAX_S, f"usually {max(usual):.3f} s, with a silent Redis {max(slow):.3f} s"


def _times(caller: Caller, link: str, first: int) -> list[float]:
    """Of new orders, looks at the payment page and the way in."""
    caller.call("GET", "/login")  # templates are compiled on the first look
    answers = []
    for number in range(first, first + CALLS):
        answers += [caller.payin(number), caller.call("GET", link), caller.call("GET", "/login")]
    assert {answer.status for answer in answers} == {200, 201}
    return [answer.took_s for answer in answers]


def _flush(valkey: OwnValkey) -> None:
    with Redis.from_url(valkey.url) as client:
        client.flushall()
