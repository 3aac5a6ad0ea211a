"""What a number must look like."""
import pytest

from portal.core.errors import Invalid
from portal.reference.validators import check


@pytest.mark.parametrize(("validator", "typed", "kept"), [
    ("luhn16", "4242 4242 4242 4242", "4242424242424242"),
    ("luhn16", "4242-4242-4242-4242", "4242424242424242"),
    ("phone", "8 (900) 123-45-67", "+79001234567"),
    ("phone", "+7 900 123 45 67", "+79001234567"),
    ("phone", "79001234567", "+79001234567"),
    ("phone", "+994501234567", "+994501234567"),
    ("account20", "40817810099910004312", "40817810099910004312"),
])
def test_one_number_has_one_spelling(validator, typed, kept):
    assert check(validator, typed) == kept


@pytest.mark.parametrize(("validator", "typed"), [
    ("luhn16", "4242424242424241"), ("luhn16", "42424242"), ("luhn16", "0" * 16), ("luhn16", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"),
    ("luhn16", "4242424242424242\n"), ("phone", "123"), ("phone", "+0123456789"), ("phone", "nine"),
    ("account20", "4081781009991000431"), ("account20", "408178100999100043121"), ("account20", "0" * 20),
])
def test_what_is_no_number_is_refused_on_its_field(validator, typed):
    with pytest.raises(Invalid) as refused:
        check(validator, typed)
    assert [(field.field, field.code) for field in refused.value.fields] == [("/number", "bad_number")]
