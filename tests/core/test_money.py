from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.money import EXPONENTS, MINOR_MAX, BadAmount, Money, convert, half_even


def test_a_payin_converts_as_the_gateway_documents_it():
    assert convert(Money(150_000, "RUB"), Decimal(92), "USDT") == Money(16_304_348, "USDT")


@pytest.mark.parametrize("text", [
    "", " ", "1", "1.5", "1.505", "1,50", "01.50", "+1.50", "-1.50", " 1.50", "1.50 ", "1e3", "1.5e2", "NaN",
    "Infinity", "١.٥٠", "1_000.00", "0x10.00", ".50", "1.", "1.50\n", "1" * 30 + ".00", "\x001.00",
])
def test_only_plain_decimals_of_the_currencys_scale_are_amounts(text):
    with pytest.raises(BadAmount):
        Money.parse(text, "RUB")


def test_an_amount_larger_than_the_column_is_refused():
    with pytest.raises(BadAmount):
        Money.parse("99999999999999999.99", "RUB")
    assert Money.parse("92233720368547758.07", "RUB").minor == MINOR_MAX


@given(st.integers(0, MINOR_MAX), st.sampled_from(sorted(EXPONENTS)))
def test_what_is_printed_reads_back_the_same(minor, currency):
    assert Money.parse(Money(minor, currency).text, currency).minor == minor


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="do not mix"):
        Money(1, "RUB") + Money(1, "USDT")
    with pytest.raises(ValueError, match="do not mix"):
        assert Money(1, "RUB") < Money(2, "USDT")


def test_ties_round_to_the_even_one():
    assert [half_even(*parts) for parts in ((1, 2), (3, 2), (5, 2), (-1, 2), (251, 100))] == [0, 2, 2, 0, 3]


def test_a_currency_is_written_with_its_own_digits():
    """JPY has none, KWD three, UYW four, UZS two whatever people leave out in daily life."""
    printed = {code: Money(1_234_567, code).text for code in ("JPY", "KWD", "UYW", "UZS")}
    assert printed == {"JPY": "1234567", "KWD": "1234.567", "UYW": "123.4567", "UZS": "12345.67"}
    assert Money(-5, "KWD").text == "-0.005"
    assert Money(-5, "JPY").text == "-5"


@pytest.mark.parametrize(("text", "currency"), [("1500.00", "JPY"), ("1500.", "JPY"), ("1.50", "KWD"), ("1", "UZS")])
def test_digits_of_another_currency_are_refused(text, currency):
    with pytest.raises(BadAmount):
        Money.parse(text, currency)


@pytest.mark.parametrize(("amount", "rate", "into", "converted"), [
    (Money(15_000, "JPY"), "150", "USDT", 100_000_000),
    (Money(30_500, "KWD"), "0.305", "USDT", 100_000_000),
    (Money(1_270_000_00, "UZS"), "12700", "USDT", 100_000_000),
    (Money(100_000_000, "USDT"), "0.006666666667", "JPY", 15_000),
    (Money(1, "BTC"), "0.000000000001", "USDC", 10_000_000_000),
])
def test_any_two_scales_convert(amount, rate, into, converted):
    assert convert(amount, Decimal(rate), into) == Money(converted, into)


def test_the_largest_amount_converts_exactly_between_the_furthest_scales():
    """28 digits of a decimal context were too few for it: it ended in a 500."""
    assert convert(Money(MINOR_MAX, "JPY"), Decimal("0.000000000001"), "BTC").minor == MINOR_MAX * 10**20


def test_a_share_rounds_half_even():
    assert Money(16_304_348, "USDT").share(250) == Money(407_609, "USDT")
