"""Whole orders in currencies without digits after the point, with three, and with large numbers: to the last digit."""
from secrets import randbelow
from typing import NamedTuple

import pytest
from pydantic import ValidationError
from schwifty import IBAN

from portal.core.logging import luhn
from portal.core.money import AMOUNT_MAX
from portal.ledger import verify
from portal.orders import view
from tests import factories as f
from tests.factories import usdt


class Case(NamedTuple):
    """`rate`: units for one tether. `refused`: written with the digits of another currency."""

    currency: str
    rate: str
    amount: str
    settlement: str
    fee: str  # 2.5 %
    reward: str  # 1 %
    refused: tuple[str, ...]
    validator: str
    prefix: str  # of its numbers: a network's, or a country's bank

    def number(self) -> str:
        """One that nobody else has: of a card, or an IBAN."""
        if self.validator == "iban":
            account = f"{randbelow(10**22):022}"
            return str(IBAN.generate(self.prefix[:2], bank_code=self.prefix[2:], account_code=account))
        body = f"{self.prefix}{randbelow(10**11):011}"
        return next(body + last for last in "0123456789" if luhn(body + last))


CASES = [
    Case("JPY", "150", "15000", "100.000000", "2.500000", "1.000000", ("15000.00", "15000.0", "15000."), "luhn16",
         "3530"),
    Case("JPY", "151.7", "1", "0.006592", "0.000165", "0.000066", ("1.00",), "luhn16", "3530"),
    Case("KWD", "0.307", "12.345", "40.211726", "1.005293", "0.402117", ("12.34", "12", "12.3450"), "iban",
         "KWCBKU"),
    Case("UZS", "12700", "1500000.00", "118.110236", "2.952756", "1.181102", ("1500000", "1500000.000"), "card",
         "8600"),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case.currency} {case.amount}")
def case(request) -> Case:
    return request.param


@pytest.fixture
def cast(app, case):
    cast = f.new_cast(currency=case.currency, rate=case.rate, range_minor=(1, AMOUNT_MAX), validator=case.validator)
    cast.requisite(currency=case.currency, bank=None, number=case.number(), payout=True, min_amount="1",
                   max_amount="5000000")
    return cast


def test_a_payin_from_asking_to_the_books(cast, case):
    order = f.assigned_payin(cast, case.amount, currency=case.currency)
    assert view.public(order)["amount"] == case.amount
    assert (order.settlement, order.fee) == (usdt(case.settlement), usdt(case.fee))
    f.mark_paid(cast.customer(order), order)
    f.confirm(f.its_trader(order), order, received=case.amount)
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    assert f.store_available(cast.store) == usdt(case.settlement) - usdt(case.fee)
    assert f.trader_available(cast.traders[0]) == usdt(f.PLENTY) - usdt(case.settlement) + usdt(case.reward)
    books_hold(order)


def test_a_payout_from_asking_to_the_books(cast, case):
    before = usdt("1000.000000")
    order = f.paid_payout(cast, case.amount, currency=case.currency,
                          destination={"method": cast.method, "number": case.number(), "holder": "A B"})
    f.agree(cast.key, order)
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    assert f.store_available(cast.store) == before - usdt(case.settlement) - usdt(case.fee)
    assert f.trader_available(cast.traders[0]) == usdt(f.PLENTY) + usdt(case.settlement) + usdt(case.reward)
    books_hold(order)


def test_amounts_with_the_digits_of_another_currency_are_refused(cast, case):
    for text in case.refused:
        with pytest.raises(ValidationError) as refused:
            f.create_payin(cast, text, currency=case.currency)
        assert [error["loc"] for error in refused.value.errors()] == [("amount",)]


def test_pages_show_its_digits(app, cast, case):
    order = f.assigned_payin(cast, case.amount, currency=case.currency)
    page = app.test_client().get(view.public(order)["payment_url"]).get_data(as_text=True)
    assert case.amount in page.replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "")


def books_hold(order) -> None:
    with f.look() as session:
        assert not [one for one in verify.run(session).differences if str(order.id) in one or order.public_id in one]
