"""What an amount would cost: the same numbers on the pages and over the gateway as an order then has."""
import re

import pytest
from flask import Flask

from tests import factories as f
from tests import people


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast(fee_bps=250)
    made.requisite(made.trader(name="Vera Kim", reward_bps=1))
    return made


def query(cast: f.Cast, **other: str) -> dict[str, str]:
    return {"store_id": cast.store.public_id, "direction": "payin", "currency": "RUB", "method": cast.method,
            "amount": "1 500,00"} | other


def text_of(seat: people.Seat, page: str, asked: dict[str, str]) -> str:
    html = seat.get(page, query_string=asked).get_data(as_text=True)
    return re.sub(r"<[^>]+>", "", html).replace("\u00a0", " ").replace("\u202f", " ")


def test_what_is_reckoned_is_what_an_order_has(app: Flask, cast: f.Cast) -> None:
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    order = cast.order("1500.00")
    shown = text_of(owner, "/merchant/calculator", query(cast))
    for amount in (order.settlement, order.fee, order.net):
        assert amount.text in shown
    assert "Vera Kim" not in shown, "who earns what is the desk's own"
    paid = text_of(owner, "/merchant/calculator", query(cast, direction="payout"))
    assert (order.settlement + order.fee).text in paid


def test_staff_see_who_would_get_what(app: Flask, cast: f.Cast) -> None:
    shown = text_of(people.seat(app, people.person("super_admin")), "/admin/calculator", query(cast))
    order = cast.order("1500.00")
    reward = order.settlement.share(1)
    assert "Vera Kim" in shown
    assert reward.text.rstrip("0") in shown
    assert (order.fee - reward).text.rstrip("0") in shown


@pytest.mark.parametrize("wrong", [{"amount": "x"}, {"amount": "0"}, {"currency": "ZZZ"}, {"currency": "KZT"},
                                   {"direction": "sideways"}, {"store_id": "str_nothing"}, {"amount": "1e99"}])
def test_what_cannot_be_reckoned_says_why(app: Flask, cast: f.Cast, wrong: dict[str, str]) -> None:
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    answer = owner.get("/merchant/calculator", query_string=query(cast, **wrong))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_anothers_store_is_nobodys(app: Flask, cast: f.Cast) -> None:
    other = people.seat(app, people.person("merchant_owner", merchant_id=f.new_cast().merchant.id))
    assert "There is no such record" in text_of(other, "/merchant/calculator", query(cast))
