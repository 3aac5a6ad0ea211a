"""Templates of replies and of grounds: all of them, one to be changed, a new one. In both languages."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.help import replies
from portal.help.commands import SetReply
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_replies", __name__, url_prefix="/admin/replies")
ONE, NEW = "admin/help/reply.html", "admin/help/replies.html"


@bp.get("")
@requires(Permission.DISPUTE_OPEN)
def index() -> Response:
    return show(NEW, error=None, wrong={}, values={}, **_all())


@bp.post("")
@requires(Permission.PARTY_MANAGE)
@once
def add() -> Response:
    with act(NEW, _all) as session:
        replies.set_reply(session, signed_in(), bind(SetReply, request.form, reply_id=None, active=True))
    flash(gettext("The template is there to be used."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.get("/<reply_id>")
@requires(Permission.DISPUTE_OPEN)
def one(reply_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_one(reply_id))


@bp.post("/<reply_id>")
@requires(Permission.PARTY_MANAGE)
@once
def change(reply_id: str) -> Response:
    with act(ONE, _one, reply_id) as session:
        replies.set_reply(session, signed_in(), bind(SetReply, request.form, reply_id=reply_id))
    flash(gettext("Saved."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _all() -> dict[str, Any]:
    return {"replies": replies.all_of(reader(), signed_in())}


def _one(reply_id: str) -> dict[str, Any]:
    return {"reply": replies.find(reader(), signed_in(), reply_id)}
