"""One order paid in two transfers: what came is added until it is whole."""
import pytest

from portal.approvals import StaleApproval
from portal.core.errors import NotFound
from portal.ledger import verify
from portal.orders import second_transfer
from portal.orders.models import Order
from portal.orders.second_transfer import AddTransfer, AmountMoved, NothingToAdd
from tests import factories as f
from tests.orders.test_other_amount import answered, asked, decide, report


@pytest.fixture
def cast(file_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast):
    yield
    f.work_off("settle_order")
    with f.look() as session:
        session.rollback()
        assert verify.run(session).differences == []


def add(order: Order, received: str, before: str, by=None) -> Order:
    with f.act() as session:
        return second_transfer.add(session, by or f.its_trader(order), AddTransfer(
            order_id=order.public_id, received=received, before=before))


def test_the_rest_makes_it_whole_and_it_is_settled_as_ordered(cast):
    order = f.assigned_payin(cast, "1500.00")
    report(order, "1000.00")
    assert f.fresh(order).waits_for == "store"
    add(order, "500.00", "1000.00")
    f.work_off("settle_order")
    found = f.fresh(order)
    assert (found.status, found.exactness, found.amount_received) == ("completed", "exact", f.rub("1500.00"))
    assert found.waits_for is None


def test_still_less_waits_with_the_new_sum(cast):
    order = f.assigned_payin(cast, "1500.00")
    report(order, "1000.00")
    add(order, "300.00", "1000.00")
    found = f.fresh(order)
    assert (found.status, found.exactness, found.amount_received.text) == ("disputed", "under", "1300.00")
    with pytest.raises(AmountMoved):  # sent twice
        add(order, "300.00", "1000.00")
    answered(cast, order, "yes")
    f.work_off("settle_order")
    assert f.fresh(order).amount_received.text == "1300.00"


def test_more_than_ordered_is_staffs(cast):
    order = f.assigned_payin(cast, "1500.00")
    report(order, "1000.00")
    add(order, "600.00", "1000.00")
    assert (f.fresh(order).exactness, f.fresh(order).waits_for) == ("over", "staff")


def test_a_decision_asked_for_before_is_stale(cast):
    order = f.assigned_payin(cast, "1500.00")
    report(order, "1000.00")
    approval = asked(order, amount="1000.00")
    add(order, "300.00", "1000.00")
    with pytest.raises(StaleApproval):
        decide(approval)


def test_who_may_not_and_when(cast):
    order = f.assigned_payin(cast, "1500.00")
    with pytest.raises(NothingToAdd):
        add(order, "500.00", "1000.00")
    report(order, "1000.00")
    with pytest.raises(NotFound):
        add(order, "500.00", "1000.00", by=f.as_trader(f.new_cast().trader()))
