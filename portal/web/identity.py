"""Who sits at the browser: Flask-Login over rows of sessions; from it the `Actor` that services are given."""
from ipaddress import ip_address, ip_network
from typing import cast

import flask
from flask import Flask, Response, current_app, flash, g, request
from flask_babel import gettext
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_user,
    logout_user,
)

from portal.core.access import Actor, ActorKind, Permission, Role
from portal.core.db import reader, transaction
from portal.live_settings import signing_keys
from portal.parties import passwords, sessions
from portal.parties.sessions import SignedIn
from portal.settings import Settings
from portal.web.badges import N_
from portal.web.sessions import PortalSession, RowSessions

P = Permission
MOVES_MONEY = frozenset({P.PAYOUT_CREATE, P.WITHDRAWAL_REQUEST, P.TRANSFER_CREATE, P.KEY_MANAGE, P.WEBHOOK_MANAGE})


class Visitor(UserMixin):  # type: ignore[misc]
    """Flask-Login's idea of a user."""

    def __init__(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in

    def get_id(self) -> str:
        return str(self.signed_in.user_id)


class _Logins(LoginManager):  # type: ignore[misc]
    def _update_remember_cookie(self, response: Response) -> Response:
        """There is no remember-me: sessions end when security says so. And files need no session read."""
        return response


def register(app: Flask, settings: Settings) -> None:
    app.session_interface = RowSessions(secret_keys=signing_keys(settings), https=settings.https)
    logins = _Logins()
    logins.session_protection = None  # a phone changes its address; the token is what counts
    logins.init_app(app, add_context_processor=False)
    logins.user_loader(_load_user)
    passwords.prepare()


def load_actor() -> Actor | None:
    """From the session's row, once a request: `limits` calls it first of all and keeps the answer in `g.actor`."""
    visitor = current_user._get_current_object()
    if not isinstance(visitor, Visitor):
        return None
    found = visitor.signed_in
    return Actor(
        kind=ActorKind.USER, id=found.user_id, role=found.role, name=found.email,
        permissions=frozenset({P.PROFILE}) if found.is_half else found.permissions,
        merchant_id=found.merchant_id, trader_id=found.trader_id, address=request.remote_addr,
        request_id=g.get("request_id"), locale=found.locale, time_zone=found.time_zone,
        details={"session": str(found.session_id), **{name: "yes" for name, said in _still_to_do(found) if said}})


def _still_to_do(found: SignedIn) -> list[tuple[str, bool]]:
    settings: Settings = current_app.extensions["settings"]
    return [("must_choose", found.must_choose), ("factor", found.has_factor), ("half", found.is_half),
            ("elsewhere", found.role in sessions.STAFF and not found.break_glass and _is_elsewhere(settings)),
            ("must_enrol", settings.second_factor_required and not found.has_factor and needs_factor(found))]


def _is_elsewhere(settings: Settings) -> bool:
    """Not in the networks that staff work from."""
    if not settings.staff_networks:
        return False
    try:
        here = ip_address(request.remote_addr or "")
    except ValueError:
        return True
    return not any(here in ip_network(network) for network in settings.staff_networks)


def needs_factor(found: SignedIn) -> bool:
    """Staff, traders, and whoever of a merchant moves money, holds keys or says where they may go."""
    return found.role is not Role.MERCHANT or not found.permissions.isdisjoint(MOVES_MONEY)


def current_actor() -> Actor | None:
    """Who asks, or None for a stranger."""
    return cast("Actor | None", g.get("actor"))


def signed_in() -> Actor:
    """Who asks, on a page that the guard keeps strangers from."""
    actor = current_actor()
    assert actor is not None, "the guard lets no stranger in here"
    return actor


def browser() -> PortalSession:
    """The session of this request, as what it is."""
    return cast(PortalSession, cast(object, flask.session)._get_current_object())  # type: ignore[attr-defined]


def enter(token: str) -> None:
    """This browser carries a new session from now on; the old one of its cookie ends."""
    session = browser()
    before = session.signed_in if session.was_read else None
    if before is not None:
        with transaction() as database:
            sessions.end(database, _of(before), before.session_id, because="replaced")
    session.begin(token)
    assert "_user_id" in session, "a session begins with its user"
    assert session.signed_in is not None
    login_user(Visitor(session.signed_in))
    g.actor = load_actor()


def leave() -> None:
    """Sign out: the row ends at once, for every process."""
    session, actor = browser(), current_actor()
    if session.signed_in is not None and actor is not None:
        with transaction() as database:
            sessions.end(database, actor, session.signed_in.session_id, because="signed_out")
    logout_user()
    session.forget()
    g.actor = None


ENDED = {
    "too_many": N_("You were signed out here: you signed in elsewhere, and five browsers are the most."),
    "new_password": N_("You were signed out here: your password was changed."),
    "new_email": N_("You were signed out here: your e-mail address was changed."),
    "ended_by_owner": N_("You were signed out here, from another browser of yours."),
    "ended_by_staff": N_("You were signed out here by an administrator."),
    "second_factor": N_("You were signed out here: a second factor was set up from another browser of yours."),
    "factor_reset": N_("You were signed out here: your second factor was taken away."),
    "idle": N_("You were signed out here: nothing happened for a while."),
}


def say_why_out() -> None:
    """Somebody whose session ended is led to the sign-in page, which says why."""
    session = browser()
    if session.token is not None and session.stale_cookie:
        because = sessions.why_ended(reader(), session.token)
        if because in ENDED:
            flash(gettext(ENDED[because]))


def _of(found: SignedIn) -> Actor:
    return Actor(kind=ActorKind.USER, id=found.user_id, role=found.role, name=found.email,
                 address=request.remote_addr, request_id=g.get("request_id"))


def _load_user(user_id: str) -> Visitor | None:
    found = browser().signed_in
    return Visitor(found) if found is not None and str(found.user_id) == user_id else None
