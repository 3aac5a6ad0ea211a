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
    assert [half_even(Decimal(text)) for text in ("0.5", "1.5", "2.5", "-0.5", "2.51")] == [0, 2, 2, 0, 3]


def test_a_share_rounds_half_even():
    assert Money(16_304_348, "USDT").share(250) == Money(407_609, "USDT")
