"""The first of the two locks: who may knock at which door. The second is `visible_to` in each noun's queries."""
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, g, redirect, request, url_for

from portal.core.access import Actor, Permission
from portal.core.db import retried
from portal.core.errors import Denied
from portal.parties.passwords import ChooseYourOwn
from portal.web import htmx
from portal.web.identity import say_why_out

PUBLIC = frozenset({
    "static", "auth.login", "auth.sign_in", "auth.landing", "health.livez", "health.readyz", "health.metrics",
    "dev_ui.index", "checkout.page", "checkout.qr", "checkout.claim", "checkout.cancel",
    "docs.index", "docs.page", "docs.calls", "shop.index", "shop.buy", "shop.one", "shop.hear",
})
"""Doors without a lock of this kind: login, health, docs, the payment page (its token is its key), the demo's shop."""
BEFORE_A_PASSWORD = frozenset({"auth.logout", "profile.index", "profile.set_password"})
"""All that somebody may open who came in with a password given out by staff, until they have chosen their own."""
AREAS = {"trader": Permission.TRADER_PORTAL, "merchant": Permission.MERCHANT_PORTAL, "admin": Permission.ADMIN_PORTAL}
"""Whose pages a blueprint's name begins with: several roles may read orders, each on its own pages."""


def guard(app: Flask) -> None:
    """Refuse to start with an unmarked view; check the mark on every request; retry what the database asks to."""
    marked = {name: getattr(view, "permission", None) for name, view in app.view_functions.items()}
    unmarked = sorted(name for name, mark in marked.items() if mark is None and name not in PUBLIC
                      and not name.startswith("gateway"))
    if unmarked:
        raise RuntimeError(f"views without @requires: {unmarked}")
    for name, view in app.view_functions.items():
        if name != "static":
            app.view_functions[name] = _retried(view)

    @app.before_request
    def check() -> Response | None:
        if request.endpoint is None or (request.blueprint or "").startswith("gateway"):
            return None
        actor: Actor | None = g.actor
        needed = marked[request.endpoint]
        if needed is None or request.endpoint in PUBLIC:
            return None
        return _admit(actor, needed)


def _admit(actor: Actor | None, needed: Permission) -> Response | None:
    if actor is None:
        say_why_out()
        login = url_for("auth.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
        return htmx.redirect_to(login) if htmx.wants_fragment() else redirect(login, 303)  # type: ignore[return-value]
    if actor.details.get("must_choose"):
        return None if request.endpoint in BEFORE_A_PASSWORD else _to_a_password()
    area = AREAS.get((request.blueprint or "").partition("_")[0], needed)
    if not (actor.may(area) and actor.may(needed)):
        raise Denied()
    return None


def _to_a_password() -> Response:
    """Whoever looks for a page is led there; an act and what a page fetches by itself are refused."""
    if request.method != "GET" or htmx.is_poll():
        raise ChooseYourOwn()
    profile = url_for("profile.index")
    return htmx.redirect_to(profile) if htmx.wants_fragment() else redirect(profile, 303)  # type: ignore[return-value]


def _retried(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def again(*args: Any, **values: Any) -> Any:
        return retried(lambda: view(*args, **values))

    return again
