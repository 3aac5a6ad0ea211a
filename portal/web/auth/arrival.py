"""Somebody has come in, by password, second factor or passkey: where they land, and what they are told."""
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, flash, redirect, request

from portal import notices
from portal.approvals import admissions
from portal.core import clock
from portal.core.access import Role
from portal.core.db import transaction
from portal.parties import break_glass
from portal.web import devices, htmx, labels, mails, step_up
from portal.web.identity import signed_in

LANDINGS = {Role.MERCHANT: "/merchant/", Role.TRADER: "/trader/orders", Role.SUPPORT: "/admin/",
            Role.ADMIN: "/admin/"}
SET_UP = "/profile/second-factor/app"


def arrived(wanted: str | None, *, email: str, password_version: str) -> Response:
    """To the page they wanted or their own first one; this browser is known from now on."""
    answer = to(wanted or landing_of())
    if devices.known_for(email, password_version) is None:
        with transaction() as session:
            mails.new_browser(session, email=email)
            notices.notify(session, "account.new_device", notices.user(_own_id()), address=request.remote_addr,
                           browser=devices.browser_name(request.user_agent.string))
    with transaction() as session:
        for told in break_glass.alarm(session, signed_in()):
            mails.break_glass_used(session, told.email, told.locale, by=email)
    devices.remember(answer, email, password_version=password_version,
                     told=_tell_what_was_done(devices.told_until(email)))
    return answer


def to(url: str) -> Response:
    return htmx.redirect_to(url, 200) if htmx.wants_fragment() else redirect(url, 303)  # type: ignore[return-value]


def just_shown() -> dict[str, Any]:
    """What a session begun by a password starts with: it need not be shown again to set up a second factor."""
    return {step_up.KEPT: {f"GET {SET_UP}": clock.now().isoformat()}}


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
