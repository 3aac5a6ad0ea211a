"""How many threads of one worker drain one kind, and that no wake-up is lost between them."""
import pytest

from portal.core import jobs
from tasks import concurrency
from tasks.concurrency import in_turn

DRAINS_MAX = 2


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    for name in ("crowded", "broken", "one", "other"):
        monkeypatch.setitem(jobs.KINDS, name, jobs.Kind(name, lambda session, batch: None, drains_max=DRAINS_MAX))


def drained(kind: str) -> int:
    ran: list[int] = []
    in_turn(kind, lambda: ran.append(1))
    return len(ran)


def test_one_at_a_time_and_who_came_in_vain_is_made_up_for():
    ran: list[int] = []

    def drain() -> None:
        ran.append(1)
        if len(ran) == 1:
            assert [drained("crowded") for _ in range(3)] == [0, 0, 0]  # they leave at once

    in_turn("crowded", drain)
    assert len(ran) == 2, "it has looked again, once for all three"
    assert drained("crowded") == 1  # nobody is left inside


def test_another_joins_when_the_batch_in_hand_is_old(monkeypatch):
    monkeypatch.setattr(concurrency, "STUCK_S", 0.0)
    others: list[int] = []

    def with_another_inside() -> None:
        if not others:
            others.append(drained("crowded"))  # there may be two, not three

    in_turn("crowded", lambda: in_turn("crowded", with_another_inside))
    assert others == [0]
    assert drained("crowded") == 1


def test_another_joins_when_more_than_a_batch_is_due():
    others: list[int] = []

    def much() -> None:
        concurrency.note_poll("crowded", behind=True)
        others.append(drained("crowded"))

    in_turn("crowded", much)
    assert others == [1]


def test_who_has_looked_just_now_is_not_stuck(monkeypatch):
    monkeypatch.setattr(concurrency, "STUCK_S", 3600.0)
    others: list[int] = []

    def old() -> None:
        monkeypatch.setitem(concurrency._looked_at, "crowded", float("-inf"))
        others.append(drained("crowded"))
        concurrency.note_poll("crowded")
        others.append(drained("crowded"))
        concurrency._called.clear()

    in_turn("crowded", old)
    assert others == [1, 0]


def test_kinds_do_not_wait_for_each_other():
    others: list[int] = []
    in_turn("one", lambda: others.append(drained("other")))
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
