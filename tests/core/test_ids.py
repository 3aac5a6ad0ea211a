import os
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


def test_ids_differ_past_the_stock_and_between_a_process_and_its_fork():
    made = {ids.new_id().int & (1 << 80) - 1 for _ in range(ids._STOCK * 3)}
    assert len(made) == ids._STOCK * 3
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, ids.new_id().bytes[6:])
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) != ids.new_id().bytes[6:]
    os.close(reader)
    os.close(writer)
