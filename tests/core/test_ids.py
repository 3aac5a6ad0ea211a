from uuid import UUID

import pytest

from portal.core import ids
from portal.core.errors import NotFound


def test_a_public_id_reads_back():
    made = ids.new_id()
    assert ids.parse("pin", ids.public("pin", made)) == made
    assert len(ids.text(made)) == 26


def test_ids_sort_by_time():
    first, second = UUID(int=1 << 80), UUID(int=2 << 80)
    assert ids.text(first) < ids.text(second)


@pytest.mark.parametrize("shown", [
    "", "pin_", "pin", "pout_00000000000000000000000000", "pin_0000000000000000000000000",
    "pin_000000000000000000000000000", "pin_0000000000000000000000000I", "pin_80000000000000000000000000",
    "pin_zzzzzzzzzzzzzzzzzzzzzzzzzz", "pin_0000000000000000000000000é", "x" * 4000, "pin_00000000000000000000000 00",
])
def test_anything_else_is_a_record_that_does_not_exist(shown):
    with pytest.raises(NotFound):
        ids.parse("pin", shown)
