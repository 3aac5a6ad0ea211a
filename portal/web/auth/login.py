"""The login form, the way out, and where a signed-in person lands."""
from flask import Blueprint, Response, g, make_response, render_template, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import transaction
from portal.core.errors import Invalid, PortalError, Unavailable
from portal.parties import login_throttle, passkeys, passwords, users
from portal.parties.commands import SignIn
from portal.parties.invitations import as_pasted
from portal.web import devices
from portal.web.auth.arrival import LANDINGS, arrived, just_shown, own_path, to
from portal.web.identity import current_actor, enter, leave, signed_in
from portal.web.refused_forms import sentences
from portal.web.sessions import first_values
from portal.web.step_up import count

bp = Blueprint("auth", __name__)


@bp.get("/trader/")  # merchants and staff have a page there
@bp.get("/")
def landing() -> Response:
    """Everybody's first page: their own, or the login."""
    actor = current_actor()
    if actor is None or actor.role is None:
        return to(url_for("auth.login"))
    return to(LANDINGS[actor.role])


@bp.get("/login")
def login() -> Response:
    if current_actor() is not None:
        return landing()
    return form()


@bp.post("/login")
def sign_in() -> Response:
    """One answer for an unknown account, a wrong password and a disabled one, after the same time."""
    try:
        command = bind(SignIn, request.form, password=as_pasted(request.form.get("password", "")))
        found, token = _let_in(command)
        enter(token)
    except login_throttle.TooManyAttempts as error:
        return form(error, status=429)
    except Unavailable as error:
        return form(error, status=503)
    except Invalid as error:
        return form(error if isinstance(error, users.WrongLogin) else users.WrongLogin(), status=422)
    if signed_in().details.get("half"):
        return to(url_for("second_door.index", next=own_path(command.next)))
    assert found.password_version is not None
    return arrived(own_path(command.next), email=command.email, password_version=found.password_version)


@bp.post("/logout")
@requires(Permission.PROFILE)
def logout() -> Response:
    leave()
    return to(url_for("auth.login"))


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
                             request_id=g.get("request_id"), rehashed=rehashed,
                             values={**first_values(), **just_shown()})
        login_throttle.give_back(session, guess)
    return found, token


def form(error: PortalError | None = None, *, status: int = 200) -> Response:
    values = {"email": request.form.get("email", ""), "next": request.values.get("next", "")}
    response = make_response(render_template(
        "auth/login.html", error=error, values=values, passkeys=passkeys.are_offered(),
        wrong=sentences(error) if error else {}), status)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
