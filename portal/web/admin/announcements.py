"""Announcements: all of them with how many have read each, a new one, one with its readers, out of sight."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.notices import announcements
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_announcements", __name__, url_prefix="/admin/announcements")
ALL, ONE = "admin/announcements/index.html", "admin/announcements/one.html"


@bp.get("")
@requires(Permission.PARTY_READ)
def index() -> Response:
    return show(ALL, error=None, wrong={}, values={}, **_all())


@bp.post("")
@requires(Permission.PARTY_MANAGE)
@once
def announce() -> Response:
    with act(ALL, _all) as session:
        announcements.announce(session, signed_in(), bind(announcements.Announce, request.form))
    flash(gettext("Announced: it stands on their pages until each has read it."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.get("/<announcement_id>")
@requires(Permission.PARTY_READ)
def one(announcement_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_one(announcement_id))


@bp.post("/<announcement_id>/withdrawal")
@requires(Permission.PARTY_MANAGE)
@once
def withdraw(announcement_id: str) -> Response:
    with act(ONE, _one, announcement_id) as session:
        announcements.withdraw(session, signed_in(), announcement_id)
    flash(gettext("Nobody sees it any more."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _all() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    return {"found": announcements.all_of(session, actor), "read": announcements.read_counts(session, actor)}


def _one(announcement_id: str) -> dict[str, Any]:
    found, receipts = announcements.receipts(reader(), signed_in(), announcement_id)
    return {"announcement": found, "receipts": receipts}
