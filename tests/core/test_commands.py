import pytest
from werkzeug.datastructures import MultiDict

from portal.core.commands import Command, bind
from portal.core.errors import Invalid


class Pay(Command):
    order_id: str
    amount: str
    count: int = 1


def test_a_form_is_stripped_and_its_own_fields_are_dropped():
    sent = MultiDict({"amount": " 1.00 ", "csrf_token": "t", "count": "2", "version": "7"})
    assert bind(Pay, sent, order_id="pin_1") == Pay(order_id="pin_1", amount="1.00", count=2)


def test_json_is_taken_as_it_is():
    assert bind(Pay, {"amount": " 1.00 "}, order_id="x").amount == " 1.00 "
    with pytest.raises(Invalid):
        bind(Pay, {"amount": "1.00", "count": "2"}, order_id="x")


def test_the_address_wins_over_what_was_sent():
    assert bind(Pay, {"amount": "1.00", "order_id": "another"}, order_id="mine").order_id == "mine"


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(Invalid) as caught:
        bind(Pay, {"amount": 5, "count": "x", "balance": "9"}, order_id="x")
    assert {field.field for field in caught.value.fields} == {"/amount", "/count", "/balance"}
