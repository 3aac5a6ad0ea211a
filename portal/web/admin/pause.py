"""The switch that stops taking orders for the whole desk, with a reason, a message and an end; and its banner."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.reference import pausing
from portal.web.admin.acts import act
from portal.web.badges import N_
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_pause", __name__, url_prefix="/admin/pause")
PAGE = "admin/pause/index.html"
LASTS = ((15, N_("15 minutes")), (30, N_("30 minutes")), (60, N_("1 hour")), (120, N_("2 hours")), (240, N_("4 hours")),
         (720, N_("12 hours")), (1440, N_("24 hours")))


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    """The page; for an open page that has heard of a change, only the banner."""
    return show(PAGE, fragment="shared/_paused.html", error=None, wrong={}, values={}, **_choices())


@bp.post("")
@requires(Permission.DESK_PAUSE)
@once
def begin() -> Response:
    with act(PAGE, _choices) as session:
        pausing.pause(session, signed_in(), bind(pausing.PauseDesk, request.form))
    flash(gettext("No new orders from now on. Open ones go on."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/end")
@requires(Permission.DESK_PAUSE)
@once
def end() -> Response:
    with act(PAGE, _choices) as session:
        pausing.resume(session, signed_in(), bind(pausing.ResumeDesk, request.form))
    flash(gettext("The desk takes orders again."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _choices() -> dict[str, Any]:
    return {"lasts": [(minutes, gettext(words)) for minutes, words in LASTS]}
