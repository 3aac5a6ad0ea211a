"""The second page of signing in: a code of the app, a recovery code, or a passkey. Until then nothing else opens."""
from flask import Blueprint, Response, make_response, redirect, render_template, request

from portal.core.access import Permission, requires
from portal.core.db import transaction
from portal.core.errors import Invalid, PortalError, TooMany
from portal.parties import users
from portal.web import step_up
from portal.web.auth.arrival import arrived, landing_of, own_path
from portal.web.identity import enter, signed_in
from portal.web.refused_forms import sentences
from portal.web.sessions import first_values

bp = Blueprint("second_door", __name__, url_prefix="/second-factor")


@bp.get("")
@requires(Permission.PROFILE)
def index() -> Response:
    if not signed_in().details.get("half"):
        return redirect(landing_of(), 303)  # type: ignore[return-value]
    return _page()


@bp.post("")
@requires(Permission.PROFILE)
def prove() -> Response:
    """Right: a new session with a new token, and what every sign-in brings. Wrong: a guess that counts."""
    if not signed_in().details.get("half"):
        return redirect(landing_of(), 303)  # type: ignore[return-value]
    try:
        if request.form.get("passkey"):
            step_up.check_passkey(request.form["passkey"])
        else:
            step_up.check_code(request.form.get("code", ""), field="/code")
    except TooMany as error:
        return _page(error, status=429)
    except Invalid as error:
        return _page(error, status=422)
    with transaction() as session:
        version = users.version_of(session, signed_in())
        token = users.came_in(session, signed_in(), address=request.remote_addr, values=first_values(),
                              user_agent=request.user_agent.string)
    enter(token)
    return arrived(own_path(request.form.get("next")), email=signed_in().name, password_version=version)


def _page(error: PortalError | None = None, *, status: int = 200) -> Response:
    response = make_response(render_template(
        "auth/second_door.html", error=error, wrong=sentences(error) if error else {},
        next=request.values.get("next", ""),
        has_passkeys=step_up.has_passkeys()), status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
