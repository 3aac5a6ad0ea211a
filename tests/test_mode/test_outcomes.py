"""The last two digits of a test order's amount choose what becomes of it, by the workers' own jobs."""
from datetime import timedelta

from sqlalchemy import select

from portal import ledger
from portal.core import clock
from portal.ledger import verify
from portal.orders.models import OrderEvent
from portal.requisites import robots, test_outcomes
from portal.test_mode.advance import AdvanceOrder, advance
from tests import factories as f

KINDS = ("match_order", test_outcomes.PLAY, "settle_order", "expire_order")
DAY = 86_400


def run_workers():
    """Whatever is due, until nothing is: as a worker's turns."""
    while sum(f.work_off(kind) for kind in KINDS):
        pass


def wait():
    """The robots look a second later, each time; so do tries of matching."""
    for seconds in (2, 4, 6):
        with clock.moved(timedelta(seconds=seconds)):
            run_workers()


def moved_on(cast, order, seconds=DAY):
    with f.act() as session:
        advance(session, cast.test_key, AdvanceOrder(order_id=order.public_id, seconds=seconds))
    return f.fresh(order)


def steps_of(order):
    with f.look() as session:
        return session.scalars(select(OrderEvent.to_status).where(OrderEvent.order_id == order.id)
                               .order_by(OrderEvent.version)).all()


PAYINS = {
    "1500.00": ["new", "assigned", "paid", "confirmed", "completed"],
    "1500.42": ["new", "assigned", "paid", "confirmed", "completed"],
    "1500.02": ["new", "assigned", "paid", "disputed"],  # the store asks to be asked
    "1500.03": ["new", "assigned", "paid", "disputed", "confirmed", "completed"],
    "1500.07": ["new", "assigned", "new", "assigned", "paid", "confirmed", "completed"],
    "1500.08": ["new", "assigned", "paid", "disputed", "confirmed", "completed"],
    "1500.09": ["new", "assigned", "paid", "disputed", "cancelled"],
    "1500.10": ["new", "review", "new", "assigned", "paid", "confirmed", "completed"],
    "1500.11": ["new", "failed"],
    "1500.01": ["new", "assigned"],
    "1500.04": ["new", "assigned"],
    "1500.05": ["new", "assigned"],
}


def test_every_amount_of_a_payin_comes_to_what_the_table_says(shop):
    made = {amount: shop.order(amount, actor=shop.test_key) for amount in PAYINS}
    nobody = shop.order("1500.06", actor=shop.test_key)
    run_workers()
    wait()
    assert {amount: steps_of(order) for amount, order in made.items()} == PAYINS
    assert (f.fresh(nobody).status, f.fresh(nobody).failure_code) == ("failed", "no_requisite")
    assert f.fresh(made["1500.11"]).failure_code == "refused"
    more = f.fresh(made["1500.03"])
    assert (more.exactness, more.amount_received) == ("over", f.rub("1650.03"))
    f.mark_paid(shop.test_key, made["1500.01"])
    wait()
    assert f.fresh(made["1500.01"]).status == "completed"
    assert moved_on(shop, made["1500.04"]).status == "expired"
    late = moved_on(shop, made["1500.05"])
    assert (late.status, late.late) == ("completed", True)
    assert steps_of(late) == ["new", "assigned", "expired", "assigned", "confirmed", "completed"]
    _books_hold()


def test_less_goes_by_the_stores_policy(fresh_app):
    came_to = {}
    for policy in ("accept", "ask", "return"):
        cast = f.new_cast(under_policy=policy)
        _robots(cast)
        order = cast.order("1500.02", actor=cast.test_key)
        run_workers()
        wait()
        order = f.fresh(order)
        came_to[policy] = order.status, order.waits_for
        assert order.amount_received == f.rub("1350.01")
    assert came_to == {"accept": ("completed", None), "ask": ("disputed", "store"), "return": ("cancelled", None)}
    _books_hold()


PAYOUTS = {
    "50.00": ["assigned", "assigned", "paid", "confirmed", "completed"],
    "50.02": ["assigned", "assigned", "paid", "disputed", "confirmed", "completed"],
    "50.03": ["assigned", "assigned", "paid", "disputed", "confirmed", "completed"],
    "50.07": ["assigned", "new", "assigned", "assigned", "paid", "confirmed", "completed"],
    "50.08": ["assigned", "assigned", "paid", "disputed", "cancelled"],
    "50.09": ["assigned", "assigned", "paid", "disputed", "confirmed", "completed"],
    "50.10": ["review", "new", "assigned", "assigned", "paid", "confirmed", "completed"],
    "50.11": ["failed"],
    "50.01": ["assigned"],
    "50.04": ["assigned"],
    "50.05": ["assigned", "assigned"],
}


def test_every_amount_of_a_payout_comes_to_what_the_table_says(shop):
    f.deposit_to(ledger.store_available(shop.store.id, "USDT", False), "100.000000")
    made = {amount: f.create_payout(shop, amount, actor=shop.test_key).order for amount in PAYOUTS}
    nobody = f.create_payout(shop, "50.06", actor=shop.test_key).order
    run_workers()
    wait()
    assert {amount: steps_of(order)[1:] for amount, order in made.items()} == PAYOUTS
    assert (f.fresh(nobody).status, f.fresh(nobody).failure_code) == ("failed", "no_requisite")
    less = f.fresh(made["50.02"])
    assert (less.exactness, less.amount_received) == ("under", f.rub("45.01"))
    assert moved_on(shop, made["50.01"]).status == "completed"
    given_up = moved_on(shop, made["50.04"])
    assert (given_up.status, len(f.assignments_of(given_up))) == ("expired", shop.store.payout_tries_max)
    assert moved_on(shop, made["50.05"]).status == "completed"
    assert f.store_held(shop.store, live=False) == f.usdt("0.000000")
    _books_hold()


def _robots(cast):
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])


def _books_hold():
    with f.look() as session:
        assert verify.run(session).differences == []
