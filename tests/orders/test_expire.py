"""Expiry to the second, and against a confirmation in the same moment (fault 14)."""
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import files
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.jobs import Job
from portal.core.lifecycle import InvalidTransition
from portal.ledger.models import JournalEntry
from portal.orders import deadlines
from portal.orders.service import OrderExpired
from tests import factories as f
from tests.factories import usdt


def kinds_of(reference) -> list[str]:
    with f.look() as session:
        return sorted(session.scalars(select(JournalEntry.kind).where(JournalEntry.reference == reference)))


def the_end_of(order, *ends: str) -> str:
    """The one of these steps that it took, which is its last: no other was ever taken."""
    found = f.fresh(order)
    [taken] = [step for step, _ in found.steps if step in ends]
    assert taken == f"{found.direction}.{found.status}"
    return taken


def test_fifteen_minutes_and_as_much_of_grace_to_the_second(ready):
    order = f.assigned_payin(ready)
    assert order.expires_at - order.assigned_at <= timedelta(seconds=900)
    end = order.expires_at + timedelta(seconds=900)
    with clock.moved(end - clock.now() - timedelta(seconds=1)):
        f.work_off("expire_order")
        assert f.fresh(order).status == "assigned"
    with clock.moved(end - clock.now() + timedelta(milliseconds=1)):
        f.work_off("expire_order")
    found = f.fresh(order)
    assert (found.status, found.assignment_id) == ("expired", None)
    assert f.trader_held(ready.traders[0]) == usdt("0.000000")


def test_the_stores_own_clocks(app):
    cast = f.new_cast(pay_for_s=60, grace_s=30)
    order = f.assigned_payin(cast)
    with clock.moved(timedelta(seconds=91)):
        f.work_off("expire_order")
    assert f.fresh(order).status == "expired"
    assert order.expires_at - order.assigned_at <= timedelta(seconds=60)


def test_the_status_decides_and_never_the_clock(ready):
    """After `expires_at` and before the step has committed, a claim and a confirmation still count."""
    order = f.assigned_payin(ready)
    with clock.moved(timedelta(hours=2)):
        f.mark_paid(ready.customer(order), order)
        f.work_off("expire_order")
        assert f.fresh(order).status == "paid"
        f.confirm(f.its_trader(order), order)
    assert f.fresh(order).status == "confirmed"


def test_expired_twice_it_is_released_once(ready):
    order = f.assigned_payin(ready)
    assignment = f.assignment_of(order)
    f.expire(order)
    with f.act() as session:
        deadlines.expire(session, [Job(id=1, reference=assignment.id)])
    assert kinds_of(assignment.id) == ["payin_hold", "payin_release"]


def test_the_clock_of_a_declined_assignment_does_not_end_the_next_one(cast):
    cast.requisite()
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    cast.requisite()
    f.decline(f.its_trader(order), order)
    f.work_off()
    with f.act() as session:
        deadlines.expire(session, [Job(id=1, reference=first.id)])
    assert f.fresh(order).status == "assigned"


def test_many_end_in_one_batch(cast):
    trader = cast.trader()
    for _ in range(3):
        cast.requisite(trader)
    orders = [f.assigned_payin(cast, f"{1000 + n}.00") for n in range(9)]
    f.expire(orders[-1])
    assert {f.fresh(order).status for order in orders} == {"expired"}
    assert f.fresh(trader).open_orders == 0
    assert f.trader_available(trader) == usdt("100000.000000")


@pytest.mark.parametrize("times", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_expiry_against_confirmation_at_the_deadline(app, ready, times):
    for n in range(times):
        order = f.assigned_payin(ready, f"{1000 + n}.00")
        assignment, trader = f.assignment_of(order), f.its_trader(order)

        def confirm(order=order, trader=trader, shown=assignment.public_id) -> str:
            try:
                return f.confirm(trader, order, assignment_id=shown).status
            except PortalError as error:
                return error.code

        with clock.moved(order.expires_at - clock.now() + timedelta(seconds=901)):
            confirmed, ended = f.at_the_same_time(app, [confirm, lambda: f.work_off("expire_order")])
        assert not isinstance(ended, Exception)
        found = f.fresh(order)
        assert (found.status, confirmed) in (("confirmed", "confirmed"), ("expired", "invalid_transition"))
        # expired first, it is taken up again by its trader, who has the money: on an attempt of its own
        ended_first = found.status == "expired" or found.late
        assert kinds_of(assignment.id) == (["payin_hold", "payin_release"] if ended_first else ["payin_hold"])
    with clock.moved(timedelta(hours=1)):
        f.work_off("settle_order")
    assert f.trader_held(ready.traders[0]) == usdt("0.000000")


@pytest.mark.parametrize("times", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_a_payouts_end_against_its_payment_at_the_deadline(app, cast, times):
    """A payout's clock runs until it is sent: it is paid by its trader, or the store has its money back."""
    f.change(cast.store, payout_tries_max=1)
    for n in range(times):
        order = f.accepted_payout(cast, f"{1000 + n}.00")
        assignment, trader = f.assignment_of(order), f.its_trader(order)
        receipt = f.upload(trader, f.picture()).public_id

        def pay(order=order, trader=trader, shown=assignment.public_id, receipt=receipt) -> str:
            try:
                return f.pay(trader, order, receipts=[receipt], assignment_id=shown).status
            except PortalError as error:
                return error.code

        with clock.moved(assignment.expires_at - clock.now() + timedelta(seconds=1)):
            paid, ended = f.at_the_same_time(app, [pay, lambda: f.work_off("expire_order")])
        assert not isinstance(ended, Exception)
        winner = the_end_of(order, "payout.paid", "payout.expired")
        assert (winner, paid) in (("payout.paid", "paid"), ("payout.expired", "assignment_changed"))
        assert kinds_of(order.id) == ["payout_hold", *(["payout_release"] if winner == "payout.expired" else [])]
        if winner == "payout.paid":
            f.agree(cast.key, order)
        else:  # his receipt is his draft still; two dozen of them would be too many
            with f.act() as session:
                files.remove(session, trader, receipt)
    with clock.moved(timedelta(hours=1)):
        f.work_off("settle_order")
    assert f.store_held(cast.store) == usdt("0.000000")


@pytest.mark.parametrize(("act", "refused"), [("mark_paid", OrderExpired), ("cancel", InvalidTransition)])
def test_expiry_against_the_payer(app, ready, act, refused):
    for n in range(8):
        order = f.assigned_payin(ready, f"{1000 + n}.00")
        doing = {"mark_paid": lambda order=order: f.mark_paid(ready.customer(order), order),
                 "cancel": lambda order=order: f.cancel(ready.customer(order), order)}[act]
        with clock.moved(order.expires_at - clock.now() + timedelta(seconds=901)):
            done, ended = f.at_the_same_time(app, [doing, lambda: f.work_off("expire_order")])
        assert not isinstance(ended, Exception)
        winner = the_end_of(order, "payin.paid", "payin.cancelled", "payin.expired")
        assert isinstance(done, refused) == (winner == "payin.expired"), (winner, done)
        if winner == "payin.paid":
            f.confirm(f.its_trader(order), order)
    with clock.moved(timedelta(hours=1)):
        f.work_off("settle_order")
    assert f.trader_held(ready.traders[0]) == usdt("0.000000")
