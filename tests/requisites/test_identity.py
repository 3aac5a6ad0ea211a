"""One requisite has one identity however it is typed, and fits the currency of its orders."""
import pytest

from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.reference import service as reference_service
from portal.reference.commands import AddMethod, Switch
from portal.requisites import service
from portal.requisites.service import NumberTaken
from tests.requisites.conftest import as_trader


@pytest.fixture
def rail(app):
    def make(validator: str, **facts) -> str:
        code = f"m{new_id().hex[-12:]}"
        with transaction() as session:
            reference_service.add_method(session, SYSTEM, AddMethod(
                code=code, name="Rail", number_label="Number", validator=validator, **facts))
            for currency in ("UZS", "KWD", "JPY"):
                reference_service.switch(session, SYSTEM, Switch(kind="currency", code=currency, active=True))
        return code

    return make


@pytest.fixture
def add(trader, asked):
    def adding(**typed):
        with transaction() as session:
            return service.add(session, as_trader(trader), asked(**typed))

    return adding


def test_a_phone_typed_in_two_ways_is_one_requisite(add, rail):
    digits = f"{new_id().int % 10_000_000:07d}"
    method = rail("phone")
    first = add(method=method, number=f"8 (916) {digits[:3]}-{digits[3:]}")
    assert first.number_last4 == digits[-4:]
    with pytest.raises(NumberTaken):
        add(method=method, number=f"+7916{digits}")


@pytest.mark.parametrize(("typed", "field", "code"), [
    ({"currency": "UZS"}, "/currency", "not_of_method"),
    ({"bank": "kaspi"}, "/bank", "not_of_currency"),
    ({"number": "40817840099910004312"}, "/number", "bad_number"),
])
def test_what_does_not_fit_the_currency_is_said_on_its_field(add, rail, typed, field, code):
    method = rail("account", currencies=("RUB",))
    with pytest.raises(Invalid) as refused:
        add(**({"method": method, "currency": "RUB", "bank": None, "number": "40817810099910004312"} | typed))
    assert [(one.field, one.code) for one in refused.value.fields] == [(field, code)]


@pytest.mark.parametrize(("currency", "low", "high", "minor"), [
    ("JPY", "1000", "50000", 1000), ("KWD", "1.500", "900.000", 1500), ("UZS", "10000.00", "9000000.00", 1_000_000),
])
def test_limits_are_written_with_the_currencys_digits(add, rail, currency, low, high, minor):
    made = add(method=rail("card"), currency=currency, bank=None, min_amount=low, max_amount=high)
    assert made.min_minor == minor
    assert (made.minimum.text, made.maximum.text) == (low, high)
