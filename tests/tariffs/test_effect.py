"""What is asked for is shown by what it would have made of yesterday's orders; a day and a band count as they say."""
import re
from datetime import timedelta

import pytest
from flask import Flask

from portal import approvals
from portal.core import clock
from portal.core.errors import Invalid
from portal.orders.reading import tariff_effect
from portal.orders.reading.tariff_effect import effects
from portal.tariffs import change_requests
from portal.tariffs.commands import AskFee, AskReward
from portal.treasury.decision_facts import facts_of, tariff_of
from portal.treasury.decision_facts import yesterday as yesterday_of
from tests import factories as f
from tests import people


def yesterday() -> timedelta:
    """Into the middle of the operator's yesterday."""
    return clock.midnight_before(clock.today()) - timedelta(hours=12) - clock.now()


def asked_fee(cast: f.Cast, **more: object) -> approvals.Approval:
    with f.act() as session:
        return change_requests.ask_fee(session, f.staff("admin"), AskFee.model_validate(
            {"store_id": cast.store.id, "direction": "payin", "fee_percent": "2", "reason": "r"} | more))


def shown(approval: approvals.Approval) -> dict[str, object]:
    with f.look() as session:
        listed = facts_of(session, f.staff("admin"), [approval])[approval.id]
        assert {fact.label for fact in listed} <= {"Store", "Merchant", "Trader"}, "no day's orders for a list"
        return dict(yesterday_of(tariff_of(session, approval)))


