"""Another requisite for a payer: the first stays payable, and whichever the money comes to is the order's."""
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.lifecycle import InvalidTransition
from portal.ledger import verify
from portal.orders import replacing
from portal.orders.models import Assignment, Order
from portal.parties.models import Trader
from tests import factories as f


@pytest.fixture
def cast(file_app) -> f.Cast:
    """Two traders with a card each."""
    made = f.new_cast()
    for _ in range(2):
        made.requisite(made.trader())
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast):
    yield
    f.work_off("settle_order")
    with f.look() as session:
        session.rollback()
        assert verify.run(session).differences == []


def replaced(cast: f.Cast, order: Order) -> Order:
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    return f.fresh(order)


def states(order: Order) -> list[str]:
    return [one.state if one.state != "ended" else str(one.end_reason) for one in f.assignments_of(order)]


def held(cast: f.Cast) -> list[str]:
    return [f.trader_held(trader).text for trader in cast.traders]


def by(assignment: Assignment):
    return f.as_trader(assignment.trader_id)


def test_the_second_is_shown_and_the_first_stays_payable(cast):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    again = replaced(cast, order)
    second = f.assignment_of(order)
    assert (again.status, states(order)) == ("assigned", ["lingering", "open"])
    assert second.requisite_id != first.requisite_id
    assert again.assignment_id == second.id
    assert set(held(cast)) == {"16.304348"}, "both hold"
    f.mark_paid(cast.customer(order), order)
    f.confirm(by(second), order)
    assert states(order) == ["replaced", "chosen"]
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    assert held(cast) == ["0.000000", "0.000000"]


@pytest.mark.parametrize("paid", [False, True])
def test_the_money_came_to_the_first(cast, paid):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    replaced(cast, order)
    if paid:
        f.mark_paid(cast.customer(order), order)
    f.confirm(by(first), order, assignment_id=first.public_id)
    assert states(order) == ["chosen", "replaced"]
    assert f.fresh(order).assignment_id == first.id
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"


def test_the_second_gives_it_back_and_the_first_is_paid_meanwhile(cast):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    replaced(cast, order)
    f.decline(f.its_trader(order), order)
    f.work_off("match_order")
    assert (f.fresh(order).status, states(order)) == ("retrying", ["lingering", "declined"])
    with clock.moved(timedelta(minutes=10)):
        f.work_off("match_order")
        assert f.fresh(order).status == "retrying", "no failure while it may be paid"
    f.confirm(by(first), order, assignment_id=first.public_id)
    assert (f.fresh(order).status, states(order)) == ("confirmed", ["chosen", "declined"])


def test_the_first_ends_at_its_own_time(cast):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    with clock.moved(timedelta(minutes=10)):
        replaced(cast, order)
    with clock.moved(first.expires_at - clock.now() + timedelta(seconds=901)):
        f.work_off("expire_order")
    assert (f.fresh(order).status, states(order)) == ("assigned", ["replaced", "open"])
    assert sorted(held(cast)) == ["0.000000", "16.304348"]
    assert f.expire(f.fresh(order)).status == "expired"


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_an_order_that_ends_lets_go_of_all(cast, end):
    order = f.assigned_payin(cast)
    replaced(cast, order)
    if end == "cancel":
        f.cancel(cast.customer(order), order)
    else:
        with clock.moved(timedelta(hours=2)):
            f.work_off("expire_order")
    assert f.fresh(order).ended
    assert "lingering" not in states(order)
    assert held(cast) == ["0.000000", "0.000000"]


def test_who_lingers_may_end_that_alone(cast):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    replaced(cast, order)
    f.decline(by(first), order)
    assert (f.fresh(order).status, states(order)) == ("assigned", ["declined", "open"])


def test_another_amount_on_the_first_waits_for_its_decision(cast):
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    replaced(cast, order)
    with f.act() as session:
        from portal.orders import service
        from portal.orders.commands import ConfirmOrder
        service.confirm(session, by(first), ConfirmOrder(
            order_id=order.public_id, assignment_id=first.public_id, received="2000.00", differs=True))
    assert (f.fresh(order).status, states(order)) == ("disputed", ["open", "lingering"])


def test_twice_at_most_and_only_where_there_is_somebody(cast):
    order = f.assigned_payin(cast)
    replaced(cast, order)
    before = states(order), held(cast), f.fresh(order).version
    with pytest.raises(replacing.NobodyElse):
        replaced(cast, order)
    assert (states(order), held(cast), f.fresh(order).version) == before, "nothing has changed"
    for _ in range(2):
        cast.requisite(cast.trader())
    replaced(cast, order)
    with pytest.raises(replacing.ReplacedEnough):
        replaced(cast, order)
    f.mark_paid(cast.customer(order), order)
    with pytest.raises(InvalidTransition):
        replaced(cast, order)


def test_two_orders_let_pass_end_the_shift(cast):
    trader = cast.traders[0]
    f.change(cast.traders[1], on_shift=False)
    for amount in ("1500.00", "1600.00"):
        order = f.paid_payin(cast, amount)
        with clock.moved(timedelta(hours=1)):
            f.work_off("flag_unconfirmed")
        if amount == "1500.00":
            assert f.fresh(trader).on_shift
    assert (f.fresh(trader).on_shift, f.fresh(trader).missed) == (False, 2)
    with f.look() as session:
        from portal.parties import traders
        assert traders.ended_because(session, session.scalars(select(Trader).where(Trader.id == trader.id)).one()
                                     ) == "missed"
    f.confirm(f.its_trader(order), order)
    assert f.fresh(trader).missed == 0
    with f.act() as session:
        from portal.parties import traders
        traders.begin_shift(session, f.as_trader(trader), trader.id)
    assert f.fresh(trader).on_shift
