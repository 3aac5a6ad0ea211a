"""Who may take an order: every filter of the spec turns its requisite away, and the next one gets the order."""
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal import ledger
from portal.core import clock, jobs
from portal.core.db import db
from portal.orders.matching import pick
from portal.orders.matching.match import STAGES
from portal.orders.models import MatchTry
from portal.parties.models import Holder
from portal.requisites import service as requisites
from portal.requisites.commands import MoveRequisite
from tests import factories as f


def last_try(order) -> MatchTry:
    with f.look() as session:
        return session.scalars(select(MatchTry).where(MatchTry.order_id == order.id)
                               .order_by(MatchTry.id.desc()).limit(1)).one()


def fell_out_at(order) -> str:
    """The first filter that nobody passed."""
    funnel = last_try(order).funnel
    return next(stage for stage in STAGES if funnel[stage] == 0)


def look_again(order) -> str:
    """The next try, when it is due."""
    found = f.fresh(order)
    with clock.moved(max(timedelta(), (found.next_attempt_at or clock.now()) - clock.now())
                     + timedelta(milliseconds=5)):
        f.work_off()
    return f.fresh(order).status


def taker(order):
    return f.assignment_of(order).requisite_id


def turned_away(cast, *, at: str, amount: str = "1500.00", **asked):
    """An order that nobody takes falls out at this filter; then somebody comes who can take it, and gets it."""
    order = cast.order(amount, **asked)
    f.work_off()
    assert f.fresh(order).status == "retrying"
    assert fell_out_at(order) == at
    somebody = cast.requisite()
    assert look_again(order) == "assigned"
    assert taker(order) == somebody.id
    return order


def test_another_bank(cast):
    cast.requisite(bank="sber")
    turned_away(cast, at="bank", bank="alfa")


def test_any_bank_where_the_order_names_none(cast):
    wanted = cast.requisite(bank="sber")
    assert taker(f.assigned_payin(cast)) == wanted.id


def test_another_currency(cast):
    cast.requisite(currency="KZT", bank="halyk")
    turned_away(cast, at="method")


def test_another_settlement_currency(cast):
    trader = cast.trader(deposit=None, settlement_currency="USDC")
    f.deposit_to(ledger.trader_available(trader.id, "USDC", True), "1000.000000")
    cast.requisite(trader)
    turned_away(cast, at="method")


def test_paused(cast):
    requisite = cast.requisite()
    with f.act() as session:
        requisites.pause(session, f.as_trader(cast.traders[0]), MoveRequisite(requisite_id=requisite.public_id))
    turned_away(cast, at="approved")


@pytest.mark.parametrize("status", ["pending", "rejected", "blocked", "archived"])
def test_a_requisite_that_is_not_active(cast, status):
    f.change(cast.requisite(), status=status)
    turned_away(cast, at="approved")


def test_a_suspended_trader(cast):
    f.change(cast.requisite() and cast.traders[0], status="suspended")
    turned_away(cast, at="approved")


def test_off_shift(cast):
    f.change(cast.requisite() and cast.traders[0], on_shift=False)
    turned_away(cast, at="on_shift")


def test_off_shift_though_the_lanes_do_not_know_yet(cast):
    """The lanes are a hint: what counts is looked at again under the lock."""
    cast.requisite()
    with f.act() as session:
        session.execute(text("UPDATE traders SET on_shift = false WHERE id = :id"), {"id": cast.traders[0].id})
    turned_away(cast, at="on_shift")


def test_payins_switched_off_on_the_requisite(cast):
    cast.requisite(payin=False, payout=True)
    turned_away(cast, at="approved")


def test_payins_switched_off_for_the_trader(cast):
    f.change(cast.requisite() and cast.traders[0], payin=False)
    turned_away(cast, at="approved")


@pytest.mark.parametrize("limits", [{"min_amount": "1500.01"}, {"max_amount": "1499.99"}])
def test_the_amount_is_outside_its_range(cast, limits):
    cast.requisite(**limits)
    turned_away(cast, at="amount")


def test_both_ends_of_its_range_are_taken(cast):
    cast.requisite(min_amount="1500.00", max_amount="1500.00")
    f.assigned_payin(cast, "1500.00")


@pytest.mark.parametrize("limits", [{"day_max": "2999.99"}, {"day_count_max": 1}, {"month_max": "2999.99"}])
def test_a_limit_of_its_day_or_month_is_used_up(cast, limits):
    cast.requisite(**limits)
    f.assigned_payin(cast, "1500.00")
    turned_away(cast, at="windows")


def test_limits_are_taken_to_the_last_kopeck(cast):
    cast.requisite(day_max="2999.99", month_max="2999.99", day_count_max=2)
    f.assigned_payin(cast, "1500.00")
    f.assigned_payin(cast, "1499.99")


