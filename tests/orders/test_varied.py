"""Sums that are told apart: where a store allows it, a payin asks for a little less than another of the same sum."""
import pytest

from portal.ledger import verify
from portal.orders import replacing
from tests import factories as f


@pytest.fixture
def cast(file_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    f.change(made.store, vary_minor=2)
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast):
    yield
    f.work_off("settle_order")
    with f.look() as session:
        session.rollback()
        assert verify.run(session).differences == []


def asked(cast: f.Cast, count: int, amount: str = "1500.00"):
    orders = [cast.order(amount) for _ in range(count)]
    f.work_off("match_order")
    return [f.fresh(order) for order in orders]


def test_each_has_a_sum_of_its_own_and_is_settled_on_it(cast):
    orders = asked(cast, 4)
    assert [(one.status, one.amount_to_pay.text) for one in orders] == [
        ("assigned", "1500.00"), ("assigned", "1499.99"), ("assigned", "1499.98"), ("retrying", "1500.00")]
    for order in orders[:3]:
        f.confirm(f.its_trader(order), order)
    f.work_off("settle_order")
    done = [f.fresh(order) for order in orders[:3]]
    assert {one.exactness for one in done} == {"exact"}
    assert [one.final_settlement_minor for one in done] == [16_304348, 16_304239, 16_304130]
    assert f.trader_held(cast.traders[0]).text == "0.000000"


def test_a_sum_that_rests_is_not_given_again(cast):
    [first] = asked(cast, 1)
    f.expire(first)
    [second] = asked(cast, 1)
    assert second.amount_to_pay.text == "1499.99"


def test_the_smallest_order_is_not_undercut(cast):
    assert [one.amount_to_pay.text for one in asked(cast, 2, "100.00")] == ["100.00", "100.00"]


def test_another_amount_than_the_varied_one_differs(cast):
    _, order = asked(cast, 2)
    from portal.orders.service import AmountDiffers
    with pytest.raises(AmountDiffers):
        f.confirm(f.its_trader(order), order, received="1500.00")


def test_exchanged_details_have_their_own_sum(cast):
    _, order = asked(cast, 2)
    first = f.assignment_of(order)
    cast.requisite(cast.trader())
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
                    order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    assert f.fresh(order).amount_to_pay.text == "1500.00"
    f.confirm(f.as_trader(first.trader_id), order, assignment_id=first.public_id, received="1499.99")
    assert (f.fresh(order).status, f.fresh(order).exactness) == ("confirmed", "exact")
