"""What ends a rehearsal of an upgrade with 1: the machine's clock is its own matter, so no timed test asks for it."""
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.drill.load import Try
from benchmarks.rehearsal.judge import CREATE_S_MAX, DEAF_S_MAX, Outcome

WELL = Outcome(0.5, [Try(0.4, 9.9, "201"), Try(1.0, 0.02, "201"), Try(2.0, CREATE_S_MAX, "201")], Counter(),
               deaf_s=DEAF_S_MAX, waiting=0)


@pytest.mark.parametrize(("found", "words"), [
    ({"creates": WELL.creates[:1]}, "no create was tried"),
    ({"creates": [Try(0.4, 0.1, "TimeoutError"), *WELL.creates]}, "creates that failed: 1"),  # whenever that was
    ({"creates": [*WELL.creates, Try(3.0, 0.1, "503 database_unavailable")]}, "creates that failed: 1"),
    ({"creates": [*WELL.creates, Try(3.0, 0.501, "201"), Try(4.0, 1.4, "201")]}, "creates above 500 ms: 2"),
    ({"misread": Counter({"502": 2, "TimeoutError": 1})}, "reads that failed: 3"),
    ({"deaf_s": DEAF_S_MAX + 0.1}, "a stream was silent for 5.1 s (at most 5)"),
    ({"waiting": 4}, "orders that wait to be matched: 4"),
])
def test_an_upgrade_that_somebody_noticed_has_failed(found, words):
    assert replace(WELL, **found).failures == [words]


def test_one_that_nobody_noticed_has_not():
    assert WELL.failures == WELL.failed == []
    assert [each.at for each in WELL.longest] == [2.0, 1.0]
