"""The login form, the way out, and where a signed-in person lands."""
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for

from portal.approvals import admissions
from portal.core.access import Permission, Role, requires
from portal.core.commands import bind
from portal.core.db import transaction
from portal.core.errors import Invalid, PortalError, Unavailable
from portal.parties import login_throttle, passwords, users
from portal.parties.commands import SignIn
from portal.parties.invitations import as_pasted
from portal.web import devices, htmx, labels
from portal.web.identity import current_actor, enter, leave, signed_in
from portal.web.sessions import first_values
from portal.web.step_up import count

bp = Blueprint("auth", __name__)
LANDINGS = {Role.MERCHANT: "/merchant/", Role.TRADER: "/trader/orders", Role.SUPPORT: "/admin/",
            Role.ADMIN: "/admin/"}


@bp.get("/")
def landing() -> Response:
    """Everybody's first page: their own, or the login."""
    actor = current_actor()
    if actor is None or actor.role is None:
        return _to(url_for("auth.login"))
    return _to(LANDINGS[actor.role])


@bp.get("/login")
def login() -> Response:
    if current_actor() is not None:
        return landing()
    return _form()


@bp.post("/login")
def sign_in() -> Response:
    """One answer for an unknown account, a wrong password and a disabled one, after the same time."""
    try:
        command = bind(SignIn, request.form, password=as_pasted(request.form.get("password", "")))
        found, token = _let_in(command)
        enter(token)
    except login_throttle.TooManyAttempts as error:
        return _form(error, status=429)
    except Unavailable as error:
        return _form(error, status=503)
    except Invalid as error:
        return _form(error if isinstance(error, users.WrongLogin) else users.WrongLogin(), status=422)
    answer = _to(own_path(command.next) or landing_of())
    assert found.password_version is not None
    devices.remember(answer, command.email, password_version=found.password_version,
                     told=_tell_what_was_done(devices.told_until(command.email)))
    return answer


@bp.post("/logout")
@requires(Permission.PROFILE)
def logout() -> Response:
    leave()
    return _to(url_for("auth.login"))


def landing_of() -> str:
    role = signed_in().role
    assert role is not None, "only people sign in"
    return LANDINGS[role]


def own_path(wanted: str | None) -> str | None:
    """Only back to a page of this desk: a path, never another host in any of its spellings."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or "\\" in wanted:
        return None
    if any(ord(letter) < 33 or ord(letter) == 127 for letter in wanted):
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc and parts.path not in ("/login", "/logout") else None


def _let_in(command: SignIn) -> tuple[users.Account, str]:
    """Count the try, look at the password outside any transaction, begin the session.

    Raises TooManyAttempts, WrongLogin, Busy.
    """
    with transaction() as session:
        found = users.account(session, command.email)
    known = devices.known_for(command.email, found.password_version)
    guess = login_throttle.Guess.at_the_door(command.email, request.remote_addr, known)
    count(guess)
    password = command.password.get_secret_value()
    if not passwords.matches(found.password_hash, password):
        raise users.WrongLogin()
    assert found.password_hash is not None
    rehashed = passwords.hashed(password) if passwords.is_dated(found.password_hash) else None
    with transaction() as session:
        token = users.let_in(session, found, address=request.remote_addr, user_agent=request.user_agent.string,
                             request_id=g.get("request_id"), rehashed=rehashed, values=first_values())
        login_throttle.give_back(session, guess)
    return found, token


def _tell_what_was_done(since: datetime | None) -> datetime | None:
    """The owner of an account hears of every way into it that somebody opened, once at each browser they sign in at.

    Returns up to which moment this browser has been told.
    """
    with transaction() as session:
        done = [(labels.admission(row.how, row.by_name), row.given_at)
                for row in admissions.tell(session, _own_id(), since=since)]
    for sentence, _ in done:
        flash(sentence)
    return done[-1][1] if done else since


def _own_id() -> UUID:
    id = signed_in().id
    assert id is not None, "only people sign in"
    return id


def _form(error: PortalError | None = None, *, status: int = 200) -> Response:
    values = {"email": request.form.get("email", ""), "next": request.values.get("next", "")}
    response = make_response(render_template("auth/login.html", error=error, values=values), status)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _to(url: str) -> Response:
    return htmx.redirect_to(url, 200) if htmx.wants_fragment() else redirect(url, 303)  # type: ignore[return-value]