def test_a_fee_and_a_reward_are_counted_over_yesterday(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    trader = cast.trader(reward_bps=100)
    cast.requisite(trader)
    with clock.moved(yesterday()):
        orders = [f.completed_payin(cast, "1500.00"), f.completed_payin(cast, "3000.00")]
    f.completed_payin(cast, "1501.00")
    fees, rewards = (sum(one.minor for one in of) for of in (
        [order.fee for order in orders], [f.assignments_of(order)[-1].reward for order in orders]))
    facts = shown(asked_fee(cast))
    assert facts["Yesterday's orders that it covers"] == "2"
    assert facts["They came to"].minor == fees
    assert facts["With this they would come to"].minor == sum(order.settlement.share(200).minor for order in orders)
    assert shown(asked_fee(cast, currency="RUB", from_amount="2000"))["Yesterday's orders that it covers"] == "1"
    assert shown(asked_fee(cast, method="sbp"))["Yesterday's orders that it covers"] == "0"
    with f.act() as session:
        reward = change_requests.ask_reward(session, f.staff("admin"), AskReward(
            trader_id=trader.id, direction="payin", reward_percent="1.5", reason="r"))
    facts = shown(reward)
    assert (facts["Yesterday's orders that it covers"], facts["They came to"].minor) == ("2", rewards)


def test_it_says_when_not_all_of_yesterday_is_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = f.new_cast(fee_bps=250)
    trader = cast.trader(reward_bps=100)
    cast.requisite(trader)
    with clock.moved(yesterday()):
        for _ in range(2):
            f.completed_payin(cast, "1500.00")
    fee = asked_fee(cast)
    with f.act() as session:
        reward = change_requests.ask_reward(session, f.staff("admin"), AskReward(
            trader_id=trader.id, direction="payin", reward_percent="1.5", reason="r"))
    for orders_max in (2, 1):
        monkeypatch.setattr(tariff_effect, "ORDERS_MAX", orders_max)
        with f.look() as session:
            found = [tariff_of(session, one) for one in (fee, reward)]
        assert [(one.total.orders, one.cut) for one in found if one] == [(orders_max, orders_max == 1)] * 2
    seat = people.seat(app, people.person("super_admin"))
    assert "only the newest are counted" in seat.get(f"/admin/approvals/{fee.public_id}").text


def test_what_a_more_specific_version_prices_is_left_out(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    cast.requisite(cast.trader())
    with clock.moved(yesterday()):
        f.completed_payin(cast, "1500.00")
    own = asked_fee(cast, method=cast.method)
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"),
                         approvals.DecideApproval(approval_id=own.public_id, decision="approve"))
    f.forget()
    with clock.moved(timedelta(seconds=1)):
        f.completed_payin(cast, "1600.00")
    with clock.moved(timedelta(days=1)), f.look() as session:
        wide = effects(session, "fee", cast.store.id, own.after | {"method": None})
        narrow = effects(session, "fee", cast.store.id, own.after)
    assert (wide.total.orders, narrow.total.orders) == (0, 1)


def test_each_band_tells_its_own_orders_of_yesterday(app: Flask) -> None:
    """A band cut out of the store's fee: below and above it nothing changes, in it two of five orders are cheaper."""
    cast = f.new_cast(fee_bps=250)
    cast.requisite(cast.trader())
    with clock.moved(yesterday()):
        orders = [f.completed_payin(cast, amount) for amount in ("1500.00", "1999.99", "2000.00", "3000.00", "3000.01")]
    approval = asked_fee(cast, currency="RUB", from_amount="2000", to_amount="3000")
    with f.look() as session:
        found = effects(session, "fee", cast.store.id, approval.after)
    fees = [order.fee.minor for order in orders]
    cheaper = [order.settlement.share(200).minor for order in orders[2:4]]
    assert [(one.band.change, one.effect.orders, one.effect.was.minor, one.effect.would_be.minor)
            for one in found.bands] == [
        ("same", 2, sum(fees[:2]), sum(fees[:2])), ("added", 2, sum(fees[2:4]), sum(cheaper)),
        ("same", 1, fees[4], fees[4])]
    assert (found.total.orders, found.total.was.minor, found.total.would_be.minor) == (2, sum(fees[2:4]), sum(cheaper))
    page = people.seat(app, people.person("super_admin")).get(f"/admin/approvals/{approval.public_id}").text
    assert "Fee by amount, before and after" in page
    assert "New band" in page
    assert page.count("As before") == 2


@pytest.mark.parametrize("days", [-1, 400])
def test_a_day_gone_by_or_far_ahead_is_refused(app: Flask, days: int) -> None:
    with pytest.raises(Invalid):
        asked_fee(f.new_cast(), valid_from=clock.today() + timedelta(days=days))


def test_a_fee_from_a_day_on_counts_from_its_midnight(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    day = clock.today() + timedelta(days=2)
    approval = asked_fee(cast, valid_from=day)
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"),
                         approvals.DecideApproval(approval_id=approval.public_id, decision="approve"))
    f.forget()
    before = cast.order("1500.00")
    with clock.moved(clock.midnight_before(day) + timedelta(seconds=1) - clock.now()):
        after = cast.order("1500.00")
    assert (before.fee, after.fee) == (before.settlement.share(250), after.settlement.share(200))


def test_one_approved_after_its_day_counts_at_once(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    approval = asked_fee(cast, valid_from=clock.today())
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"),
                         approvals.DecideApproval(approval_id=approval.public_id, decision="approve"))
    f.forget()
    assert cast.order("1500.00").fee == cast.order("1500.00").settlement.share(200)


def test_before_a_narrower_fee_stands_the_broader_one_that_counts_until_then(app: Flask) -> None:
    """It was the first for such orders, so "Before" was a dash: as if they had cost nothing."""
    cast = f.new_cast(fee_bps=250)
    general = asked_fee(cast)
    assert "broader" not in general.before, "it ends the one it stands beside"
    assert general.before["fee_bps"] == 250
    narrow = asked_fee(cast, method="card", currency="RUB", from_amount="2000", fee_percent="1")
    assert narrow.before == {"fee_bps": 250, "fee_fixed": "0.000000", "broader": True}
    seat = people.seat(app, people.person("super_admin"))
    page = seat.get(f"/admin/approvals/{narrow.public_id}").text
    assert "2.5" in "".join(re.findall(r'data-label="Before">(.*?)</td>', page))
    assert "Before: the broader terms for these orders, as they stood when this was asked for." in page
    assert "Before: the broader terms" not in seat.get(f"/admin/approvals/{general.public_id}").text
    agree(general)
    agree(narrow)  # the broader one has changed meanwhile, which ends nothing of this
    within = asked_fee(cast, method="card", currency="RUB", from_amount="2500", to_amount="3000", fee_percent="3")
    assert within.before == {"fee_bps": 100, "fee_fixed": "0.000000", "broader": True}, "the narrowest of those above"
    again = asked_fee(cast, method="card", currency="RUB", from_amount="2000", fee_percent="4")
    assert again.before == {"fee_bps": 100, "fee_fixed": "0.000000"}
    agree(again)
    with pytest.raises(approvals.StaleApproval):
        agree(asked_and_overtaken(cast))


def asked_and_overtaken(cast: f.Cast) -> approvals.Approval:
    """Another of the same orders was agreed to since."""
    band = {"method": "card", "currency": "RUB", "from_amount": "7000"}
    first, second = asked_fee(cast, **band), asked_fee(cast, **band, fee_percent="5")
    agree(second)
    return first


def agree(approval: approvals.Approval) -> None:
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=approval.public_id, decision="approve"))
