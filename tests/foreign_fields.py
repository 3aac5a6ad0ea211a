"""A valid form with fields that are not its own, as somebody sends it who looks for what a form forgets to refuse.

`tests/house/forms.txt` names a test for every route that writes: one that sends it a valid form. While that test runs,
each of its forms to that route goes out first with all of PLANTS in it. Either that is refused, field by field,
and not a row of the desk has changed; or the fields were ignored, and then it was the test's own form: what the test
claims of it must hold, and nothing of theirs may lie in any row.
"""
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from json import dumps, loads
from math import inf
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import psycopg
import pytest
from flask import Flask, template_rendered
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy.engine import make_url
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from portal import FORM_PARTS_MAX
from portal.core.errors import Invalid
from portal.parties import key_invalidation

FORMS = Path(__file__).with_name("house") / "forms.txt"
UNTESTED = "-"
PLANTED = "7731f0e1"  # in every planted text: it is nowhere else
PLANTED_ID = f"{PLANTED}-f323-858a-ec5b-3908726fa36b"
PLANTED_NUMBER = "773141592"
PLANTED_DAY = "2031-07-07"
AS = {
    PLANTED_ID: "id store_id merchant_id trader_id user_id owner_id actor_id order_id requisite_id approval_id"
                " decided_by",
    PLANTED_NUMBER: "amount amount_minor settlement_minor fee fee_bps reward_minor rate balance available_minor tier"
                    " open_orders_max day_max_minor",
    f"{PLANTED}@evil.example": "role permissions status state kind direction live active robot is_admin may_overdraw"
                               " email password_hash settlement_currency method",
    f"{PLANTED_DAY}T07:31:31Z": "created_at expires_at paid_at",
}
PLANTS = {name: value for value, names in AS.items() for name in names.split()}
FOREIGN = ("extra_forbidden", "unknown_field")
REFUSALS = (400, 422)
UNTOLD = "*"
OF_ANY_REQUEST = ("user_sessions", "logged_calls", "login_failures")
"""Tables that any request writes to, whatever becomes of it: when somebody was seen, calls, passwords tried."""


class Form(NamedTuple):
    """A line of the file. `own`: fields of PLANTS that are the form's, though its test leaves them out; or UNTOLD: it
    refuses the whole and does not say for which field.
    """

    route: str
    test: str
    own: frozenset[str] = frozenset()
    why: str = ""  # there is no test

    @property
    def tells(self) -> bool:
        return UNTOLD not in self.own


def forms() -> list[Form]:
    lines = (line for line in FORMS.read_text().splitlines() if not line.startswith("#"))
    return [_form(*line.split(maxsplit=3)) for line in lines]


def _form(method: str, url: str, test: str, rest: str = "") -> Form:
    route = f"{method} {url}"
    return Form(route, test, why=rest) if test == UNTESTED else Form(route, test, frozenset(rest.split()))


def riders(test: str) -> dict[str, "Rider"]:
    """By route: of the forms that are this test's to send."""
    return {form.route: Rider(form) for form in _of_tests().get(test, ())}


@cache
def _of_tests() -> dict[str, list[Form]]:
    found: dict[str, list[Form]] = {}
    for form in forms():
        found.setdefault(form.test, []).append(form)
    return found


