"""A trader who gave an order back learns nothing more of it: not who pays, not who took it."""
import pytest
from werkzeug.datastructures import MultiDict

from portal.core.commands import bind
from portal.core.errors import Invalid
from portal.orders.commands import CancelOrder, Customer
from portal.orders.reading.detail import open_dossier
from portal.orders.reading.trader_queue import trader_queue
from tests import factories as f


def test_what_happened_after_a_refusal_is_not_his_to_see(cast):
    first = cast.trader()
    cast.requisite(first)
    order = f.assigned_payin(cast, customer=Customer(id="u-1", name="Irina Petrova"))
    f.decline(f.as_trader(first), order)
    second = cast.trader()
    cast.requisite(second)
    f.work_off()
    f.confirm(f.as_trader(second), order)
    f.work_off("settle_order")

    shown = f.fresh(order).public_id
    with f.look() as session:
        seen = open_dossier(session, f.as_trader(first), shown)
        assert [event.type for event in seen.events] == ["payin.assigned", "payin.new"]
        assert seen.last.lost
        assert not seen.last.earned
        assert trader_queue(session, f.as_trader(first)).came_in == []
        his = open_dossier(session, f.as_trader(second), shown)
        assert his.last.earned
        assert trader_queue(session, f.as_trader(second)).came_in == [order.amount_to_pay]


def test_text_with_a_nul_is_refused_before_the_database_sees_it():
    with pytest.raises(Invalid) as caught:
        bind(CancelOrder, MultiDict({"reason": "a\x00b"}), order_id="pin_1")
    assert caught.value.fields[0].code == "invalid_text"
