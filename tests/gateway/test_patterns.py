"""Patterns of the schemas match what the desk takes and nothing else, number by number."""
import re

import pytest

from portal.core import clock, ids, paging
from portal.gateway import patterns


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 9), (1, 10), (7, 123), (50, 1000), (99, 101), (123, 4567),
                                           (1000, 1000), (5, 5000)])
def test_a_range_of_whole_numbers(low, high):
    found = re.compile(patterns.amount_between(low, high, 0))
    assert [one for one in range(0, 10_001) if found.search(str(one))] == list(range(low, high + 1))
    assert not found.search(f"0{low}")


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 250), (50_00, 51_00), (99, 10_01), (12_34, 13_33),
                                           (12_34, 12_56), (5, 123_45)])
def test_a_range_of_amounts(low, high):
    found = re.compile(patterns.amount_between(low, high, 2))
    taken = [one for one in range(0, 130_00) if found.search(f"{one // 100}.{one % 100:02}")]
    assert taken == list(range(low, min(high, 130_00 - 1) + 1))
    assert not any(found.search(text) for text in ("1", "1.", "1.1", "01.00", "1.000", "-1.00", " 1.00"))


@pytest.mark.parametrize("exponent", [0, 2, 3, 6, 8])
def test_an_amount_of_a_currency(exponent):
    found = re.compile(patterns.amount(exponent))

    def text(minor: int) -> str:
        whole, rest = divmod(minor, 10 ** exponent)
        return f"{whole}.{rest:0{exponent}}" if exponent else str(whole)

    assert not found.search(text(0))
    assert all(found.search(text(minor)) for minor in (*range(1, 3000), 10 ** 14, 10 ** 15 - 1))
    assert not found.search(text(10 ** 16))


def test_our_cursors_and_ids():
    id, at = ids.new_id(), clock.now()
    assert re.search(patterns.CURSOR, paging.cursor_of(at, id))
    assert paging.place_of(paging.cursor_of(at, id), type(id)) == (at, id)
    assert paging.place_of(paging.cursor_of(at, 42), int) == (at, 42)
    assert re.search(patterns.id_of("pin"), ids.public("pin", id))
    assert paging.place_of("9999999999999999_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", type(id))[0].year == 2286
