"""Maintenance of banks that recurs: what is planned, a new window, one removed. In the operator's time."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.reference import windows
from portal.requisites.hours import clock_face
from portal.web import reference_choices
from portal.web.admin.acts import act
from portal.web.badges import N_
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_bank_windows", __name__, url_prefix="/admin/reference/bank-windows")
PAGE = "admin/reference/windows.html"
DAYS = ((1, N_("Monday")), (2, N_("Tuesday")), (3, N_("Wednesday")), (4, N_("Thursday")), (5, N_("Friday")),
        (6, N_("Saturday")), (7, N_("Sunday")))


@bp.get("")
@requires(Permission.REFERENCE_READ)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_windows())


@bp.post("")
@requires(Permission.DESK_PAUSE)
@once
def add() -> Response:
    with act(PAGE, _windows) as session:
        windows.add(session, signed_in(), bind(windows.AddWindow, request.form,
                                               days=tuple(request.form.getlist("days"))))
    flash(gettext("The window is added; its next time is planned."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/<window_id>/removal")
@requires(Permission.DESK_PAUSE)
@once
def remove(window_id: str) -> Response:
    with act(PAGE, _windows) as session:
        windows.remove(session, signed_in(), bind(windows.RemoveWindow, request.form, window_id=window_id))
    flash(gettext("The window is removed; what was planned is called off."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _windows() -> dict[str, Any]:
    session = reader()
    days = [(number, gettext(name)) for number, name in DAYS]
    return {"windows": windows.windows(session), "planned": windows.planned(session), "days": days,
            "called": dict(days), "zone": clock.zone_name(), "clock_face": clock_face,
            "banks": reference_choices.banks()}
