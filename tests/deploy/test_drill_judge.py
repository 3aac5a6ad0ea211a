"""What the drill calls a failure: without it the table of `deploy/cluster/README.md` would say nothing."""
from dataclasses import replace

import pytest

from benchmarks.drill.judge import REFUSED_S_MAX, Row, longest, lost_and_doubled

WELL = Row("power off", acknowledged=311, lost=0, doubled=0, creates_s=8.4, matching_s=8.9, refused="0", whole_s=31)


@pytest.mark.parametrize(("found", "words"), [
    ({"lost": 1}, "lost 1"),
    ({"doubled": 2}, "doubled 2"),
    ({"creates_s": REFUSED_S_MAX + 0.1}, "no create for 15.1 s (at most 15)"),
    ({"creates_s": 45.1, "refused_s_max": REFUSED_S_MAX + 30}, "no create for 45.1 s (at most 45)"),
    ({"creates_s": longest([])}, "no create for inf s (at most 15)"),
    ({"matching_s": longest([])}, "nothing was matched any more"),
    ({"whole_s": None}, "never whole again"),
])
def test_a_row_of_this_kind_fails_the_drill(found, words):
    assert replace(WELL, **found).failures == [f"power off: {words}"]


@pytest.mark.parametrize("found", [
    {}, {"creates_s": REFUSED_S_MAX}, {"creates_s": REFUSED_S_MAX + 1, "refused_s_max": REFUSED_S_MAX + 30},
    {"matching_s": 300.0}, {"refused": "166 × 503 database_unavailable"}, {"whole_s": 89.0}, {"acknowledged": 0},
])
def test_what_is_only_slow_or_refused_does_not(found):
    assert replace(WELL, **found).failures == []


def test_all_that_failed_is_named():
    row = replace(WELL, lost=3, doubled=1, creates_s=20.0, matching_s=float("inf"), whole_s=None)
    assert len(row.failures) == 5
    assert str(row) == "| power off | 311 | 3 | 1 | 20.0 | inf | 0 | **never** |"


@pytest.mark.parametrize(("stand", "lost", "doubled"), [
    ([("pin_1", "order-1"), ("pin_2", "order-2")], set(), set()),
    ([("pin_1", "order-1")], {2}, set()),  # told, and not there
    ([("pin_1", "order-1"), ("pin_3", "order-2")], {2}, set()),  # there, by another id than the store was told
    ([("pin_1", "order-2"), ("pin_2", "order-1")], {1, 2}, set()),  # the ids of one another
    ([("pin_1", "order-1"), ("pin_2", "order-2"), ("pin_3", "order-2")], set(), {2}),  # twice
    ([("pin_1", "order-1"), ("pin_2", "order-2"), ("pin_3", "order-3")], set(), set()),  # a yes that nobody heard
])
def test_what_stores_were_told_is_held_against_what_stands(stand, lost, doubled):
    assert lost_and_doubled({1: "pin_1", 2: "pin_2"}, stand) == (lost, doubled)


def test_the_longest_pause_lies_between_two_of_them():
    assert longest([1.0, 2.0, 9.5, 10.0]) == 7.5
    assert longest([1.0]) == longest([]) == float("inf")
