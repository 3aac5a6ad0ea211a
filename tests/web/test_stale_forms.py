"""A form that is older than a sign-in in another tab: nothing typed is lost, nothing is done, one press sends it."""
import pytest

from tests import factories as f
from tests import people
from tests.web import forms

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def cast(app):
    return f.new_cast()


@pytest.fixture
def trader(app, cast):
    return people.seat(app, people.person("trader", trader_id=cast.trader().id))


def typed(**changes):
    return {"method": "card", "currency": "RUB", "number": "2200 1500", "holder": "Anna <Petrova>"} | changes


def test_it_is_shown_again_and_sent_with_one_press(trader):
    answer = trader.post("/trader/requisites", data=typed(csrf_token="of another session"), headers=OURS)
    assert answer.status_code == 403
    form = forms.to(answer.text, "/trader/requisites")
    assert {name: values[0] for name, values in form.sent.items() if name != "csrf_token"} == typed()
    sent = {name: values[0] for name, values in form.sent.items()}
    again = trader.post("/trader/requisites", data=sent | {"proof_password": people.PASSWORD}, headers=OURS)
    assert again.status_code == 422  # it has arrived: the number is judged
    assert "Anna &lt;Petrova&gt;" in again.text


def test_secrets_are_typed_anew(trader):
    sent = {"csrf_token": "old", "current_password": "secret-one", "new_password": "secret-two"}
    answer = trader.post("/profile/password", data=sent, headers=OURS)
    assert answer.status_code == 403
    assert "secret-" not in answer.text
    assert "you will be asked for them again" in answer.text


def test_whoever_is_signed_out_is_told_to_sign_in_first(app):
    answer = people.stranger(app).post("/trader/requisites", data=typed(csrf_token="old"), headers=OURS)
    assert answer.status_code == 403
    assert "Nobody is signed in here" in answer.text
    assert "Anna &lt;Petrova&gt;" in answer.text


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}])
def test_who_cannot_show_that_it_is_our_page_is_refused_as_ever(trader, headers):
    answer = trader.post("/trader/requisites", data=typed(csrf_token="old"), headers=headers)
    assert answer.status_code == 403
    assert "Anna" not in answer.text
