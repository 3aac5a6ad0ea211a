"""What people do with an order: each act works, is refused where it must be, is harmless twice and done once."""
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.core import clock, page_events
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.jobs import Job
from portal.core.lifecycle import InvalidTransition
from portal.ledger.models import JournalEntry
from portal.orders import queries, service
from portal.orders.commands import CancelOrder, ConfirmOrder
from portal.orders.models import OpenPlace, Order, OrderEvent
from portal.orders.service import AmountDiffers, AssignmentChanged, OrderExpired
from portal.orders.steps import NotYours
from tests import factories as f
from tests.factories import usdt


def jobs_of(*references) -> list[str]:
    with f.look() as session:
        return sorted(session.scalars(select(Job.kind).where(Job.reference.in_(references))))


def entries_of(reference) -> list[str]:
    with f.look() as session:
        return sorted(session.scalars(select(JournalEntry.kind).where(JournalEntry.reference == reference)))


def last_event(order) -> OrderEvent:
    with f.look() as session:
        return session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)
                               .order_by(OrderEvent.version.desc()).limit(1)).one()


def places_of(order) -> int:
    with f.look() as session:
        return session.scalar(select(func.count()).select_from(OpenPlace).where(OpenPlace.order_id == order.id))


def outcomes(app, act, times: int = 16) -> list[str]:
    return [type(one).__name__ if isinstance(one, Exception) else one.status
            for one in f.at_the_same_time(app, [act] * times)]


# --- confirm -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("paid", [True, False])
def test_its_trader_confirms_paid_or_not_yet_claimed(ready, paid):
    order = f.paid_payin(ready) if paid else f.assigned_payin(ready)
    assignment = f.assignment_of(order)
    f.confirm(f.as_trader(ready.traders[0]), order)
    found = f.fresh(order)
    assert (found.status, found.exactness, found.amount_received.text) == ("confirmed", "exact", "1500.00")
    assert f.assignment_of(order).state == "chosen"
    assert (places_of(order), f.fresh(ready.traders[0]).open_orders) == (0, 0)
    assert f.trader_held(ready.traders[0]) == order.settlement  # until it is settled
    assert jobs_of(order.id, assignment.id) == ["settle_order"]


def test_staff_confirm_for_the_trader(ready):
    order = f.assigned_payin(ready)
    f.confirm(f.staff("support_orders"), order)
    event = last_event(order)
    assert (event.action, event.from_status, event.to_status, event.role) == (
        "confirm", "assigned", "confirmed", "support")


def test_staff_force_nothing_without_a_reason(ready):
    """Through whatever door: the page asked for one, a command line or a job would not have."""
    order = f.assigned_payin(ready)
    with pytest.raises(Invalid), f.act() as session:
        service.cancel(session, f.staff(), CancelOrder(order_id=order.public_id))
    with pytest.raises(Invalid), f.act() as session:
        service.confirm(session, f.staff(), ConfirmOrder(
            order_id=order.public_id, assignment_id=f.assignment_of(order).public_id, received="1500.00"))
    assert f.fresh(order).version == order.version


def test_staff_without_the_permission_confirm_nothing(ready):
    order = f.assigned_payin(ready)
    with pytest.raises(Denied):
        f.confirm(f.staff("support_readonly"), order)


@pytest.mark.parametrize("received", ["1499.99", "1500.01", "15000.00", "0.00"])
def test_another_amount_is_refused_at_confirm(ready, received):
    order = f.assigned_payin(ready)
    with pytest.raises(AmountDiffers) as refused:
        f.confirm(f.its_trader(order), order, received=received)
    assert refused.value.details["expected"] == "1500.00"
    assert f.fresh(order).status == "assigned"


@pytest.mark.parametrize("received", ["1.5e3", "", "-1500.00", "1500.001", "15.00.00"])
def test_what_is_no_amount_is_refused_at_confirm(ready, received):
    order = f.assigned_payin(ready)
    with pytest.raises(Invalid):
        f.confirm(f.its_trader(order), order, received=received or " ")


def test_a_form_made_for_an_earlier_assignment_is_refused(cast):
    cast.requisite()
    order = f.assigned_payin(cast)
    earlier = f.assignment_of(order).public_id
    f.decline(f.its_trader(order), order)
    other = cast.requisite()
    with clock.moved(timedelta(seconds=2)):
        f.work_off()
    with pytest.raises(AssignmentChanged):
        f.confirm(f.staff(), order, assignment_id=earlier)
    with pytest.raises(NotFound):  # it is another trader's now
        f.confirm(f.as_trader(cast.traders[0]), order, assignment_id=earlier)
    assert f.assignment_of(order).requisite_id == other.id
    assert f.fresh(order).status == "assigned"


