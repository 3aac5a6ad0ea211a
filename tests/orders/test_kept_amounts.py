"""The same amount on the same requisite, too soon: B was completed with A's money, as A had only been cancelled."""
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import joinedload

from portal.core import clock
from portal.orders.commands import Customer
from portal.orders.matching import reservations
from portal.orders.matching.match import STAGES
from portal.orders.models import MatchTry
from portal.orders.reading import same_amount
from portal.orders.reservation_models import KeptAmount
from portal.requisites import hindrances, robots
from portal.requisites.models import Requisite
from tests import factories as f

ENDS = {"cancelled by the payer": lambda cast, order: f.cancel(cast.customer(order), order),
        "refused by the trader": lambda cast, order: f.decline(f.its_trader(order), order),
        "expired": lambda cast, order: f.expire(order)}


def fell_out_at(order) -> str:
    with f.look() as session:
        funnel = session.scalars(select(MatchTry.funnel).where(MatchTry.order_id == order.id)
                                 .order_by(MatchTry.id.desc())).first()
    return next(stage for stage in STAGES if funnel[stage] == 0)


@pytest.mark.parametrize("end", ENDS)
def test_an_amount_rests_after_its_order_ended_without_money(cast, end):
    requisite = cast.requisite()
    first = f.assigned_payin(cast)
    ENDS[end](cast, first)
    same, other = cast.order(), cast.order("1500.01")
    f.work_off()
    assert (f.fresh(same).status, fell_out_at(same)) == ("retrying", "same_amount")
    assert f.assignment_of(other).requisite_id == requisite.id, "only the amount is taken, not the slot"


def test_another_requisite_takes_it_meanwhile(cast):
    cast.requisite()
    f.cancel(cast.key, f.assigned_payin(cast))
    second = cast.requisite()
    assert f.assignment_of(f.assigned_payin(cast)).requisite_id == second.id


@pytest.mark.parametrize("late_for_s", [86_400, 3_600])
def test_it_is_free_once_the_stores_late_window_is_over(cast, late_for_s):
    f.change(cast.store, late_for_s=late_for_s)
    requisite = cast.requisite()
    f.cancel(cast.key, f.assigned_payin(cast))
    with clock.moved(timedelta(seconds=late_for_s - 60)):
        early = cast.order()
        f.work_off()
        assert f.fresh(early).status == "retrying"
        f.cancel(cast.key, early)
    with clock.moved(timedelta(seconds=late_for_s + 1)):
        assert f.assignment_of(f.assigned_payin(cast)).requisite_id == requisite.id
        with f.act() as session:
            reservations.sweep(session)
    with f.look() as session:
        assert not session.scalar(select(func.count()).select_from(KeptAmount)
                                  .where(KeptAmount.requisite_id == requisite.id))


def rests_min(amount_minor: int, cast) -> list[int]:
    """For how long each of the store's amounts still rests, whole minutes, the longest first."""
    with f.look() as session:
        until = session.scalars(select(KeptAmount.until).where(KeptAmount.store_id == cast.store.id,
                                                               KeptAmount.amount_minor == amount_minor))
        return sorted((round((at - clock.now()).total_seconds() / 60) for at in until), reverse=True)


@pytest.mark.parametrize("customer", [Customer(id="u-1", ip="203.0.113.9"), Customer(ip="2001:db8::7"), None])
def test_who_asks_and_cancels_in_a_loop_blocks_an_amount_nowhere_for_a_day(cast, customer):
    """Each turn took the next card: an hour of it, and nobody could pay 1500 at this desk until the next day."""
    for _ in range(reservations.RESTS_MAX + 2):
        cast.requisite()
        order = f.assigned_payin(cast, customer=customer)
        f.cancel(cast.customer(order), order)
    assert rests_min(150_000, cast) == [1440] * reservations.RESTS_MAX + [30] * 2
    other = f.assigned_payin(cast, "1700.00", customer=Customer(id="u-2"))
    f.cancel(cast.customer(other), other)
    assert rests_min(170_000, cast) == [1440], "another payer's rests as long as ever"


def test_one_payers_other_amounts_count_and_what_was_left_to_expire_rests_in_any_case(cast):
    payer = Customer(id="u-1")
    for amount in ("1500.00", "1501.00", "1502.00", "1503.00"):
        order = f.assigned_payin(cast, amount, customer=payer)
        f.cancel(cast.key, order)
    assert rests_min(150_300, cast) == [30]
    order = f.assigned_payin(cast, "1504.00", customer=payer)
    f.expire(order)
    assert rests_min(150_400, cast) > [1430], "who let the time pass may have sent it"


def test_the_desk_itself_cannot_take_back_how_it_chose(cast):
    """The looks for a requisite are evidence: the application's role may add to them, nothing else."""
    f.assigned_payin(cast)
    for statement in ("DELETE FROM match_tries", "UPDATE match_tries SET funnel = '{}'"):
        with pytest.raises(ProgrammingError, match="permission denied"), f.act() as session:
            session.execute(text(statement))


def test_what_was_confirmed_frees_its_amount_at_once(cast):
    cast.requisite()
    f.confirmed_payin(cast)
    f.assigned_payin(cast)


def test_robots_keep_nothing(cast):
    order = f.create_payin(cast, actor=cast.test_key).order
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    f.work_off()
    assert f.fresh(order).status == "assigned"
    f.cancel(cast.test_key, order)
    again = f.create_payin(cast, actor=cast.test_key).order
    f.work_off()
    assert f.fresh(again).status == "assigned"


def test_a_batch_and_sixteen_at_once_give_a_resting_amount_to_nobody(app, cast):
    requisite = cast.requisite()
    f.cancel(cast.key, f.assigned_payin(cast))
    orders = [cast.order() for _ in range(4)]
    f.at_the_same_time(app, [f.work_off] * 4)
    assert {f.fresh(order).status for order in orders} == {"retrying"}
    assert f.fresh(requisite).open_orders == 0


def test_the_trader_sees_what_rests_and_who_else_might_have_paid(cast):
    f.change(cast.store, late_for_s=3_600)
    requisite = cast.requisite()
    first = f.assigned_payin(cast)
    f.cancel(cast.customer(first), first)
    with f.look() as session:
        [rest] = same_amount.resting_on(session, requisite)
        assert rest.amount == first.amount_to_pay
    with clock.moved(timedelta(seconds=3_601)):
        second = f.assigned_payin(cast)
        f.cancel(cast.key, f.assigned_payin(cast, "1700.00"))
        with f.look() as session:
            assert [rest.amount.text for rest in same_amount.resting_on(session, requisite)] == ["1700.00"]
            assert not same_amount.others(session, second, f.assignment_of(second)), "the first can be late no more"
    with clock.moved(timedelta(seconds=3_000)), f.look() as session:
        [other] = same_amount.others(session, second, f.assignment_of(second))
        assert other.order_id == first.id


def test_a_requisite_of_one_amount_says_why_it_gets_no_orders(cast):
    requisite = cast.requisite(min_amount="1500.00", max_amount="1500.00")

    def why():
        with f.look() as session:
            found = session.scalars(select(Requisite).where(Requisite.id == requisite.id)
                                    .options(joinedload(Requisite.holder), joinedload(Requisite.trader))).one()
            reasons = hindrances.hindrances(session, found.trader, [found])[found.id]
            return [(one.because, one.until is not None) for one in reasons]

    assert why() == []
    order = f.assigned_payin(cast)
    assert why() == [("same_amount", False)]
    f.cancel(cast.key, order)
    assert why() == [("same_amount", True)]