def test_a_new_day_is_a_new_day(cast):
    cast.requisite(day_max="1500.00", day_count_max=1)
    f.assigned_payin(cast)
    with clock.moved(timedelta(days=1)):
        f.assigned_payin(cast, "1499.00")


def test_a_new_month_is_a_new_month(cast):
    cast.requisite(month_max="1500.00")
    f.assigned_payin(cast)
    with clock.moved(timedelta(days=32)):
        f.assigned_payin(cast, "1499.00")


@pytest.mark.parametrize("end", ["cancel", "decline", "expire"])
def test_an_order_that_ends_without_money_gives_its_limits_back(cast, end):
    requisite = cast.requisite(day_max="1500.00", day_count_max=1, month_max="1500.00")
    order = f.assigned_payin(cast)
    {"cancel": lambda: f.cancel(cast.key, order), "decline": lambda: f.decline(f.its_trader(order), order),
     "expire": lambda: f.expire(order)}[end]()
    used = f.fresh(requisite)
    assert (used.day_used_minor, used.day_count, used.month_used_minor, used.open_orders) == (0, 0, 0, 0)
    assert f.fresh(cast.traders[0]).open_orders == 0
    assert f.assigned_payin(cast, "1499.00")


def test_a_confirmed_order_keeps_its_limits_and_gives_up_its_slot(cast):
    requisite = cast.requisite(open_orders_max=1)
    f.completed_payin(cast)
    used = f.fresh(requisite)
    assert (used.day_used_minor, used.day_count, used.month_used_minor, used.open_orders) == (150000, 1, 150000, 0)
    f.assigned_payin(cast)  # the same amount: its place is free as well


def test_limits_go_back_to_the_day_they_were_counted_on(cast):
    requisite = cast.requisite()
    yesterdays = f.assigned_payin(cast, "1500.00")
    with clock.moved(timedelta(days=1)):
        f.assigned_payin(cast, "700.00")
        f.cancel(cast.key, yesterdays)
        used = f.fresh(requisite)
        assert used.day_on == clock.today()
        assert (used.day_used_minor, used.day_count) == (70000, 1)
        if clock.today().day != 1:
            assert used.month_used_minor == 70000
    with clock.moved(timedelta(days=40)):
        late = f.assigned_payin(cast, "300.00")
    f.cancel(cast.key, late)
    assert f.fresh(requisite).day_count == 0


@pytest.mark.parametrize("limits", [{"day_max_minor": 299999}, {"day_count_max": 1}, {"month_max_minor": 299999}])
def test_a_holders_limits_hold_over_two_traders(cast, limits):
    first, second = (cast.requisite(holder="Ivan I. Ivanov " + cast.method) for _ in range(2))
    assert first.trader_id != second.trader_id
    with f.look() as session:
        holder = session.get_one(Holder, first.holder_id)
    f.change(holder, currency="RUB", **limits)
    order = f.assigned_payin(cast, "1500.00")
    turned_away(cast, at="windows")
    f.cancel(cast.key, order)
    assert f.fresh(holder).day_used_minor == 0
    f.assigned_payin(cast, "1499.00")


def test_no_free_slot(cast):
    cast.requisite(open_orders_max=1)
    f.assigned_payin(cast)
    turned_away(cast, at="slots", amount="1499.00")


def test_the_traders_open_orders_over_two_cards(cast):
    trader = cast.trader(open_orders_max=1)
    for _ in range(2):
        cast.requisite(trader)
    f.assigned_payin(cast)
    turned_away(cast, at="slots", amount="1499.00")


def test_cooling_down(cast):
    requisite = cast.requisite(cooldown_s=60)
    f.assigned_payin(cast)
    order = cast.order("1499.00")
    f.work_off()
    assert fell_out_at(order) == "slots"
    with clock.moved(timedelta(seconds=61)):
        f.work_off()
    assert taker(order) == requisite.id


def test_the_same_amount_waits_until_the_first_is_confirmed(cast):
    requisite = cast.requisite()
    first = f.assigned_payin(cast)
    second = cast.order()
    f.work_off()
    assert fell_out_at(second) == "same_amount"
    f.confirm(f.its_trader(first), first)
    assert look_again(second) == "assigned"
    assert taker(second) == requisite.id


def test_a_reward_above_the_fee(cast):
    trader = cast.trader(reward_bps=251)
    cast.requisite(trader)
    turned_away(cast, at="amount")
    f.cancel(cast.key, f.assigned_payin(cast, "1499.00"))


def test_a_reward_above_the_fee_where_the_store_allows_it(app):
    cast = f.new_cast(reward_may_exceed_fee=True)
    cast.requisite(cast.trader(reward_bps=1000))
    assert f.assignment_of(f.assigned_payin(cast)).reward == f.usdt("1.630435")


def test_a_trader_without_a_reward_is_offered_nothing(app):
    cast = f.new_cast(reward_may_exceed_fee=True)
    cast.requisite(cast.trader(reward_bps=None))
    turned_away(cast, at="amount")


