"""Balances and statements are what the ledger says, for the one whose money it is."""
import csv
import io

import pytest

from portal import ledger
from tests import factories, people
from tests.factories import look


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


@pytest.fixture
def owner(app, cast):
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


@pytest.fixture
def trader(app, cast):
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


def plain(answer) -> str:
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")


def lines(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_a_merchant_sees_what_the_ledger_owes(cast, owner):
    order = factories.completed_payin(cast, "1500.00")
    factories.work_off("settle_order")
    page = plain(owner.get("/merchant/balance"))
    assert "15.896739" in page
    assert order.public_id in page
    [line] = lines(owner.get("/merchant/balance/statement.csv"))
    with look() as session:
        assert line["Balance"] == ledger.balance(session, ledger.store_available(cast.store.id, "USDT", True)).text
    assert line["Order"] == order.public_id
    assert line["Entry"] == "Order settled"


def test_a_trader_sees_holds_and_what_he_earned(cast, trader):
    order = factories.completed_payin(cast, "1500.00")
    factories.assigned_payin(cast, "9200.00")
    page = plain(trader.get("/trader/balance"))
    assert "100.00" in page  # held for the second order
    assert order.public_id in page
    file = lines(trader.get("/trader/balance/statement.csv"))
    assert {line["Entry"] for line in file} == {"Deposit", "Collateral held", "Order settled"}
    with look() as session:
        available = ledger.trader_available(cast.traders[0].id, "USDT", True)
        assert file[0]["Balance"] == ledger.balance(session, available).text


def test_a_period_without_movements_says_so(cast, owner):
    factories.completed_payin(cast, "1500.00")
    assert "Nothing moved in these days" in plain(owner.get("/merchant/balance?day_from=2020-01-01&day_to=2020-01-02"))
    assert lines(owner.get("/merchant/balance/statement.csv?day_to=2020-01-02")) == []


def test_a_day_that_is_none_is_marked(owner, cast):
    page = owner.get("/merchant/balance?day_from=yesterday").get_data(as_text=True)
    assert "Write the day as" in page
    assert 'value="yesterday"' in page
    assert owner.get("/merchant/balance/statement.csv?day_from=yesterday").status_code == 422


def test_another_merchant_s_store_does_not_exist(app, cast, owner):
    other = factories.new_cast()
    for path in ("", "/statement.csv"):
        assert owner.get(f"/merchant/balance{path}?store={other.store.public_id}").status_code == 404


def test_test_money_stands_apart(cast, owner):
    factories.completed_payin(cast, "1500.00")
    page = plain(owner.get("/merchant/balance?mode=test"))
    assert "15.896739" not in page
    assert "Test mode" in page
