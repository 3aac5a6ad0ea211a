"""`paid` had no way out but a confirmation: a payer who lies froze collateral, slot and amount for ever."""
from datetime import timedelta

import pytest

from portal import approvals
from portal.approvals import AlreadyAsked, Approval, DecideApproval, OwnApproval, StaleApproval
from portal.core import clock
from portal.core.errors import Denied, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.orders import cancel_paid
from portal.orders.cancel_paid import AskCallOff, StillToBeConfirmed
from tests import factories as f
from tests.orders.test_acts import last_event, places_of

OVERDUE = timedelta(seconds=1801)


def ask(actor, order) -> Approval:
    with f.act() as session:
        return cancel_paid.ask(session, actor, AskCallOff(order_id=order.public_id, reason="Nothing in the bank"))


def decide(actor, approval, decision="approve") -> Approval:
    with f.act() as session:
        return approvals.decide(session, actor, DecideApproval(approval_id=approval.public_id, decision=decision,
                                                               reason="Looked"))


def test_two_of_the_staff_end_what_nobody_confirmed(ready):
    order = f.paid_payin(ready)
    with clock.moved(OVERDUE):
        approval = ask(f.staff(), order)
        assert f.fresh(order).status == "paid", "nothing happens before a second person agrees"
        decide(f.staff("admin"), approval)
        found, event = f.fresh(order), last_event(order)
    assert (found.status, found.assignment_id) == ("cancelled", None)
    assert (event.type, event.action, event.reason) == ("payin.cancelled", "call_off", "Nothing in the bank")
    assert event.payload["status"] == "cancelled", "the store is told"
    assert f.trader_held(ready.traders[0]) == f.usdt("0.000000")
    assert (places_of(order), f.fresh(ready.traders[0]).open_orders) == (0, 0)
    assert f.assignments_of(order)[0].end_reason == "cancelled"


def test_not_while_the_trader_may_still_confirm(ready):
    order = f.paid_payin(ready)
    with pytest.raises(StillToBeConfirmed):
        ask(f.staff(), order)


def test_what_was_confirmed_meanwhile_is_not_cancelled(ready):
    order = f.paid_payin(ready)
    with clock.moved(OVERDUE):
        approval = ask(f.staff(), order)
        f.confirm(f.its_trader(order), order)
        with pytest.raises(StaleApproval):
            decide(f.staff("admin"), approval)
    assert f.fresh(order).status == "confirmed"


def test_nobody_alone_and_nobody_else(ready, stranger):
    order, open_one = f.paid_payin(ready), f.assigned_payin(ready, "1700.00")
    with clock.moved(OVERDUE):
        for who in (ready.key, ready.owner, ready.customer(order), f.its_trader(order), f.staff("support_readonly")):
            with pytest.raises(Denied):
                ask(who, order)
        with pytest.raises(NotFound):
            ask(stranger.key, order)
        with pytest.raises(InvalidTransition):
            ask(f.staff(), open_one)
        boss = f.staff("super_admin")
        approval = ask(boss, order)
        with pytest.raises(AlreadyAsked):
            ask(f.staff(), order)
        with pytest.raises(OwnApproval):
            decide(boss, approval)
        decide(f.staff("admin"), approval, "reject")
    assert f.fresh(order).status == "paid"


def test_sixteen_decisions_at_once_end_it_once(app, ready):
    order = f.paid_payin(ready)
    with clock.moved(OVERDUE):
        approval = ask(f.staff(), order)
        done = f.at_the_same_time(app, [lambda: decide(f.staff("admin"), approval)] * 16)
    assert sum(not isinstance(one, Exception) for one in done) == 1
    assert f.fresh(order).version == order.version + 1
    assert f.trader_available(ready.traders[0]) == f.usdt(f.PLENTY)
