"""One's own account: how its pages are written, where one is signed in, and one's password."""
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask_babel import gettext

from portal import approvals, mail
from portal.approvals import admissions
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.parties import preferences, sessions, users
from portal.parties.commands import SetPassword
from portal.parties.invitations import as_pasted
from portal.parties.preferences import SetPreferences
from portal.web import devices, labels, mails
from portal.web.auth.arrival import just_shown, landing_of
from portal.web.auth.second_factor import shown
from portal.web.identity import enter, signed_in
from portal.web.locale import LANGUAGES, YEAR_S
from portal.web.render import redisplay, show
from portal.web.sessions import first_values
from portal.web.step_up import counted

bp = Blueprint("profile", __name__, url_prefix="/profile")
PAGE = "auth/profile.html"


@bp.get("")
@requires(Permission.PROFILE)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **profile())


@bp.post("/password")
@requires(Permission.PROFILE)
def set_password() -> Response:
    """Every other browser of theirs is out; this one goes on with a new token, after a first one to their own pages."""
    first = "must_choose" in signed_in().details
    with redisplay(PAGE, lambda: profile()):
        typed = {"current": as_pasted(request.form.get("current", "")), "password": request.form.get("password", "")}
        command = bind(SetPassword, request.form, **typed)
        with counted(), transaction() as session:
            user = users.set_password(session, signed_in(), command)
            token = sessions.begin(session, user.id, address=request.remote_addr,
                                   user_agent=request.user_agent.string,
                                   values={**first_values(), **just_shown(), "_user_id": str(user.id)},
                                   factor_proved="factor" in signed_in().details)
            version = users.version(user)
            mails.password_changed(session, user.email, user.locale)
    enter(token)
    flash(gettext("Your password is changed. Your other sessions have ended."))
    answer: Response = redirect(landing_of(), 303) if first else _back()  # type: ignore[assignment]
    email = signed_in().name
    devices.remember(answer, email, password_version=version, told=devices.told_until(email))
    return answer


@bp.post("/preferences")
@requires(Permission.PROFILE)
def set_preferences() -> Response:
    """The choice made here stands in this browser too, before what its cookie said."""
    with redisplay(PAGE, lambda: profile()):
        command = bind(SetPreferences, request.form)
        with transaction() as session:
            preferences.set_preferences(session, signed_in(), command)
    flash(gettext("Your preferences are kept."))
    answer = _back()
    answer.set_cookie("lang", command.locale, max_age=YEAR_S, samesite="Lax", secure=request.is_secure)
    return answer


@bp.post("/sessions/ending")
@requires(Permission.PROFILE)
def end_other_sessions() -> Response:
    with transaction() as session:
        preferences.end_other_sessions(session, signed_in(), UUID(signed_in().details["session"]))
    flash(gettext("You are signed in at this browser only."))
    return _back()


@bp.post("/sessions/<session_id>/ending")
@requires(Permission.PROFILE)
def end_session(session_id: str) -> Response:
    with transaction() as session:
        sessions.end_own(session, signed_in(), session_id)
    return _back()


def profile() -> dict[str, Any]:
    actor = signed_in()
    assert actor.id is not None and actor.role is not None  # noqa: PT018
    known = preferences.time_zones()
    zones = known if actor.time_zone in known else (actor.time_zone, *known)
    return {"zones": [(name, name.replace("_", " ")) for name in zones], "locales": list(LANGUAGES.items()),
            "admissions": [(row.given_at, labels.admission(row.how, row.by_name))
                           for row in admissions.of_user(reader(), actor.id)],
            "waiting": approvals.waiting_for(reader(), "user", actor.id),
            "open_sessions": sessions.of_user(reader(), actor.id, actor.role), "here_id": actor.details["session"],
            "second_factor": shown(), "mail_is_on": mail.is_on(),
            "layout": f"{'admin' if actor.is_staff else actor.role}/layout.html", "request_id": g.request_id}


def _back() -> Response:
    return redirect(url_for("profile.index"), 303)  # type: ignore[return-value]
