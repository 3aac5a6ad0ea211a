"""Settling: the spec's example to the last digit, a batch as single ones, and never twice."""
from sqlalchemy import select, update

from portal import ledger
from portal.core import jobs
from portal.core.jobs import Job
from portal.ledger.models import JournalEntry
from portal.orders import settlement
from portal.orders.models import Order
from tests import factories as f
from tests.factories import usdt


def fees():
    f.work_off("settle_order")  # what other tests left
    return f.balance(ledger.FEES("USDT", True))


def entries_of(order, kind: str = "payin_settle") -> int:
    with f.look() as session:
        return len(session.scalars(select(JournalEntry.id).where(
            JournalEntry.kind == kind, JournalEntry.reference == order.id)).all())


def test_the_example_of_the_spec_to_the_last_digit(ready):
    trader, before = ready.traders[0], fees()
    order = f.assigned_payin(ready, "1500.00")
    assert (order.settlement, order.fee, order.net) == (usdt("16.304348"), usdt("0.407609"), usdt("15.896739"))
    assert f.trader_held(trader) == usdt("16.304348")
    assert f.trader_available(trader) == usdt("99983.695652")

    f.mark_paid(ready.customer(order), order)
    f.confirm(f.as_trader(trader), order)
    assert f.trader_held(trader) == usdt("16.304348")  # held until it is settled
    f.work_off("settle_order")

    assert f.fresh(order).status == "completed"
    assert f.trader_held(trader) == usdt("0.000000")
    assert f.trader_available(trader) == usdt("99983.858695")  # and 1 % of reward
    assert f.store_available(ready.store) == usdt("15.896739")
    assert fees() - before == usdt("0.244566")


def test_a_reward_above_the_fee_is_the_desks_loss(app):
    cast = f.new_cast(fee_bps=100, reward_may_exceed_fee=True)
    trader = cast.trader(reward_bps=300)
    cast.requisite(trader)
    before = fees()
    f.completed_payin(cast, "9200.00")
    assert f.store_available(cast.store) == usdt("99.000000")
    assert f.trader_available(trader) == usdt("99903.000000")
    assert before - fees() == usdt("2.000000")


def test_without_fee_and_reward_all_is_the_stores(app):
    cast = f.new_cast(fee_bps=0)
    cast.requisite(cast.trader(reward_bps=0))
    f.completed_payin(cast, "9200.00")
    assert f.store_available(cast.store) == usdt("100.000000")


def test_a_batch_comes_to_the_same_as_single_ones(cast, stranger):
    for one in (cast, stranger):
        one.requisite(one.trader())
    amounts = [f"{1000 + 37 * n}.0{n}" for n in range(8)]
    together = [f.confirmed_payin(cast, amount) for amount in amounts]
    assert f.work_off("settle_order") == len(together)
    for amount in amounts:
        f.completed_payin(stranger, amount)
    assert f.store_available(cast.store) == f.store_available(stranger.store)
    assert all(f.fresh(order).status == "completed" and entries_of(order) == 1 for order in together)


def test_done_twice_it_is_harmless(ready):
    order = f.completed_payin(ready)
    had = f.store_available(ready.store), f.fresh(order).version
    with f.act() as session:
        jobs.enqueue(session, "settle_order", order.id)
    f.work_off("settle_order")
    assert (f.store_available(ready.store), f.fresh(order).version) == had
    assert entries_of(order) == 1


def test_many_settlers_at_once_settle_each_order_once(app, ready):
    orders = [f.confirmed_payin(ready, f"{1000 + n}.00") for n in range(24)]

    def settle():
        with f.act() as session:
            settlement.work(session, [Job(id=n, reference=order.id) for n, order in enumerate(orders)])
        return "done"

    f.at_the_same_time(app, [settle] * 4)
    f.work_off("settle_order")
    assert [entries_of(order) for order in orders] == [1] * 24
    assert f.store_available(ready.store) == sum((f.fresh(o).net for o in orders[1:]), f.fresh(orders[0]).net)


def test_what_was_frozen_decides_not_what_holds_now(ready):
    order = f.confirmed_payin(ready)
    with f.act() as session:  # a row nobody may touch: only to show what settlement reads
        session.execute(update(Order).where(Order.id == order.id).values(final_fee_minor=1_000_000))
    f.work_off("settle_order")
    assert f.store_available(ready.store) == usdt("15.304348")


def test_the_steps_are_told_in_order(ready):
    order = f.completed_payin(ready)
    assert [step for step, _ in order.steps] == [
        "payin.new", "payin.assigned", "payin.paid", "payin.confirmed", "payin.completed"]
    assert order.ended_at == order.completed_at
