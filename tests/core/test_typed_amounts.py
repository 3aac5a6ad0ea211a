"""Amounts as people type them on pages: read in one way only, never rounded."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import typed_amounts
from portal.core.errors import Invalid
from portal.core.money import AMOUNT_MAX, EXPONENTS, BadAmount, Money
from portal.core.signs import SIGNS

NBSP, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(params=".,")
def mark(request):
    """The page's language writes a fraction with a point, or with a comma."""
    before = typed_amounts._mark
    typed_amounts.use_mark(lambda: request.param)
    yield request.param
    typed_amounts.use_mark(before)


@pytest.mark.parametrize("text", [
    "3990", "3990.00", "3990,00", "3990.0", "3990,0", "3 990", "3 990,00", "3 990.00", f"3{NBSP}990,00",
    f"3{NARROW}990,00", "3,990.00", "3.990,00", "3'990.00", "3990 ₽", "₽3990", "3 990,00 руб.", "3990 rub",
    "RUB 3990.00", f"  3{NBSP}990,00{NBSP}₽ ", "03990",
])
def test_what_people_write_is_the_amount_they_mean(text, mark):
    assert typed_amounts.read(text, "RUB") == Money(399_000, "RUB")


@pytest.mark.parametrize(("currency", "sign"), [
    (currency, sign) for currency, signs in SIGNS.items() for sign in signs])
def test_what_is_shown_is_read_and_nothing_of_another_currency(currency, sign, mark):
    """One table for both: a sign that pages showed was refused where it was typed."""
    plain = typed_amounts.read("3990", currency)
    assert typed_amounts.read(f"3990 {sign}", currency) == typed_amounts.read(f"{sign}3990", currency) == plain
    assert len({signs[0] for signs in SIGNS.values()}) == len(SIGNS), "what is shown means one currency"


@pytest.mark.parametrize("quote", "'’ʼ")
def test_any_apostrophe_groups_thousands(quote, mark):
    assert typed_amounts.read(f"3{quote}990.00", "RUB") == Money(399_000, "RUB")


@pytest.mark.parametrize("text", ["3,990", "3.990", "1.005", "12,345"])
def test_what_could_be_thousands_or_a_fraction_is_refused(text, mark):
    """`3,990` ₽ is three thousand to one reader and a slip of the finger to another."""
    with pytest.raises(BadAmount, match=r"^This can be \d+ or"):
        typed_amounts.read(text, "RUB")


def test_a_fraction_of_three_digits_is_read_as_this_page_writes_it(mark):
    other = "," if mark == "." else "."
    assert typed_amounts.read(f"1{mark}500", "USDT") == Money(1_500_000, "USDT")
    with pytest.raises(BadAmount, match="This can be 1500 or"):
        typed_amounts.read(f"1{other}500", "USDT")


@pytest.mark.parametrize("text", ["1.005", "0,005", "1500.001", "1 500,123", "0.000"])
def test_nothing_is_rounded(text, mark):
    with pytest.raises(BadAmount):
        typed_amounts.read(text, "RUB")


@pytest.mark.parametrize("text", [
    "", " ", "-1", "+1", "1e3", "NaN", "Infinity", "0x10", "1_000", "1..5", "1,5,0", "1.", ".5", "1 00", "12 34 567",
    "1,00,000", "100 $", "100 USD", "١٥٠٠", "1500\x00", "one", "1 500 000 000 000 000 000 000 000",
])
def test_anything_else_is_refused_with_a_sentence(text, mark):
    with pytest.raises(BadAmount, match=r"^[A-Z].*\.$"):
        typed_amounts.read(text, "RUB")


def test_one_act_asks_for_a_bounded_amount():
    assert typed_amounts.read("10000000000000.00", "RUB").minor == AMOUNT_MAX
    for text in ("10000000000000.01", "9" * 20, "9" * 500):
        with pytest.raises(BadAmount):
            typed_amounts.read(text, "RUB")


@given(st.integers(0, AMOUNT_MAX), st.sampled_from(sorted(EXPONENTS)))
def test_the_plain_form_of_the_gateway_reads_the_same(minor, currency):
    assert typed_amounts.read(Money(minor, currency).text, currency) == Money(minor, currency)


def test_the_error_stands_at_its_field_with_what_it_speaks_of():
    with pytest.raises(Invalid) as caught:
        typed_amounts.amount("amount", "1.0000001", "USDT")
    [error] = caught.value.fields
    assert (error.field, error.code, error.params) == ("/amount", "invalid_amount", {"currency": "USDT", "digits": 6})
    assert error.message == "Amounts in USDT have at most 6 digits after the point."


@pytest.mark.parametrize(("text", "bps"), [("2.5", 250), ("2,5 %", 250), ("100", 10_000), ("0", 0), ("0.01%", 1)])
def test_percent_is_read_with_a_point_or_a_comma(text, bps):
    assert typed_amounts.percent("fee_percent", text) == bps


@pytest.mark.parametrize("text", ["100.01", "2.555", "-1", "", "a", "1e1"])
def test_percent_is_never_rounded_nor_above_the_whole(text):
    with pytest.raises(Invalid):
        typed_amounts.percent("fee_percent", text)


def test_a_rate_keeps_all_its_digits(mark):
    typed = ("92,5", "92.5", "1 500,25", "92")
    assert [typed_amounts.number(text) for text in typed] == ["92.5", "92.5", "1500.25", "92"]