@contextmanager
def sent_along(riders: Mapping[str, "Rider"], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each form to one of these routes goes out with the plants first; at least one to each must have been valid."""
    plainly = FlaskClient.open

    def opened(client: FlaskClient, *path: Any, **sent: Any) -> TestResponse:
        rider = _rider(riders, client.application, *path, **sent)
        if rider is None or current_thread() is not main_thread():
            return plainly(client, *path, **sent)
        return rider.ride(client.application, lambda changed: plainly(client, *path, **changed), sent)

    with monkeypatch.context() as patch:
        patch.setattr(FlaskClient, "open", opened)
        patch.setattr(key_invalidation, "WRITE_EVERY_S", inf)  # when keys were used: its thread's doing, no form's
        yield
    idle = [route for route, rider in riders.items() if not rider.valid]
    assert not idle, f"this test sends no valid form to {idle} any more: name another in {FORMS.name}"


def _rider(riders: Mapping[str, "Rider"], app: Flask, *path: Any, **sent: Any) -> "Rider | None":
    if not path or not isinstance(path[0], str):
        return None
    method = sent.get("method", "GET")
    with suppress(HTTPException):
        rule, _ = app.url_map.bind("localhost").match(path[0].partition("?")[0], method, return_rule=True)
        return riders.get(f"{method} {rule.rule}")
    return None


@dataclass
class Rider:
    """Sends a form with the plants before it sends it as it is."""

    form: Form
    valid: int = 0

    def ride(self, app: Flask, send: Callable[[dict[str, Any]], TestResponse], sent: dict[str, Any]) -> TestResponse:
        """The answer to the form that took effect, or to the form as it is where nothing does."""
        before, left = rows_of(app), dict[str, str]()
        for few in self._plants(sent):
            with _errors_of_pages() as errors:
                answer = send(planted(sent, few))
            if answer.status_code < 400:
                return self._ignored(app, answer, before)
            if answer.status_code not in REFUSALS:
                return send(sent)  # it looks at something else first
            errors += (answer.get_json(silent=True) or {}).get("errors", [])
            foreign = {error["field"].strip("/") for error in errors if error["code"] in FOREIGN}
            left |= {name: value for name, value in few.items() if name not in foreign and self.form.tells}
        written = changed(before, rows_of(app))
        assert written == [], f"{self.form.route} refuses a form and changes rows of {written}"
        if left and (answer := send(planted(sent, left))).status_code < 400:  # the address knows better, and wins
            return self._ignored(app, answer, before)
        answer = send(sent)
        assert answer.status_code >= 400 or not left, (
            f"{self.form.route} reads {sorted(left)}: what is the form's own stands in {FORMS.name}")
        self.valid += answer.status_code < 400
        return answer

    def _plants(self, sent: dict[str, Any]) -> Iterator[dict[str, str]]:
        """What this form does not have, as much at a time as a form may hold."""
        there = _names_in(sent)
        foreign = [name for name in PLANTS if name not in {*there, *self.form.own}]
        room = FORM_PARTS_MAX - len(there)
        for at in range(0, len(foreign), room):
            yield {name: PLANTS[name] for name in foreign[at:at + room]}

    def _ignored(self, app: Flask, answer: TestResponse, before: Mapping[str, tuple[int, int]]) -> TestResponse:
        found = written_since(app, before)
        assert found == [], f"{self.form.route} wrote what was planted: {found}"
        self.valid += 1
        return answer


@contextmanager
def _errors_of_pages() -> Iterator[list[dict[str, str]]]:
    """What the pages drawn within say is wrong, as the gateway would say it."""
    found: list[dict[str, str]] = []

    def listen(_: object, context: dict[str, Any], **__: object) -> None:
        if isinstance(error := context.get("error"), Invalid):
            found.extend(field.public() for field in error.fields)

    with template_rendered.connected_to(listen):
        yield found


def _names_in(sent: Mapping[str, Any]) -> list[str]:
    """Of the fields of this form or body, as often as each is sent."""
    body = sent.get("json") if sent.get("json") is not None else sent.get("data")
    if not isinstance(body, bytes | str):
        values = {name: value if isinstance(value, list) else [value] for name, value in (body or {}).items()}
        return [name for name, several in values.items() for _ in several]
    raw = body.encode() if isinstance(body, str) else body
    if _boundary(sent):
        return [name.decode() for name in re.findall(rb' name="([^"]+)"', raw)]
    return list(loads(raw or b"{}")) if _is_json(sent) else [name for name, _ in parse_qsl(raw.decode())]


def _is_json(sent: Mapping[str, Any]) -> bool:
    return "json" in str(sent.get("content_type", ""))


def _boundary(sent: Mapping[str, Any]) -> bytes:
    return str(sent.get("content_type", "")).partition("boundary=")[2].encode()


def planted(sent: Mapping[str, Any], plants: Mapping[str, str]) -> dict[str, Any]:
    """The same request with these fields too; what is refused leaves its key of idempotency unused."""
    more = dict(sent)
    if more.get("json") is not None:
        more["json"] = {**more["json"], **plants}
    elif isinstance(body := more.get("data"), bytes | str) and _is_json(sent):
        more["data"] = dumps({**(loads(body) if body else {}), **plants}).encode()
    elif isinstance(body, bytes) and (boundary := _boundary(sent)):
        more["data"] = b"".join(b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
            boundary, name.encode(), value.encode()) for name, value in plants.items()) + body
    elif isinstance(body, bytes | str):
        more["data"] = (body if isinstance(body, str) else body.decode()) + "&" + urlencode(plants)
    else:
        more["data"] = {**{name: _again(value) for name, value in (body or {}).items()}, **plants}
    return more


def _again(value: Any) -> Any:
    """A file is read as it is sent: this one can be sent once more."""
    if isinstance(value, list):
        return [_again(one) for one in value]
    if isinstance(value, tuple):
        return tuple(_again(one) for one in value)
    return BytesIO(value.getvalue()) if isinstance(value, BytesIO) else value


def rows_of(app: Flask) -> dict[str, tuple[int, int]]:
    """By table: how many rows it has, and the last transaction that wrote one of them."""
    with owner(app) as connection:
        tables = [name for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")]
        counts = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*), coalesce(max(xmin::text::bigint), 0) FROM {}").format(
                sql.Literal(name), sql.Identifier(name)) for name in tables)
        return {name: (count, last) for name, count, last in connection.execute(counts)}


def changed(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> list[str]:
    return [name for name, rows in after.items()
            if before.get(name) != rows and not name.startswith(OF_ANY_REQUEST)]


def written_since(app: Flask, before: Mapping[str, tuple[int, int]]) -> list[str]:
    """Rows written since then that hold something planted."""
    found: list[str] = []
    with owner(app) as connection:
        for name in changed(before, rows_of(app)):
            rows = connection.execute(sql.SQL(
                "SELECT t::text FROM {} t WHERE xmin::text::bigint > %s AND t::text ~ %s").format(sql.Identifier(name)),
                [before.get(name, (0, 0))[1], "|".join((PLANTED, PLANTED_NUMBER, PLANTED_DAY))])
            found += [f"{name}: {row}" for (row,) in rows]
    return found


def owner(app: Flask) -> psycopg.Connection[tuple[Any, ...]]:
    """Who may read every row and column."""
    database = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database
    url = make_url(os.environ["DATABASE_OWNER_URL"]).set(drivername="postgresql", database=database)
    return psycopg.connect(url.render_as_string(False), autocommit=True)
