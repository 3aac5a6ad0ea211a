"""An act asks who sits there: bound to the act, five minutes, once; what was typed goes along."""
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import clock, ids
from portal.core.db import reader
from portal.parties.models import User
from tests import people
from tests.web import forms
from tests.web.auth.test_second_factor import code_of
from tests.web.inspect import faults

ANSWERS = {"proof_password": people.PASSWORD}
NOTHING = {"proof_password": ""}


@pytest.fixture
def path(app: Flask) -> str:
    return f"/admin/users/{ids.public('usr', people.person('trader').id)}/person"


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


def name_of(path: str) -> str:
    reader().expire_all()
    found = ids.parse("usr", path.split("/")[3])
    return str(reader().scalar(select(User.name).where(User.id == found)))


def form_of(path: str, name: str, **more: str) -> dict[str, str]:
    found = ids.parse("usr", path.split("/")[3])
    email = reader().scalar(select(User.email).where(User.id == found))
    return {"name": name, "email": str(email), "reason": "Married", **NOTHING, **more}


def test_what_was_typed_goes_along_without_a_script(admin: people.Seat, path: str) -> None:
    asked = admin.send(path, form_of(path, "Ann <O'Neill>", idempotency_key="a" * 32))
    page = asked.get_data(as_text=True)
    assert asked.status_code == 428
    assert not faults(page, signed_in=True, language="en")
    assert name_of(path) == "A trader", "nothing was done"
    form = forms.to(page, path)
    assert form.sent["name"] == ["Ann <O'Neill>"]
    sent = {name: values[0] for name, values in form.sent.items()}
    wrong = admin.post(path, data=sent | {"proof_password": "not mine"})
    assert wrong.status_code == 422
    again = forms.to(wrong.get_data(as_text=True), path)
    sent = {name: values[0] for name, values in again.sent.items()}
    assert sent["name"] == "Ann <O'Neill>"
    assert sent["idempotency_key"] == "a" * 32
    assert admin.post(path, data=sent | ANSWERS).status_code == 303
    assert name_of(path) == "Ann <O'Neill>"


def test_it_holds_for_this_act_once(admin: people.Seat, path: str, app: Flask) -> None:
    refused = admin.send(path, form_of(path, "", **ANSWERS))
    assert refused.status_code == 422
    assert admin.send(path, form_of(path, "Bea")).status_code == 303, "a refused form is not asked about again"
    assert admin.send(path, form_of(path, "Cleo")).status_code == 428, "the next one is"
    other = path.replace("/person", "/permissions")
    admin.send(path, form_of(path, "", **ANSWERS))
    assert admin.send(other, {"reason": "x", **NOTHING}).status_code == 428, "of another act"


def test_it_lasts_five_minutes_and_one_session(admin: people.Seat, path: str) -> None:
    admin.send(path, form_of(path, "", **ANSWERS))
    with clock.moved(timedelta(minutes=5, seconds=1)):
        assert admin.send(path, form_of(path, "Dora")).status_code == 428
    with clock.moved(timedelta(minutes=4)):
        assert admin.send(path, form_of(path, "Dora")).status_code == 303


def test_with_a_second_factor_the_password_is_not_enough(app: Flask, path: str) -> None:
    me = people.person("super_admin")
    admin = people.seat(app, me)
    admin.send("/step-up", {"reading": "/profile/second-factor/app"})
    page = admin.get("/profile/second-factor/app").get_data(as_text=True)
    seed = re.search(r'class="id breakable">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    admin.send("/profile/second-factor/app", {"code": code_of(seed)})
    asked = admin.send(path, form_of(path, "Eve", **ANSWERS))
    assert asked.status_code == 428
    assert 'name="proof_code"' in asked.get_data(as_text=True)
    with clock.moved(timedelta(seconds=60)):
        code = code_of(seed)
        assert admin.send(path, form_of(path, "Eve", proof_code=code)).status_code == 303
        assert admin.send(path, form_of(path, "Eva", proof_code=code)).status_code == 422, "each code once"
    assert name_of(path) == "Eve"


def test_a_file_with_names_asks_too_and_no_address_holds_the_answer(app: Flask) -> None:
    owner = people.seat(app, people.person("merchant_owner"))
    path = "/merchant/orders/export.csv?status=completed"
    asked = owner.get(path)
    assert asked.status_code == 428
    form = forms.to(asked.get_data(as_text=True), "/step-up")
    assert (form.method, form.sent["reading"]) == ("post", [path])
    assert owner.send("/step-up", {"reading": path, "proof_password": "not mine"}).status_code == 422
    assert owner.send("/step-up", {"reading": path}).location == path
    assert owner.get(path).status_code == 200
    assert owner.send("/step-up", {"reading": "https://elsewhere.example/"}).location == "/merchant/"
    with clock.moved(timedelta(minutes=6)):
        assert owner.get(path).status_code == 428
