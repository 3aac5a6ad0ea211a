"""The first of the two locks: who may knock at which door. The second is `visible_to` in each noun's queries."""
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, g, redirect, request, url_for

from portal.core.access import Actor, Permission
from portal.core.db import retried
from portal.core.errors import Denied
from portal.parties.passwords import ChooseYourOwn
from portal.web import behind, htmx, step_up
from portal.web.identity import say_why_out

PUBLIC = frozenset({
    "static", "auth.login", "auth.sign_in", "auth.landing", "passkeys.sign_in_challenge",
    "passkeys.sign_in", "recovery.ask", "recovery.send_link", "recovery.choose", "recovery.set_password",
    "recovery.agree", "recovery.prove_address", "dev_ui.mail", "health.livez", "health.servez", "health.readyz",
    "health.metrics", "health.security_txt", "well_known.jwks", "status.index",
    "dev_ui.index", "checkout.page", "checkout.qr", "checkout.claim", "checkout.cancel", "checkout.dispute",
    "checkout.say", "checkout.show_receipt", "checkout.upload", "checkout.remove", "checkout.replace",
    "checkout.claim_late", "checkout.help_of", "checkout.ask_help", "checkout.try_outcome", "notices.worker",
    "docs.index", "docs.page", "docs.calls", "docs.search", "shop.index", "shop.buy", "shop.one", "shop.hear",
    "shop_acts.cancel", "shop_acts.refund_form", "shop_acts.refund", "shop_acts.dispute_form", "shop_acts.dispute",
    "shop_acts.refund_dispute_form", "shop_acts.refund_dispute",
    "join.index", "join.form", "join.send", "join.upload", "join.remove", "join.state", "join.way_in", "join.choose",
})
"""Doors without a lock of this kind: login, health, docs, the payment page (its token is its key), the demo's shop,
joining (a form for strangers; what became of it and the way in are behind tokens)."""
BEFORE_A_PASSWORD = frozenset({"auth.logout", "profile.index", "profile.set_password", "paused.banner"})
"""All that somebody may open who came in with a password given out by staff, until they have chosen their own."""
BEFORE_A_FACTOR = frozenset({"auth.logout", "second_door.index", "second_door.prove", "passkeys.challenge",
                             "paused.banner"})
"""All that opens between the right password and the second factor."""
WITHOUT_A_FACTOR = frozenset({"auth.logout", "step_up.show", "second_factor.add_app", "second_factor.app",
                              "second_factor.codes", "passkeys.challenge", "passkeys.new",
                              "passkeys.add_passkey", "paused.banner", "profile.set_password"})
"""All that opens for whom a second factor is wanted of, until they have set one up."""



class ProveFirst(Denied):
    """Show your second factor first: until then nothing opens."""

    code = "second_factor_first"


class StaffElsewhere(Denied):
    """Staff of this desk work from certain networks only, and this is none of them."""

    code = "staff_elsewhere"


class SetUpFirst(Denied):
    """Set up a second factor first: your work needs one. Until then nothing else opens."""

    code = "second_factor_needed"


UNTIL: tuple[tuple[str, frozenset[str], str, type[Denied]], ...] = (
    ("half", BEFORE_A_FACTOR, "second_door.index", ProveFirst),
    ("must_choose", BEFORE_A_PASSWORD, "profile.index", ChooseYourOwn),
    ("must_enrol", WITHOUT_A_FACTOR, "second_factor.app", SetUpFirst),
)
"""What comes before anything else, in this order: what still opens meanwhile, and where people are led."""
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
        refused = _admit(actor, needed)
        if refused is None:
            behind.choose(app.view_functions[request.endpoint])
        if refused is None and getattr(app.view_functions[request.endpoint], "step_up", False):
            return step_up.ask()
        return refused

    app.after_request(step_up.spend)


def _admit(actor: Actor | None, needed: Permission) -> Response | None:
    if actor is None:
        say_why_out()
        login = url_for("auth.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
        return htmx.redirect_to(login) if htmx.wants_fragment() else redirect(login, 303)  # type: ignore[return-value]
    if "elsewhere" in actor.details and request.endpoint != "auth.logout":
        raise StaffElsewhere()
    for still, open_doors, page, refusal in UNTIL:
        if actor.details.get(still):
            return None if request.endpoint in open_doors else _first(page, refusal)
    area = AREAS.get((request.blueprint or "").partition("_")[0], needed)
    if not (actor.may(area) and actor.may(needed)):
        raise Denied()
    return None


def _first(page: str, refusal: type[Denied]) -> Response:
    """Whoever looks for a page is led to what comes first; an act and what a page fetches by itself are refused."""
    if request.method not in ("GET", "HEAD") or htmx.is_poll():
        raise refusal()
    url = url_for(page, next=request.full_path.rstrip("?") if page == "second_door.index" else None)
    return htmx.redirect_to(url) if htmx.wants_fragment() else redirect(url, 303)  # type: ignore[return-value]


def _retried(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def again(*args: Any, **values: Any) -> Any:
        return retried(lambda: view(*args, **values))

    return again
