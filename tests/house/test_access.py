"""Who may knock at which door: `routes.txt` is the written matrix, and every door keeps to it.

Access changes are seen as a diff: after one, run `WRITE_ROUTES=1 bin/test tests/house/test_access.py` and read it.
"""
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from portal.core.access import SCOPES, TEMPLATES, Permission
from portal.core.ids import new_id, text
from portal.web.guard import AREAS, BEFORE_A_FACTOR, PUBLIC
from tests import people

MATRIX = Path(__file__).with_name("routes.txt")
HEAD = "# method url permission step-up factor templates-or-scopes-that-grant-it (tests/house/test_access.py)\n"
SKIPPED = {"HEAD", "OPTIONS"}
EVERYBODY = "everybody"
HTMX = {"HX-Request": "true"}


class Door(NamedTuple):
    method: str
    url: str
    permission: str
    step_up: str  # "step-up", or "-"
    factor: str  # what opens it: "factor" the second one where there is one, "half" the password, "-" nothing of these
    who: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((*self[:5], ",".join(self.who) or "nobody"))


def doors(app: Flask) -> Iterator[tuple[Door, str]]:
    """Every route as the code has it, with its endpoint."""
    for rule in app.url_map.iter_rules():
        needed: Permission | None = getattr(app.view_functions[rule.endpoint], "permission", None)
        gateway = rule.endpoint.startswith("gateway")
        if needed is None:
            assert gateway or rule.endpoint in PUBLIC, rule.endpoint
            who: tuple[str, ...] = (EVERYBODY,)
        elif gateway:
            who = tuple(sorted(name for name, held in SCOPES.items() if needed in held))
        else:
            area = AREAS.get(rule.endpoint.partition("_")[0], needed)
            who = tuple(sorted(name for name, held in TEMPLATES.items() if needed in held and area in held))
        for method in sorted((rule.methods or set()) - SKIPPED):
            step_up = "step-up" if getattr(app.view_functions[rule.endpoint], "step_up", False) else "-"
            factor = ("-" if needed is None or gateway or rule.endpoint in PUBLIC
                      else "half" if rule.endpoint in BEFORE_A_FACTOR else "factor")
            yield Door(method, str(rule), str(needed or "public"), step_up, factor, who), rule.endpoint


def written() -> list[Door]:
    lines = (line.split() for line in MATRIX.read_text().splitlines() if not line.startswith("#"))
    return [Door(*facts, tuple(who.split(","))) for *facts, who in lines]


def test_every_door_stands_in_the_matrix(app: Flask) -> None:
    found = sorted(str(door) for door, _ in doors(app))
    if os.environ.get("WRITE_ROUTES"):
        MATRIX.write_text(HEAD + "\n".join(found) + "\n")
    assert found == sorted(str(door) for door in written()), "access changed: see the docstring of this file"


def test_nobody_holds_a_door_that_nobody_opens(app: Flask) -> None:
    assert [str(door) for door in written() if "nobody" in door.who] == []


@pytest.fixture(scope="module")
def visitors(worker_app: Flask) -> dict[str, people.Seat]:
    """A browser of every kind of visitor."""
    with worker_app.app_context():
        return {"stranger": people.stranger(worker_app),
                **{name: people.seat(worker_app, people.person(name)) for name in TEMPLATES}}


@pytest.mark.parametrize("door", [door for door in written() if not door.url.startswith("/gateway/")], ids=str)
def test_each_visitor_is_let_in_or_not_as_written(app: Flask, visitors: dict[str, people.Seat], door: Door) -> None:
    if door.url in ("/static/<path:filename>", "/logout"):
        pytest.skip("files are everybody's; who signs out is out, see test_sessions.py")
    methods = (door.method, "HEAD") if door.method == "GET" else (door.method,)
    for kind, browser in visitors.items():
        for method, headers in product(methods, ({}, HTMX)):
            answer = browser.open(_address(door.url), method=method, headers=headers,
                                  data={"csrf_token": browser.token} if door.method != "GET" else None)
            led = kind == "stranger" and door.url in ("/", "/trader/")
            wanted = "sent to the login" if led else _expected(door, kind)
            assert _welcome(answer) == wanted, (kind, method, headers, answer.status_code)


@pytest.mark.parametrize("door", [door for door in written() if door.url.startswith("/gateway/")], ids=str)
def test_no_cookie_opens_the_gateway(app: Flask, visitors: dict[str, people.Seat], door: Door) -> None:
    for kind in ("stranger", "super_admin", "merchant_owner"):
        browser = visitors[kind]
        answer = browser.open(_address(door.url), method=door.method, json={} if door.method != "GET" else None)
        if door.who == (EVERYBODY,):
            asks_by_itself = door.url == "/gateway/v1/token"  # whose credentials are in the body
            assert answer.status_code == (400 if asks_by_itself else 200)
        else:
            assert answer.status_code == 401, kind
            assert answer.content_type == "application/problem+json"


@pytest.fixture(scope="module")
def on_the_way(worker_app: Flask) -> dict[str, people.Seat]:
    """People of each area whose password was right and whose second factor is still to come; and one who needs one."""
    with worker_app.app_context():
        seats = {}
        for kind in ("super_admin", "trader", "merchant_owner"):
            person = people.person(kind)
            people.with_factor(person)
            seats[kind] = people.seat(worker_app, person)
        return seats


@pytest.mark.parametrize("door", [door for door in written() if door.factor == "factor"], ids=str)
def test_no_door_goes_around_the_second_factor(app: Flask, on_the_way: dict[str, people.Seat], door: Door) -> None:
    for kind, browser in on_the_way.items():
        answer = browser.open(_address(door.url), method=door.method,
                              data={"csrf_token": browser.token, "proof_password": people.PASSWORD}
                              if door.method != "GET" else None)
        if door.method == "GET":
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/second-factor"), kind
        else:
            assert answer.status_code == 403, kind


@pytest.mark.parametrize("door", [door for door in written() if door.step_up == "step-up"], ids=str)
def test_an_act_asks_who_sits_there(app: Flask, visitors: dict[str, people.Seat], door: Door) -> None:
    for kind in door.who:
        browser = visitors[kind]
        answer = browser.open(_address(door.url), method=door.method,
                              data={"csrf_token": browser.token, "typed": "kept <b>"} if door.method != "GET" else None)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 428, kind
        assert 'name="proof_password"' in page
        assert door.method == "GET" or 'name="typed" value="kept &lt;b&gt;"' in page


def _expected(door: Door, kind: str) -> str:
    if door.who == (EVERYBODY,) or kind in door.who:
        return "in"
    return "sent to the login" if kind == "stranger" else "refused"


def _welcome(answer: object) -> str:
    status, location = answer.status_code, answer.headers.get("Location", "")  # type: ignore[attr-defined]
    assert status < 500 or status == 503, status
    if status == 200 and answer.headers.get("HX-Redirect", "").startswith("/login"):  # type: ignore[attr-defined]
        return "sent to the login"
    if status == 401:
        assert answer.headers["HX-Redirect"].startswith("/login")  # type: ignore[attr-defined]
        return "sent to the login"
    if status == 303 and location.partition("?")[0] == "/login":
        return "sent to the login"
    return "refused" if status == 403 else "in"


def _address(url: str) -> str:
    """The door with something that does not exist behind it."""
    parts = (("1" if part.startswith("<int:") else f"pin_{text(new_id())}") if part.startswith("<") else part
             for part in url.split("/"))
    return "/".join(parts)
