"""Which version of a fee or a reward an order is made by."""
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import tariffs
from portal.core import clock, crypto
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.core.ids import new_id
from portal.core.money import Money
from portal.parties.models import Merchant, Store, Trader
from portal.tariffs import service
from portal.tariffs.commands import SetFee, SetReward
from portal.tariffs.fees import forget
from portal.tariffs.models import Tariff


@pytest.fixture
def store(app):
    with transaction() as session:
        id, merchant = new_id(), Merchant(id=new_id(), name="Merchant", status="active")
        session.add(merchant)
        session.flush()
        made = Store(id=id, merchant_id=merchant.id, slug=f"s{id.hex}", name="Store", settlement_currency="USDT",
                     data_key=crypto.new_data_key(f"stores|data_key|{id}"))
        session.add(made)
    return made


@pytest.fixture
def trader(app):
    with transaction() as session:
        id = new_id()
        made = Trader(id=id, name="Trader", settlement_currency="USDT",
                      data_key=crypto.new_data_key(f"traders|data_key|{id}"))
        session.add(made)
    return made


def set_fee(store, bps: int, **more):
    with transaction() as session:
        return service.set_fee(session, SYSTEM, SetFee(**({"store_id": store.id, "direction": "payin", "fee_bps": bps}
                                                          | more)))


def fee(store, rub: str = "1500.00", method: str = "card", direction: str = "payin", usdt: str = "16.304348"):
    return tariffs.fee(store_id=store.id, direction=direction, method=method,
                       amount=Money.parse(rub, "RUB"), settlement=Money.parse(usdt, "USDT"))


def test_the_order_of_the_book(store):
    version = set_fee(store, 250)
    assert fee(store) == tariffs.Fee(version.id, Money.parse("0.407609", "USDT"))


def test_the_most_specific_version_counts(store):
    anything = set_fee(store, 100)
    card = set_fee(store, 200, method="card")
    wide = set_fee(store, 300, method="card", currency="RUB", from_minor=100_000, to_minor=100_000_000)
    narrow = set_fee(store, 400, method="card", currency="RUB", from_minor=100_000, to_minor=200_000)
    assert fee(store, method="sbp").tariff_id == anything.id
    assert fee(store, "999.99").tariff_id == card.id
    assert fee(store, "1000.00").tariff_id == narrow.id
    assert fee(store, "2000.00").tariff_id == narrow.id
    assert fee(store, "2000.01").tariff_id == wide.id


def test_a_new_version_replaces_the_one_for_the_same_orders_only(store):
    set_fee(store, 100)
    card = set_fee(store, 200, method="card")
    newer = set_fee(store, 150)
    assert fee(store, method="sbp").tariff_id == newer.id
    assert fee(store).tariff_id == card.id


def test_without_a_version_nothing_is_sold(store):
    set_fee(store, 100)
    with pytest.raises(tariffs.NoTariff):
        fee(store, direction="payout")


@pytest.mark.parametrize(("bps", "fixed"), [(10_000, 0), (0, 16_304_348), (9_999, 2_000), (0, 10**15)])
def test_a_fee_that_takes_everything_is_refused(store, bps, fixed):
    set_fee(store, bps, fee_fixed_minor=fixed)
    with pytest.raises(tariffs.AmountTooSmall) as refused:
        fee(store)
    assert refused.value.code == "amount_too_small"


def test_traders_are_paid_by_their_own_rules(trader, app):
    def rules(method: str, rub: str = "1500.00"):
        return tariffs.rewards(reader(), [trader.id, new_id()], direction="payin", method=method,
                               amount=Money.parse(rub, "RUB"))

    assert rules("card") == {}
    with transaction() as session:
        for method, bps in ((None, 100), ("card", 120), ("card", 130)):
            service.set_reward(session, SYSTEM, SetReward(trader_id=trader.id, direction="payin", method=method,
                                                          reward_bps=bps))
    assert [rule.bps for rule in rules("card").values()] == [130]
    assert [rule.bps for rule in rules("sbp").values()] == [100]
    with transaction() as session:
        service.set_reward(session, SYSTEM, SetReward(trader_id=trader.id, direction="payin", currency="RUB",
                                                      from_minor=200_000, reward_bps=60))
    assert [rule.bps for rule in rules("sbp").values()] == [100]
    assert [rule.bps for rule in rules("sbp", "2000.00").values()] == [60]
    assert [rule.bps for rule in rules("card", "2000.00").values()] == [130], "a method named comes first"


def test_a_version_counts_from_its_time_until_the_next(store):
    now = clock.now()
    first = set_fee(store, 100)
    later = set_fee(store, 300, valid_from=now + timedelta(days=7))
    forget()
    assert fee(store).tariff_id == first.id
    with clock.moved(timedelta(days=7, seconds=1)):
        assert fee(store).tariff_id == later.id
    between = set_fee(store, 200, valid_from=now + timedelta(days=3))
    forget()
    with clock.moved(timedelta(days=4)):
        assert fee(store).tariff_id == between.id
    with clock.moved(timedelta(days=8)):
        assert fee(store).tariff_id == later.id, "what was planned for later stands"
    with transaction() as session:
        ends = dict(session.execute(select(Tariff.fee_bps, Tariff.retired_at).where(Tariff.store_id == store.id)).all())
    assert ends == {100: now + timedelta(days=3), 200: now + timedelta(days=7), 300: None}


def test_one_for_the_same_day_takes_its_place(store):
    day = clock.now() + timedelta(days=2)
    set_fee(store, 100)
    set_fee(store, 300, valid_from=day)
    last = set_fee(store, 400, valid_from=day)
    forget()
    with clock.moved(timedelta(days=3)):
        assert fee(store).tariff_id == last.id
