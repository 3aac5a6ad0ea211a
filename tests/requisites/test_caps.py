"""Caps of what is open and in dispute with a trader, at a bank, of a store."""
import pytest
from sqlalchemy import select, text, update

from portal.core.errors import Denied, NotFound
from portal.core.ids import new_id
from portal.core.jobs import Claimed
from portal.orders.matching import match
from portal.orders.models import OpenPlace, Order
from portal.orders.proof import SLOTS
from portal.parties.models import Trader
from portal.requisites import caps, hindrances
from portal.requisites.models import BankCap, Requisite
from tests import factories as f
from tests.disputes import acts


def capped(scope: str, target: str, by=None, **wanted):
    with f.act() as session:
        return caps.set_caps(session, by or f.staff("admin"), caps.SetCaps(
            scope=scope, target=target, reason="Exposure", **wanted))


def tried(cast: f.Cast, amount: str) -> Order:
    order = cast.order(amount)
    f.work_off("match_order")
    return f.fresh(order)


def why(trader: Trader) -> set[str]:
    with f.look() as session:
        trader = session.get_one(Trader, trader.id)
        rows = session.scalars(select(Requisite).where(Requisite.trader_id == trader.id)).all()
        return {str(one.because) for found in hindrances.hindrances(session, trader, rows).values() for one in found}


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


def a_trader(cast):
    return "trader", cast.traders[0].public_id, "20"  # an order of 1500 settles for 16.30


def a_store(cast):
    return "store", cast.store.public_id, "20"


def a_bank(cast):
    return "bank", "alfa:RUB", "2000"


@pytest.mark.parametrize("whose", [a_trader, a_store, a_bank])
def test_an_order_more_than_the_cap_finds_nobody_until_one_ends(cast, whose):
    scope, target, most = whose(cast)
    assert capped(scope, target, open_max=most) is None, "a first cap is tighter than none"
    first = tried(cast, "1500.00")
    assert first.status == "assigned"
    second = tried(cast, "1400.00")
    assert second.status == "retrying"
    with f.look() as session:
        funnel = match._funnels(session, [session.get_one(Order, second.id)])[second.id]
    assert (funnel["slots"], funnel["exposure"]) == (1, 0)
    assert match.reason_of(funnel) == "exposure_reached"
    f.confirm(f.its_trader(first), first)
    assert tried(cast, "1300.00").status == "assigned"


@pytest.mark.parametrize("whose", [a_trader, a_store, a_bank])
def test_what_is_in_dispute_keeps_new_orders_away_until_it_is_decided(cast, whose):
    scope, target, _ = whose(cast)
    order = f.paid_payin(cast, "1500.00")
    dispute = acts.open_by(f.its_trader(order), order, "not_received")
    capped(scope, target, disputed_max="10")
    assert tried(cast, "1400.00").status == "retrying"
    assert why(cast.traders[0]) == {a_trader: {"trader_disputed"}, a_bank: {"bank_cap"}, a_store: set()}[whose]
    acts.give_in(f.its_trader(order), dispute)
    assert tried(cast, "1300.00").status == "assigned"


def test_a_trader_reads_that_his_cap_is_reached(cast):
    tried(cast, "1500.00")
    capped("trader", cast.traders[0].public_id, open_max="16")
    assert why(cast.traders[0]) == {"trader_open"}


def test_wider_waits_for_a_second_person_and_tighter_does_not(cast):
    target = cast.traders[0].public_id
    capped("trader", target, open_max="20")
    assert capped("trader", target, open_max="15", disputed_max="100") is None
    waits = capped("trader", target, open_max="15")  # no cap of disputes any more
    assert waits is not None
    acts.agree(waits)
    with f.look() as session:
        trader = session.get_one(Trader, cast.traders[0].id)
        assert (trader.open_max_minor, trader.disputed_max_minor) == (15_000_000, None)
    with pytest.raises(Denied):
        capped("trader", target, by=f.staff("support_traders"), open_max="1")
    with pytest.raises(NotFound):
        capped("bank", "nowhere:RUB", open_max="1")


def test_a_bank_without_caps_costs_matching_nothing(cast):
    capped("bank", "alfa:RUB", open_max="2000")
    acts.agree(capped("bank", "alfa:RUB"))
    with f.look() as session:
        assert session.scalars(select(BankCap)).all() == []


@pytest.mark.parametrize("whose", [a_trader, a_store, a_bank])
def test_sixteen_matchers_at_once_do_not_pass_it(fresh_app, cast, whose):
    """Each with an order of its own, on cards of others: room for three of them."""
    for _ in range(8):
        cast.requisite(cast.traders[0] if whose is a_trader else cast.trader())
    scope, target, most = whose(cast)
    capped(scope, target, open_max={"20": "33", "2000": "3050"}[most])
    orders = [cast.order(f"{1000 + n}.00") for n in range(16)]

    def matched(order: Order) -> None:
        with f.act() as session:
            match.work(session, [Claimed(order.tries, "match_order", order.id, str(order.id), 0, 0, new_id(), None)])

    for _ in range(4):  # who was held by another looks again
        f.at_the_same_time(fresh_app, [lambda order=order: matched(order) for order in orders], threads=8)
    with f.look() as session:
        places = session.scalars(select(OpenPlace)).all()
        assert len(places) == 3
        assert session.get_one(Trader, cast.traders[0].id).open_minor == sum(
            one.settlement_minor for one in places if one.trader_id == cast.traders[0].id)


def test_what_is_open_is_proved(cast):
    tried(cast, "1500.00")
    with f.act() as session:
        session.execute(update(Trader).where(Trader.id == cast.traders[0].id).values(open_minor=1))
    with f.look() as session:
        [found] = session.scalars(text(SLOTS.differing)).all()
    assert "1 open, places come to 16304348" in found
