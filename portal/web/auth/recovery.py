"""A forgotten password, by mail; and another e-mail address, to which both addresses agree."""
from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from pydantic import SecretStr

from portal import mail
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import Invalid, NotFound, PortalError, Rejected, TooMany
from portal.core.names import email_sought
from portal.parties import login_throttle, mail_links, recovery_asks
from portal.parties.mail_links import ChangeEmail, DeadLink
from portal.web import mails, step_up
from portal.web.auth.profile import PAGE, profile
from portal.web.identity import browser, current_actor, signed_in
from portal.web.refused_forms import sentences
from portal.web.render import redisplay

bp = Blueprint("recovery", __name__)


@bp.get("/recovery")
def ask() -> Response:
    return _page("auth/recovery.html", sent=False, error=None)


@bp.post("/recovery")
def send_link() -> Response:
    """The same answer after the same work for everybody: who has an account here is looked up later."""
    if not mail.is_on():
        raise NotFound()
    email = email_sought(request.form.get("email", ""))[:254]
    try:
        step_up.count(login_throttle.Guess.at_recovery(email, request.remote_addr))
    except TooMany as error:
        return _page("auth/recovery.html", sent=False, error=error, status=429)
    if "\x00" not in email:  # which nobody's has, and no database can look for
        with transaction() as session:
            recovery_asks.take_down(session, email, mails.recovery(), address=request.remote_addr)
    return _page("auth/recovery.html", sent=True, error=None)


@bp.get("/recovery/<token>")
def choose(token: str) -> Response:
    try:
        user = mail_links.recoverable(reader(), token, actor=current_actor())
    except DeadLink as error:
        return _page("auth/dead_link.html", error=error, status=409)
    return _page("auth/new_password.html", error=None, wrong={}, token=token, email=user.email,
                 factor=user.factor_since is not None)


@bp.post("/recovery/<token>")
def set_password(token: str) -> Response:
    """Nobody is signed in by it, and whoever was is out."""
    try:
        with transaction() as session:
            user = mail_links.recover(session, token, SecretStr(request.form.get("password", "")),
                                      actor=current_actor())
            mails.password_changed(session, user.email, user.locale)
    except Invalid as error:
        user = mail_links.recoverable(reader(), token, actor=current_actor())
        return _page("auth/new_password.html", error=error, wrong=sentences(error), token=token, email=user.email,
                     factor=user.factor_since is not None, status=422)
    except DeadLink as error:
        return _page("auth/dead_link.html", error=error, status=409)
    browser().forget()
    flash(gettext("Your password is changed. Sign in with it."))
    return redirect(url_for("auth.login"), 303)  # type: ignore[return-value]


@bp.post("/profile/email")
@requires(Permission.PROFILE, step_up=True)
def change_email() -> Response:
    if not mail.is_on():
        raise NotFound()
    with redisplay(PAGE, profile):
        command = bind(ChangeEmail, request.form)
        with transaction() as session:
            for letter in mail_links.ask_change(session, signed_in(), command):
                mails.address_change(session, letter, command.email)
    flash(gettext("Both addresses have a mail from us now. Open the link in each within a day."))
    return redirect(url_for("profile.index"), 303)  # type: ignore[return-value]


@bp.get("/email/<token>")
def agree(token: str) -> Response:
    """A page with a button: what looks into mails for people opens links, but sends no forms."""
    try:
        with transaction() as session:
            found = mail_links.change_of(session, token)
            old, new = found.old_email, found.new_email
    except DeadLink as error:
        return _page("auth/dead_link.html", error=error, status=409)
    return _page("auth/email_change.html", token=token, old=old, new=new)


@bp.post("/email/<token>")
def prove_address(token: str) -> Response:
    try:
        with transaction() as session:
            done = mail_links.prove_address(session, token)
    except (Rejected, PortalError) as error:
        return _page("auth/dead_link.html", error=error, status=409)
    flash(gettext("Your e-mail address is changed. Sign in with it.") if done
          else gettext("Thank you. The other address has to agree, too."))
    return redirect(url_for("auth.landing"), 303)  # type: ignore[return-value]


def _page(template: str, *, status: int = 200, **context: object) -> Response:
    response = make_response(render_template(template, on=mail.is_on(), **context), status)
    if isinstance(error := context.get("error"), TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
