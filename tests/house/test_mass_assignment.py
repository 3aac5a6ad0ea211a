"""A form may ask for what its command names and for nothing else: more fields are refused or without effect.

The tests that `forms.txt` names send them along with each valid form, as `tests/foreign_fields.py` says. Who adds a
form adds its line there: method, address, a test that sends it a valid one, and which of PLANTS are the form's own.
`*`: it refuses the whole without a word of the field. Or `-` for a test, and why there is none.
"""
import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, jsonify, request

from tests import factories as f
from tests import foreign_fields
from tests.foreign_fields import PLANTED, PLANTS, UNTESTED, UNTOLD, Form, Rider, forms, sent_along
from tests.house.test_access import doors

ROOT = Path(__file__).parents[2]
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ROUTE = "POST /act"


def test_every_route_that_writes_has_a_test_that_sends_it_foreign_fields(app: Flask) -> None:
    writes = sorted(f"{door.method} {door.url}" for door, _ in doors(app) if door.method in WRITES)
    assert sorted(form.route for form in forms()) == writes, f"see the docstring of {Path(__file__).name}"


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.route)
def test_a_form_names_a_test_that_is_there_or_says_why_it_has_none(form: Form) -> None:
    if form.test == UNTESTED:
        assert len(form.why.split()) > 2
        return
    path, _, name = form.test.partition("::")
    there = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)}
    assert name.partition("[")[0] in there
    assert form.own <= {*PLANTS, UNTOLD}


Act = Callable[[str, dict[str, str]], object]


def told(app: Flask, act: Act) -> Flask:
    """A small desk with one act, on the same rows: it is given a merchant's name and what was sent."""
    small = Flask("small")
    small.config["SQLALCHEMY_DATABASE_URI"] = app.config["SQLALCHEMY_DATABASE_URI"]
    small.post("/act")(lambda: act(request.form["name"], request.form.to_dict()))
    return small


def ride(app: Flask, act: Act, monkeypatch: pytest.MonkeyPatch, own: frozenset[str] = frozenset()) -> int:
    small = told(app, act)
    with sent_along({ROUTE: Rider(Form(ROUTE, "a test", own))}, monkeypatch):
        return small.test_client().post("/act", data={"name": f.new_cast().merchant.name}).status_code


def refused(*fields: str, code: str = "extra_forbidden") -> object:
    return jsonify(errors=[{"field": f"/{name}", "code": code} for name in fields]), 422


def test_an_act_that_refuses_what_it_does_not_know_passes(app, monkeypatch):
    def act(name: str, sent: dict[str, str]) -> object:
        foreign = sent.keys() - {"name"}
        return refused(*foreign) if foreign else "done"

    assert ride(app, act, monkeypatch) == 200


def test_an_act_that_looks_at_nothing_else_passes(app, monkeypatch):
    assert ride(app, lambda name, sent: "done", monkeypatch) == 200


def test_an_act_that_writes_what_it_was_not_asked_for_is_found(app, monkeypatch):
    def act(name: str, sent: dict[str, str]) -> object:
        with foreign_fields.owner(app) as connection:
            connection.execute("UPDATE merchants SET name = %s WHERE name = %s", [sent.get("role", name), name])
        return "done"

    with pytest.raises(AssertionError, match=f"wrote what was planted.*{PLANTED}"):
        ride(app, act, monkeypatch)


def test_an_act_that_refuses_and_still_writes_is_found(app, monkeypatch):
    def act(name: str, sent: dict[str, str]) -> object:
        with foreign_fields.owner(app) as connection:
            connection.execute("UPDATE merchants SET name = name || '.' WHERE name = %s", [name])
        return refused(*sent)

    with pytest.raises(AssertionError, match="refuses a form and changes rows"):
        ride(app, act, monkeypatch)


def test_an_act_that_reads_a_field_which_no_line_calls_its_own_is_found(app, monkeypatch):
    def act(name: str, sent: dict[str, str]) -> object:
        foreign = sent.keys() - {"name", "status"}
        return refused(*foreign) if foreign else refused("status", code="literal_error") if "status" in sent else "done"

    with pytest.raises(AssertionError, match=r"reads \['status'\]"):
        ride(app, act, monkeypatch)
    assert ride(app, act, monkeypatch, own=frozenset({"status"})) == 200


def test_a_test_that_sends_no_valid_form_any_more_is_found(app, monkeypatch):
    with pytest.raises(AssertionError, match="sends no valid form"):
        ride(app, lambda name, sent: refused("name", code="missing"), monkeypatch)
