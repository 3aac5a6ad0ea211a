"""Money moved between a merchant's stores, on one page."""
import pytest
from flask import Flask

from portal import ledger
from portal.parties.models import Store
from tests import factories as f
from tests import people
from tests.treasury.test_transfers import another
from tests.web.forms import to


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    return made


@pytest.fixture
def target(cast: f.Cast) -> Store:
    return another(cast)


@pytest.fixture
def seat(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_finance", merchant_id=cast.merchant.id))


def moved(seat: people.Seat, cast: f.Cast, target: Store, amount: str):
    form = to(seat.get("/merchant/transfers").text, "/merchant/transfers")
    return seat.post("/merchant/transfers", data={name: values[-1] for name, values in form.sent.items()} | {
        "from_store": cast.store.public_id, "to_store": target.public_id, "amount": amount})


def test_moved_and_told(cast: f.Cast, target: Store, seat: people.Seat) -> None:
    assert "/merchant/transfers" in seat.get("/merchant/balance").text
    assert moved(seat, cast, target, "40,5").status_code == 303
    assert f.store_available(target).text == "40.500000"
    assert "40.5" in seat.get("/merchant/transfers").text
    statement = seat.get(f"/merchant/balance?store={target.public_id}").text
    assert "Transfer between stores" in statement


def test_too_much_is_refused_with_what_lacks(cast: f.Cast, target: Store, seat: people.Seat) -> None:
    answer = moved(seat, cast, target, "100.01")
    assert answer.status_code == 409
    assert "does not cover" in answer.text
    assert f.store_available(target).text == "0.000000"


def test_one_store_has_nowhere_to_move(app: Flask, cast: f.Cast, seat: people.Seat) -> None:
    assert "nowhere to move" in seat.get("/merchant/transfers").text
    assert "/merchant/transfers" not in seat.get("/merchant/balance").text


@pytest.mark.parametrize("rights", ["merchant_viewer", "merchant_developer"])
def test_who_may(app: Flask, cast: f.Cast, rights: str) -> None:
    other = people.seat(app, people.person(rights, merchant_id=cast.merchant.id))
    assert other.get("/merchant/transfers").status_code == 403
