"""A form that was refused: what was typed into which one, what is wrong with it, and the page it stands on."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, g, has_request_context, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from portal.core.errors import FieldError, PortalError

READS = ("GET", "HEAD")
GUESSES_MAX = 8  # parts of an address that are taken off in search of its page


@dataclass(frozen=True)
class Refusal:
    """`path`: the act that was asked for; `wrong`: by field, in the reader's language."""

    path: str
    values: Mapping[str, Any]
    wrong: dict[str, str]


def sentences(error: PortalError) -> dict[str, str]:
    """Field name → what is wrong with it, in the reader's language."""
    fields: list[FieldError] = getattr(error, "fields", [])
    return {field.field.strip("/").split("/")[0]: gettext(field.sentence, **field.params) for field in fields}


def sent_to(action: str, values: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """What the form with this address shows: what was typed into it and is wrong with it, if it is the refused one.

    A page has many forms, and several ask for a reason: the others stay as they are.
    """
    refusal: Refusal | None = g.get("refusal") if has_request_context() else None
    if refusal is None:
        return values, {}
    return (refusal.values, refusal.wrong) if refusal.path == urlsplit(action).path else ({}, {})


def field_id(name: str, id: str | None, error: str | None) -> str:
    """The id of a form's field: the wrong one is `field-<name>`, where the summary leads, and no other is that."""
    if error:
        return f"field-{name}"
    refusal: Refusal | None = g.get("refusal") if has_request_context() else None
    return id or (f"other-{name}" if refusal is not None and name in refusal.wrong else f"field-{name}")


def page_of_act() -> str | None:
    """The page that an act's address belongs to, if this request's is one: nothing can be read at the act itself.

    `/admin/traders/trd_…/deposits` → `/admin/traders/trd_…`; `/admin/merchants/mrc_…/stores` → `…/stores/new`.
    """
    routes = current_app.create_url_adapter(request)
    assert routes is not None, "there is a request"
    path = request.path.rstrip("/")
    act = _rule(routes, path, "POST")
    if act is None or "GET" in (act.methods or ()):
        return None
    if request.method in READS and _is_page(routes, path):
        return None
    form = _rule(routes, f"{path}/new", "GET")
    if form is not None and form.rule.endswith("/new"):
        return f"{path}/new"
    for _ in range(GUESSES_MAX):
        path = path.rpartition("/")[0]
        if path and _is_page(routes, path):
            return path
    return "/"


def _rule(routes: MapAdapter, path: str, method: str) -> Rule | None:
    try:
        rule, _ = routes.match(path, method=method, return_rule=True)
    except HTTPException:
        return None
    return rule


def _is_page(routes: MapAdapter, path: str) -> bool:
    """It can be read; `/trader/orders/shift` is an act, though an order's page would match it."""
    read, act = _rule(routes, path, "GET"), _rule(routes, path, "POST")
    return read is not None and (act is None or act.rule == read.rule)
