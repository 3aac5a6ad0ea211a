"""Redis flushed, killed and struck dumb (faults 3): work is delayed and never lost, requests are hardly slower."""
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tests.running import running_desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.record import Record, all_matched, cast_of_four, effects_once, seeded
from tests.tasks.servers import OwnValkey, own_valkey, silent_server

ORDERS = 100
SLOWER_MAX_S = 0.3
CALLS = 12


@pytest.mark.slow
def test_redis_flushed_four_times_and_killed_twice(fresh_app: Flask, fresh_database: str, record: Record,
                                                   tmp_path: Path) -> None:
    chance = seeded(3)
    cast = cast_of_four()
    with own_valkey() as valkey, running_desk(
            fresh_database, tmp_path / "desk.log", settings={"REDIS_URL": valkey.url,
                                                            "RATELIMIT_ENABLED": "false"}) as desk:
        caller = caller_of(desk, cast)
        faults = ["flushed"] * 4 + ["killed"] * 2
        chance.shuffle(faults)
        for number in range(ORDERS):
            stage, place = divmod(number, ORDERS // len(faults))
            fault = faults[stage] if stage < len(faults) else None
            if fault == "flushed" and place == 5:
                _flush(valkey)
            if fault == "killed" and place == 2:
                valkey.kill()
            if fault == "killed" and place == 12:  # ten orders came in meanwhile
                valkey.start()
            assert caller.payin(number).status == 201
        all_matched(record, ORDERS)
        wait_for(lambda: not record.waiting("match_order"), "the queue is empty")
        orders = record.one("SELECT array_agg(id) FROM orders")
    assert len(orders) == ORDERS
    effects_once(record, orders, settled=False)


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
