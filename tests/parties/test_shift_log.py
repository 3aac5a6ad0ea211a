"""Staff come and go; what one is on goes to a colleague with the end of a shift."""
from dataclasses import replace

import pytest

from portal.core.errors import Denied, Invalid
from portal.parties import cases, shift_log
from tests import factories as f
from tests import people


@pytest.fixture
def two(fresh_app):
    """Two of the support, as actors."""
    with fresh_app.app_context():
        return [replace(f.staff(), id=one.id, name=one.email) for one in (
            people.person("support_orders"), people.person("support_orders"))]


def did(act, *args):
    with f.act() as session:
        return act(session, *args)


def test_a_shift_ends_with_what_was_open_handed_over(two):
    one, other = two
    cast = f.new_cast()
    order = f.assigned_payin(cast)
    did(shift_log.begin, one)
    with pytest.raises(shift_log.ShiftMoved):
        did(shift_log.begin, one)
    did(cases.take, one, cases.TakeCase(subject_kind="order", subject_id=order.id))
    did(shift_log.note, one, shift_log.NoteShift(text="Sber is slow"))
    with pytest.raises(Invalid):
        did(shift_log.end, one, shift_log.EndStaffShift())
    ended = did(shift_log.end, one, shift_log.EndStaffShift(to=other.id, text="Ask the payer again"))
    assert ended.handed == 1
    with f.look() as session:
        assert [case.subject_id for case in cases.open_cases(session, other, mine=True)] == [order.id]
        assert [line.kind for line in shift_log.page(session, other, cursor=None).rows] == ["ended", "noted", "began"]
        assert not shift_log.on_shift(session, one)


def test_it_is_the_staffs_alone(two):
    with pytest.raises(Denied):
        did(shift_log.begin, f.as_trader(f.new_cast().trader()))
    with pytest.raises(shift_log.ShiftMoved):
        did(shift_log.end, two[0], shift_log.EndStaffShift(text="I was never here"))