@pytest.mark.parametrize("shown", ["asg_nonsense", "", "pin_01J00000000000000000000000",
                                   "asg_01J00000000000000000000000"])
def test_an_assignment_that_never_was_confirms_nothing(ready, shown):
    order = f.assigned_payin(ready)
    with pytest.raises((NotFound, AssignmentChanged)):
        f.confirm(f.its_trader(order), order, assignment_id=shown or "asg_")


def test_confirmed_twice_it_is_confirmed_once(ready):
    order = f.confirmed_payin(ready)
    with pytest.raises(InvalidTransition):
        f.confirm(f.as_trader(ready.traders[0]), order)
    assert f.fresh(order).version == order.version


def test_sixteen_confirms_at_once_confirm_once(app, ready):
    order = f.paid_payin(ready)
    trader, shown = f.its_trader(order), f.assignment_of(order).public_id
    assert outcomes(app, lambda: f.confirm(trader, order, assignment_id=shown)).count("confirmed") == 1
    f.work_off("settle_order")
    assert entries_of(order.id) == ["payin_settle"]
    assert f.trader_available(ready.traders[0]) == usdt("99983.858695")


# --- cancel --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("who", ["key", "owner", "customer", "staff"])
@pytest.mark.parametrize("state", ["new", "retrying", "assigned"])
def test_who_may_cancels_while_no_money_moved(cast, who, state):
    if state != "retrying":
        cast.requisite()
    order = cast.order()
    if state != "new":
        f.work_off()
    actor = {"key": cast.key, "owner": cast.owner, "customer": cast.customer(order), "staff": f.staff()}[who]
    assert f.fresh(order).status == state
    f.cancel(actor, order)
    found = f.fresh(order)
    assert (found.status, found.assignment_id, places_of(order)) == ("cancelled", None, 0)
    assert found.ended_at is not None
    for trader in cast.traders:
        assert (f.trader_held(trader), f.trader_available(trader)) == (usdt("0.000000"), usdt("100000.000000"))
    f.work_off()  # what was promised before does nothing now
    f.expire(order) if order.expires_at else None
    assert f.fresh(order).version == found.version


def test_staff_without_the_permission_cancel_nothing(ready):
    order = f.assigned_payin(ready)
    with pytest.raises(Denied):
        f.cancel(f.staff("support_readonly"), order)


def test_cancelled_twice_it_is_released_once(ready):
    order = f.assigned_payin(ready)
    assignment = f.assignment_of(order)
    f.cancel(ready.key, order)
    with pytest.raises(InvalidTransition):
        f.cancel(ready.key, order)
    assert entries_of(assignment.id) == ["payin_hold", "payin_release"]
    assert jobs_of(order.id, assignment.id) == []


def test_sixteen_cancels_at_once_cancel_once(app, ready):
    order = f.assigned_payin(ready)
    assignment = f.assignment_of(order)
    assert outcomes(app, lambda: f.cancel(ready.key, order)).count("cancelled") == 1
    assert entries_of(assignment.id) == ["payin_hold", "payin_release"]
    assert f.fresh(ready.traders[0]).open_orders == 0


# --- decline -------------------------------------------------------------------------------------------------------

def test_its_trader_gives_it_back_and_the_next_one_has_it(cast):
    first = cast.requisite()
    order = f.assigned_payin(cast)
    assignment = f.assignment_of(order)
    assert assignment.requisite_id == first.id
    second = cast.requisite()
    f.decline(f.its_trader(order), order)
    found = f.fresh(order)
    assert (found.status, found.expires_at, found.assigned_at, places_of(order)) == ("new", None, None, 0)
    assert last_event(order).payload["expires_at"] is None
    assert f.trader_held(cast.traders[0]) == usdt("0.000000")
    f.work_off()
    assert f.assignment_of(order).requisite_id == second.id
    assert [(one.state, one.end_reason) for one in f.assignments_of(order)] == [("ended", "declined"), ("open", None)]
    assert entries_of(assignment.id) == ["payin_hold", "payin_release"]


def test_declined_twice_it_is_given_back_once(ready):
    order = f.assigned_payin(ready)
    trader = f.its_trader(order)
    f.decline(trader, order)
    with pytest.raises(InvalidTransition):
        f.decline(trader, order)


