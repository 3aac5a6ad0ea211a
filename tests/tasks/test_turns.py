"""How many threads of one worker drain one kind, and that no wake-up is lost between them."""
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from portal.core import jobs
from tasks.turns import turns

DRAINS_MAX = 2


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    for name in ("crowded", "broken", "one", "other"):
        monkeypatch.setitem(jobs.KINDS, name, jobs.Kind(name, lambda session, batch: None, drains_max=DRAINS_MAX))


def test_two_at_once_and_who_came_in_vain_is_made_up_for():
    inside, go, ran = Barrier(DRAINS_MAX + 1), Event(), []

    def drain() -> None:
        for _ in turns("crowded"):
            ran.append(1)
            if len(ran) <= DRAINS_MAX:
                inside.wait(10)
                go.wait(10)

    with ThreadPoolExecutor(DRAINS_MAX) as pool:
        drains = [pool.submit(drain) for _ in range(DRAINS_MAX)]
        inside.wait(10)
        assert list(turns("crowded")) == []  # both are busy: this one leaves at once
        go.set()
        for one in drains:
            one.result(10)
    assert len(ran) == DRAINS_MAX + 1  # and one of them has looked again
    assert len(list(turns("crowded"))) == 1  # nobody is left inside


def test_kinds_do_not_wait_for_each_other():
    first, second = turns("one"), turns("other")
    assert next(first) is next(second) is None


def test_a_turn_that_fails_gives_its_place_back():
    for _ in range(DRAINS_MAX + 1):
        for _ in turns("broken"):
            try:
                raise ValueError
            except ValueError:
                break
    assert len(list(turns("broken"))) == 1
