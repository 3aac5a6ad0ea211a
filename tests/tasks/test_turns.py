"""How many threads of one worker drain one kind, and that no wake-up is lost between them."""
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from portal.core import jobs
from tasks.turns import in_turn

DRAINS_MAX = 2


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    for name in ("crowded", "broken", "one", "other"):
        monkeypatch.setitem(jobs.KINDS, name, jobs.Kind(name, lambda session, batch: None, drains_max=DRAINS_MAX))


def drained(kind: str) -> int:
    ran: list[int] = []
    in_turn(kind, lambda: ran.append(1))
    return len(ran)


def test_two_at_once_and_who_came_in_vain_is_made_up_for():
    inside, go, ran = Barrier(DRAINS_MAX + 1), Event(), []

    def drain() -> None:
        ran.append(1)
        if len(ran) <= DRAINS_MAX:
            inside.wait(10)
            go.wait(10)

    with ThreadPoolExecutor(DRAINS_MAX) as pool:
        drains = [pool.submit(in_turn, "crowded", drain) for _ in range(DRAINS_MAX)]
        inside.wait(10)
        assert drained("crowded") == 0  # both are busy: this one leaves at once
        go.set()
        for one in drains:
            one.result(10)
    assert len(ran) == DRAINS_MAX + 1  # and one of them has looked again
    assert drained("crowded") == 1  # nobody is left inside


def test_kinds_do_not_wait_for_each_other():
    others: list[int] = []

    def both_taken() -> None:
        in_turn("one", lambda: others.append(drained("other")))

    in_turn("one", both_taken)
    assert others == [1]


def test_a_drain_that_fails_gives_its_turn_back():
    def fail() -> None:
        raise ValueError

    for _ in range(DRAINS_MAX + 1):
        with pytest.raises(ValueError):
            in_turn("broken", fail)
    assert drained("broken") == 1


def test_a_kind_without_a_bound_is_drained_by_whoever_comes():
    assert drained("known to nobody") == 1
