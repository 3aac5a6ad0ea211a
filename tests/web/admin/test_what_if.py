"""What if: a changed limit, fee, reward or rule over yesterday's orders, on one page; nothing is set by it."""
import re
from datetime import timedelta

import pytest
from flask import Flask

from portal.core import clock, ids
from portal.core.access import TEMPLATES
from portal.core.money import Money
from portal.orders.models import Order
from portal.parties.models import Holder
from portal.requisites import holders
from portal.requisites.models import Requisite
from tests import factories as f
from tests import people
from tests.risk import rulebook as risk
from tests.web.admin.test_risk import BLANKS

PAGE = "/admin/what-if"


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    return f.new_cast(fee_bps=250)


@pytest.fixture
def orders(cast: f.Cast) -> list[Order]:
    """Of yesterday: 1000 and 2000, paid, to two traders' cards of one person."""
    for _ in range(2):
        cast.requisite(cast.trader(), holder=f"Anna {cast.store.slug}", open_orders_max=1)
    with clock.moved(clock.midnight_before(clock.today()) - timedelta(hours=12) - clock.now()):
        first, second = f.assigned_payin(cast, "1000.00"), f.assigned_payin(cast, "2000.00")
        for order in (first, second):
            f.confirm(f.its_trader(order), order)
        f.work_off("settle_order")
    return [first, second]


def shown(seat: people.Seat, of: str, id: str, status: int = 200, **typed: object) -> str:
    answer = seat.get(PAGE, query_string={"of": of, "id": id} | typed)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.translate(BLANKS)))


def requisite(order: Order) -> Requisite:
    with f.look() as session:
        return session.get_one(Requisite, f.assignments_of(order)[-1].requisite_id)


def test_limits_of_a_requisite(admin, orders):
    one = requisite(orders[1])
    assert 'name="max_amount"' in admin.get(PAGE, query_string={"of": "requisite", "id": one.public_id}).text
    limits = {"min_amount": "1", "max_amount": "1 500", "open_orders_max": "5", "cooldown_s": "0"}
    told = shown(admin, "requisite", one.public_id, **limits)
    assert "1 order came to it" in told
    assert "would have kept 1 away" in told
    assert "2 000.00 ₽ were paid" in told
    assert "kept none of them away" in shown(admin, "requisite", one.public_id, **limits | {"max_amount": "2000"})
    assert requisite(orders[1]).max_minor == one.max_minor


def test_limits_of_a_person_hold_over_all_requisites_and_traders(admin, cast, orders):
    first, second = map(requisite, orders)
    assert first.trader_id != second.trader_id
    assert first.holder_id == second.holder_id
    holder = ids.public(holders.PREFIX, first.holder_id)
    assert f"Anna {cast.store.slug}" in shown(admin, "person", holder)
    told = shown(admin, "person", holder, currency="RUB", day_count_max="1")
    assert "2 orders came to it" in told
    assert "would have kept 1 away" in told
    assert "2 000.00 ₽ were paid" in told
    assert "kept none" in shown(admin, "person", holder, currency="RUB", day_max="3000")
    assert "would have kept 1 away" in shown(admin, "person", holder, currency="RUB", day_max="2999.99")
    assert "would have kept 1 away" in shown(admin, "person", holder, currency="RUB", month_max="2999.99")


def test_a_limit_of_a_person_that_was_used_up_and_would_be_wider(admin, orders):
    holder_id = requisite(orders[0]).holder_id
    with f.act() as session:
        limited = session.get_one(Holder, holder_id)
        limited.currency, limited.day_count_max = "RUB", 2
    holder = ids.public(holders.PREFIX, holder_id)
    assert "this one would have left room" in shown(admin, "person", holder, currency="RUB", day_count_max="3")
    assert "left room" not in shown(admin, "person", holder, currency="RUB", day_count_max="2")


def test_a_fee_and_a_reward(admin, cast, orders):
    was = sum((order.fee for order in map(f.fresh, orders)), Money.zero("USDT"))
    would_be = sum((order.settlement.share(300) for order in orders), Money.zero("USDT"))
    told = shown(admin, "fee", cast.store.public_id, direction="payin", fee_percent="3")
    assert digits(was) in told
    assert digits(would_be) in told
    assert "Orders that it would price 2" in told
    told = shown(admin, "reward", cast.traders[0].public_id, direction="payin", reward_percent="2")
    assert "Orders that it would price 1" in told
    refused = shown(admin, "fee", cast.store.public_id, 422, direction="payin", fee_percent="much")
    assert "Write percent as in 2.5" in refused


def test_a_rule_as_it_stands_and_with_other_terms(admin, cast, orders):
    rule = risk.rule(cast, mode="off", amount="5000")
    terms = {"name": "n", "verdict": "deny", "score": "0", "currency": "RUB", "store_id": cast.store.public_id}
    told = shown(admin, "rule", rule.public_id, **terms, amount="1 500")
    assert "As it stands it fires on 0" in told
    assert "With this it would fire on 1 1 of them completed, 2 000.00 ₽" in told
    assert "It would fire besides on 1" in told
    assert "It would let pass 0" in told
    assert "It would have changed nothing" in shown(admin, "rule", rule.public_id, **terms, amount="4000")
    assert f.fresh(rule).terms["amount_minor"] == 5000_00
    shown(admin, "rule", rule.public_id, 422, **terms, amount="")


def test_what_counts_is_counted_over_the_day(admin, cast, orders):
    rule = risk.rule(cast, "velocity_count", mode="off", by="store", window_s=86_400, most=2)
    terms = {"name": "n", "verdict": "deny", "score": "0", "by": "store", "window_s": "86400"}
    told = shown(admin, "rule", rule.public_id, **terms, store_id=cast.store.public_id, most="1")
    assert "It would fire besides on 1" in told


def test_what_is_not_kept_of_past_orders_is_said(admin, cast):
    rule = risk.rule(cast, "receipt_seen", mode="off")
    assert "not kept of past orders" in shown(admin, "rule", rule.public_id, 422, name="n", verdict="deny", score="0")


def test_nobody_and_nothing_is_found(admin, app, cast):
    assert "Limits of a person" in shown(admin, "requisite", "")
    shown(admin, "requisite", "req_nobody", 422)
    shown(admin, "elsewhere", "", 404)
    orders_only = people.seat(app, people.person("support_orders"))
    assert ("Rule of risk" in shown(orders_only, "", "")) == ("risk:read" in TEMPLATES["support_orders"])
    assert people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id)).get(PAGE).status_code == 403


def digits(money: Money) -> str:
    return f"{money.text[:-4]}"
