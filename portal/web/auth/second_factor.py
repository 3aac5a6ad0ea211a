"""One's own second factor: set up in two steps, taken away, and ten recovery codes that are shown once."""
import base64
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext

from portal.core import crypto
from portal.core.access import Permission, requires
from portal.core.db import give_back, reader, transaction
from portal.parties import passkeys, second_factor, sessions
from portal.web import mails
from portal.web.form_keys import once
from portal.web.identity import browser, needs_factor, signed_in
from portal.web.render import redisplay, show

bp = Blueprint("second_factor", __name__, url_prefix="/profile/second-factor")
APP, CODES = "auth/factor_app.html", "auth/recovery_codes.html"
SEED = "totp_seed"


@bp.get("")
@requires(Permission.PROFILE)
def index() -> Response:
    """It is a part of the account's page."""
    return _to(url_for("profile.index", _anchor="second-factor"))


@bp.get("/app")
@requires(Permission.PROFILE, step_up=True)
def app() -> Response:
    """A seed that only this session sees: another look shows the same one."""
    if _seed() is None:
        session[SEED] = base64.b64encode(crypto.seal(second_factor.new_seed(), place=_place())).decode()
    return show(APP, error=None, wrong={}, **_setting_up())


@bp.post("/app")
@requires(Permission.PROFILE)
def add_app() -> Response:
    """A code of it shows that it works: it counts from now on. The first factor comes with recovery codes."""
    seed = _seed()
    if seed is None:
        return _to(url_for(".app"))
    here = UUID(signed_in().details["session"])
    give_back()  # ten hashes are made first
    with redisplay(APP, _setting_up), transaction() as database:
        codes = second_factor.add_app(database, signed_in(), seed=seed, code=request.form.get("code", ""),
                                      session_id=here)
        token = sessions.new_token(database, here) if codes else None
        mails.own_factor(database, "app_added")
    carry_on(token)
    del session[SEED]
    flash(gettext("Your authenticator app is set up."))
    return show(CODES, codes=codes, **frame()) if codes else _to(url_for("profile.index"))


@bp.post("/app/removal")
@requires(Permission.PROFILE, step_up=True)
def remove_app() -> Response:
    with transaction() as database:
        second_factor.remove_app(database, signed_in(), needed=needed())
        mails.own_factor(database, "app_removed")
    flash(gettext("Your authenticator app is taken away."))
    return _to(url_for("profile.index"))


@bp.post("/codes")
@requires(Permission.PROFILE, step_up=True)
@once
def codes() -> Response:
    give_back()
    made = second_factor.new_codes()
    with transaction() as database:
        codes = second_factor.new_recovery_codes(database, signed_in(), made)
        mails.own_factor(database, "codes_made")
    return show(CODES, codes=codes, **frame())


def carry_on(token: str | None) -> None:
    """The first factor was set up here: this browser has another token from now on."""
    if token is not None:
        browser().begin(token)


def shown() -> dict[str, Any]:
    """What the account's page says of it."""
    actor = signed_in()
    assert actor.id is not None
    return {"on": "factor" in actor.details, "app": second_factor.has_app(reader(), actor.id),
            "passkeys": passkeys.of_user(reader(), actor.id), "offered": passkeys.are_offered(),
            "codes_left": second_factor.codes_left(reader(), actor.id), "needed": needed()}


def needed() -> bool:
    found = browser().signed_in
    assert found is not None
    return bool(current_app.extensions["settings"].second_factor_required) and needs_factor(found)


def _setting_up() -> dict[str, Any]:
    import segno

    seed = _seed()
    assert seed is not None
    address = second_factor.address_of(seed, signed_in().name)
    return {"seed": " ".join(seed[at:at + 4] for at in range(0, len(seed), 4)), "address": address,
            "picture": segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="#fff", nl=False),
            "first": "must_enrol" in signed_in().details, **frame()}


def _seed() -> str | None:
    kept = session.get(SEED)
    try:
        return crypto.open_sealed(base64.b64decode(kept), place=_place()) if kept else None
    except crypto.CannotOpen:  # its master key was dropped meanwhile: another seed is shown
        return None


def _place() -> str:
    return f"user_sessions|totp_seed|{signed_in().details['session']}"


def frame() -> dict[str, Any]:
    actor = signed_in()
    return {"layout": f"{'admin' if actor.is_staff else actor.role}/layout.html", "offered": passkeys.are_offered()}


def _to(url: str) -> Response:
    return redirect(url, 303)  # type: ignore[return-value]