def test_collateral_to_the_last_unit(cast):
    trader = cast.trader(deposit="16.304347")
    requisite = cast.requisite(trader)
    order = cast.order("1500.00")
    f.work_off()
    assert fell_out_at(order) == "collateral"
    f.deposit_to(ledger.trader_available(trader.id, "USDT", True), "0.000001")
    assert look_again(order) == "assigned"
    assert taker(order) == requisite.id
    assert f.trader_available(trader) == f.usdt("0.000000")


def test_collateral_for_one_of_two_orders_in_a_batch(cast):
    trader = cast.trader(deposit="20.000000")
    for _ in range(2):
        cast.requisite(trader)
    orders = [cast.order("1500.00"), cast.order("1499.00")]
    f.work_off()
    assert sorted(f.fresh(order).status for order in orders) == ["assigned", "retrying"]
    assert f.trader_held(trader) in (f.usdt("16.304348"), f.usdt("16.293478"))


def test_never_back_to_a_trader_who_gave_it_up(cast):
    trader = cast.trader()
    for _ in range(2):
        cast.requisite(trader)
    order = f.assigned_payin(cast)
    f.decline(f.as_trader(trader), order)
    f.work_off()
    assert f.fresh(order).status == "retrying"
    assert fell_out_at(order) == "on_shift"
    other = cast.requisite()
    assert look_again(order) == "assigned"
    assert taker(order) == other.id


def test_the_first_tier_is_served_first(cast):
    second = cast.requisite(cast.trader(tier=2))
    first = cast.requisite(cast.trader(tier=1), open_orders_max=2)
    takers = [taker(f.assigned_payin(cast, f"{1500 + n}.00")) for n in range(4)]
    assert takers == [first.id, first.id, second.id, second.id]


def test_each_lap_gives_everybody_his_weight(cast):
    weights = {cast.requisite(weight=weight).id: weight for weight in (1, 2, 3, 1)}
    for lap in range(2):
        got = [taker(f.assigned_payin(cast, f"{1400 + lap * 7 + n}.00")) for n in range(7)]
        assert {id: got.count(id) for id in weights} == weights


def test_a_lap_in_one_batch_gives_everybody_his_weight(cast):
    weights = {cast.requisite(weight=weight).id: weight for weight in (1, 2, 3)}
    orders = [cast.order(f"{1400 + n}.00") for n in range(12)]
    f.work_off()
    got = [taker(order) for order in orders]
    assert {id: got.count(id) for id in weights} == {id: 2 * weight for id, weight in weights.items()}


def test_four_matchers_at_once_are_fair_within_one_each(app, cast, monkeypatch):
    """One order a batch: with larger ones a matcher skips what another holds until its batch has committed."""
    requisites = [cast.requisite() for _ in range(5)]
    orders = [cast.order(f"{1400 + n}.00") for n in range(40)]
    monkeypatch.setitem(jobs.KINDS, "match_order", replace(jobs.KINDS["match_order"], batch_max=1))
    f.at_the_same_time(app, [lambda: f.work_off()] * 4)
    for _ in range(5):
        with clock.moved(timedelta(seconds=3)):
            f.work_off()
    got = [taker(order) for order in orders]
    assert all(abs(got.count(requisite.id) - 8) <= 4 for requisite in requisites)


def test_in_a_rush_a_success_records_its_tier_and_a_failure_still_its_funnel(cast, monkeypatch):
    monkeypatch.setattr(pick, "FUNNEL_ROWS_MAX", -1)
    cast.requisite(open_orders_max=1)
    taken = f.assigned_payin(cast)
    assert last_try(taken).funnel == {"tier": 1}
    turned_away(cast, at="slots", amount="1499.00")


def test_one_trader_with_two_cards_takes_two_orders_in_one_batch(cast):
    trader = cast.trader()
    cards = {cast.requisite(trader, open_orders_max=1).id for _ in range(2)}
    orders = [cast.order(), cast.order()]
    f.work_off()
    assert {taker(order) for order in orders} == cards


def test_one_trader_with_two_cards_takes_two_orders_of_two_workers(app, cast):
    trader = cast.trader()
    cards = {cast.requisite(trader, open_orders_max=1).id for _ in range(2)}
    orders = [cast.order(), cast.order()]
    f.at_the_same_time(app, [lambda: f.work_off()] * 2)
    for order in orders:
        if f.fresh(order).status != "assigned":
            look_again(order)
    assert {taker(order) for order in orders} == cards


def test_what_another_worker_holds_is_passed_over_without_waiting(cast):
    held, free = cast.requisite(), cast.requisite()
    with db.engine.connect() as other:
        other.execute(text("SELECT 1 FROM requisites WHERE id = :id FOR NO KEY UPDATE"), {"id": held.id})
        assert [taker(f.assigned_payin(cast, f"{1500 + n}.00")) for n in range(3)] == [free.id] * 3
        other.rollback()