def test_sixteen_declines_at_once_give_it_back_once(app, ready):
    order = f.assigned_payin(ready)
    trader, assignment = f.its_trader(order), f.assignment_of(order)
    assert outcomes(app, lambda: f.decline(trader, order)).count("new") == 1
    assert entries_of(assignment.id) == ["payin_hold", "payin_release"]


def test_a_paid_order_is_not_given_back(ready):
    order = f.paid_payin(ready)
    with pytest.raises(InvalidTransition):
        f.decline(f.its_trader(order), order)


# --- mark_paid -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("who", ["key", "owner", "customer"])
def test_the_payers_side_says_paid(ready, who):
    order = f.assigned_payin(ready)
    f.mark_paid({"key": ready.key, "owner": ready.owner, "customer": ready.customer(order)}[who], order)
    found = f.fresh(order)
    assert found.status == "paid"
    assert timedelta(seconds=1795) < found.confirm_by - clock.now() <= timedelta(seconds=1800)
    assert jobs_of(order.id) == ["flag_unconfirmed"]


@pytest.mark.parametrize("who", ["trader", "staff"])
def test_the_other_side_cannot_say_paid(ready, who):
    order = f.assigned_payin(ready)
    with pytest.raises(NotYours):
        f.mark_paid({"trader": f.its_trader(order), "staff": f.staff()}[who], order)
    assert f.fresh(order).confirm_by is None


def test_said_twice_it_was_paid_once(ready):
    order = f.paid_payin(ready)
    with pytest.raises(InvalidTransition):
        f.mark_paid(ready.customer(order), order)
    assert f.fresh(order).confirm_by == order.confirm_by


def test_sixteen_claims_at_once_are_one(app, ready):
    order = f.assigned_payin(ready)
    assert outcomes(app, lambda: f.mark_paid(ready.customer(order), order)).count("paid") == 1


def test_an_expired_order_is_not_claimed(ready):
    order = f.expire(f.assigned_payin(ready))
    with pytest.raises(OrderExpired):
        f.mark_paid(ready.customer(order), order)


def pages_told(monkeypatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(page_events, "tell", lambda session, name, audience: told.append(name))
    return told


def test_nobody_confirms_in_time_and_staff_see_it(ready, monkeypatch):
    order = f.paid_payin(ready)
    f.work_off("flag_unconfirmed")
    assert f.fresh(order).needs_attention_at is None
    with clock.moved(timedelta(seconds=1801)):
        told = pages_told(monkeypatch)
        f.work_off("flag_unconfirmed")
        flagged = f.fresh(order)
        assert flagged.needs_attention_at is not None
        assert told == ["orders"], "an open desk looks again"
        assert (flagged.status, flagged.version, flagged.paid_at) == ("paid", order.version + 1, order.paid_at)
        event = last_event(order)
        assert (event.type, event.action, event.payload) == ("payin.unconfirmed", "flag", None), "the store is not told"
        f.work_off("flag_unconfirmed")
        assert f.fresh(order).version == flagged.version
    f.confirm(f.its_trader(order), order)
    assert f.fresh(order).status == "confirmed"


# --- strangers -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("act", [f.cancel, f.mark_paid, f.decline, lambda who, order: f.confirm(who, order)])
def test_a_stranger_sees_nothing(ready, stranger, act):
    order, theirs = f.assigned_payin(ready), stranger.order()
    for who in (stranger.key, ready.test_key, stranger.owner, stranger.customer(theirs),
                f.as_trader(stranger.traders[0])):
        with pytest.raises(NotFound):
            act(who, order)
        with f.look() as session, pytest.raises(NotFound):
            queries.find(session, who, order.public_id)
    assert f.fresh(order).version == order.version


def test_everybody_sees_their_own(ready, stranger):
    order, other = f.assigned_payin(ready), f.assigned_payin(stranger)
    for who in (ready.key, ready.owner, ready.customer(order), f.its_trader(order)):
        with f.look() as session:
            assert session.scalars(queries.visible_to(who)).all() == [session.get_one(Order, order.id)]
    with f.look() as session:
        seen = set(session.scalars(queries.visible_to(f.staff()).with_only_columns(Order.id)))
    assert {order.id, other.id} <= seen


@pytest.mark.parametrize("shown", ["pin_", "pin_nonsense", "", "pin_01J00000000000000000000000",
                                   "asg_01J00000000000000000000000", "x" * 60])
def test_an_order_that_is_not_there(ready, shown):
    with pytest.raises(NotFound), f.act() as session:
        service.cancel(session, ready.key, service.CancelOrder(order_id=shown))
