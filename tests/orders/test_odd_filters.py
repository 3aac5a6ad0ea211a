"""Filters of a list that no calendar or database can read are refused or dropped, never a bug."""
import pytest

from portal.core.errors import Invalid
from portal.orders.reading.filters import Filters


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_out_of_reach_is_refused(day: str) -> None:
    for name in ("day_from", "day_to"):
        with pytest.raises(Invalid):
            Filters.of({name: day})


def test_a_nul_never_reaches_the_database() -> None:
    assert Filters.of({"q": "a\0b"}).q == "ab"
