"""An export of very many rows leaves as it is made: memory does not grow with the file (fault 30)."""
import tracemalloc
from collections.abc import Iterator

import pytest

from portal.core import clock
from portal.core.money import Money
from portal.web.exports import SHEET_ROWS_MAX, Column, export

MIB = 1024 * 1024
COLUMNS = [Column("At", lambda number: clock.now()), Column("Order", lambda number: f"pin_{number:026d}"),
           Column("Amount", lambda number: Money(150_000 + number, "RUB")), Column("Note", lambda number: "=1+1" * 10)]


def numbers(count: int) -> Iterator[int]:
    yield from range(count)


def peak_of(kind: str, count: int) -> tuple[int, int]:
    """(bytes of the file, the most memory that was taken for it)"""
    tracemalloc.start()
    try:
        answer = export("numbers", kind, COLUMNS, numbers(count))
        size = sum(len(piece) for piece in answer.response)
        answer.close()
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_long_csv_takes_no_more_memory_than_a_short_one(app):
    with app.test_request_context():
        _, small = peak_of("csv", 10_000)
        size, large = peak_of("csv", 250_000)
    assert size > 20 * MIB
    assert large < small + 2 * MIB


@pytest.mark.slow
def test_the_longest_workbook_stays_small_in_memory(app):
    with app.test_request_context():
        size, peak = peak_of("xlsx", SHEET_ROWS_MAX)
    assert size > 2 * MIB
    assert peak < 30 * MIB


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_memory_does_not_follow_the_rows(app, kind):
    with app.test_request_context():
        peak_of(kind, 100)  # what is imported on the way
        _, small = peak_of(kind, 2_000)
        size, large = peak_of(kind, 10_000)
    assert size > 0
    assert large < small + 2 * MIB
