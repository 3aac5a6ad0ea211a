"""Passkeys at the doors: a challenge for the browser, signing in by one, adding and taking them away."""
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from flask_babel import gettext
from flask_wtf.csrf import generate_csrf

from portal.core import crypto
from portal.core.access import Permission, requires
from portal.core.db import give_back, transaction
from portal.core.errors import Denied, Invalid, NotFound
from portal.parties import passkeys, sessions, users
from portal.web import mails, step_up
from portal.web.auth.arrival import arrived, own_path
from portal.web.auth.login import form
from portal.web.auth.second_factor import CODES, carry_on, frame, needed
from portal.web.identity import current_actor, enter, signed_in
from portal.web.render import redisplay, show
from portal.web.sessions import first_values

bp = Blueprint("passkeys", __name__)
PAGE = "auth/passkey.html"
NEW = "/profile/second-factor/passkeys/new"


@bp.post("/passkeys/sign-in/challenge")
def sign_in_challenge() -> Response:
    return _challenge("sign_in")


@bp.post("/passkeys/<purpose>/challenge")
@requires(Permission.PROFILE)
def challenge(purpose: str) -> Response:
    if purpose not in ("add", "prove"):
        raise NotFound()
    if purpose == "add" and (signed_in().details.get("half") or not step_up.stands_for(NEW)):
        raise Denied()
    return _challenge(purpose)


@bp.post("/passkeys/sign-in")
def sign_in() -> Response:
    """The key has looked at the person: that is both factors at once."""
    answer = request.form.get("passkey", "")
    try:
        to = used_up("sign_in", answer)
        with step_up.copies_noted(), transaction() as database:
            proof = passkeys.prove(database, answer, to=to)
            token, version = users.came_in_by_passkey(
                database, proof.user_id, address=request.remote_addr, user_agent=request.user_agent.string,
                values=first_values())
    except Invalid as error:
        return form(error, status=422)
    enter(token)
    return arrived(own_path(request.form.get("next")), email=proof.email, password_version=version)


@bp.get(NEW)
@requires(Permission.PROFILE, step_up=True)
def new() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **frame())


@bp.post("/profile/second-factor/passkeys")
@requires(Permission.PROFILE)
def add_passkey() -> Response:
    """Its challenge was given out behind a step-up, to this session. The first factor comes with recovery codes."""
    answer = request.form.get("passkey", "")
    here = UUID(signed_in().details["session"])
    with redisplay(PAGE, frame):
        to = used_up("add", answer)
        give_back()  # ten hashes are made first
        with transaction() as database:
            codes = passkeys.add(database, signed_in(), answer=answer, to=to, name=request.form.get("name", ""),
                                 session_id=here)
            token = sessions.new_token(database, here) if codes else None
            mails.own_factor(database, "passkey_added")
    carry_on(token)
    flash(gettext("The passkey is added."))
    return show(CODES, codes=codes, **frame()) if codes else _back()


@bp.post("/profile/second-factor/passkeys/<passkey_id>/removal")
@requires(Permission.PROFILE, step_up=True)
def remove(passkey_id: str) -> Response:
    with transaction() as database:
        passkeys.remove(database, signed_in(), passkey_id, needed=needed())
        mails.own_factor(database, "passkey_removed")
    flash(gettext("The passkey is taken away."))
    return _back()


def used_up(purpose: str, answer: str) -> bytes:
    """The challenge that was answered, gone for good. Raises Invalid."""
    wrong: list[Invalid] = []
    with transaction(alone=True) as database:
        try:
            return passkeys.answered(database, purpose, answer, browser=_browser())
        except Invalid as error:
            wrong.append(error)
    raise wrong[0]


def _challenge(purpose: str) -> Response:
    with transaction() as database:
        made = passkeys.challenge(database, purpose, browser=_browser(),
                                  actor=None if purpose == "sign_in" else signed_in())
    return Response(made, content_type="application/json")


def _browser() -> str:
    """The row of a session, or the token that a stranger's signed cookie holds."""
    actor = current_actor()
    if actor is not None:
        return actor.details["session"]
    generate_csrf()
    return crypto.sha256(session["csrf_token"]).hex()


def _back() -> Response:
    return redirect(url_for("profile.index"), 303)  # type: ignore[return-value]
