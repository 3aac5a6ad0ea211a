"""The staff's shift log: come, go with what is open handed over, note; and what others wrote."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import cases, shift_log
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_shift_log", __name__, url_prefix="/admin/shift-log")
PAGE = "admin/shift_log/index.html"


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_log())


@bp.post("/beginning")
@requires(Permission.ADMIN_PORTAL)
@once
def begin() -> Response:
    with act(PAGE, _log) as session:
        shift_log.begin(session, signed_in())
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/notes")
@requires(Permission.ADMIN_PORTAL)
@once
def note() -> Response:
    with act(PAGE, _log) as session:
        shift_log.note(session, signed_in(), bind(shift_log.NoteShift, request.form))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/end")
@requires(Permission.ADMIN_PORTAL)
@once
def end() -> Response:
    with act(PAGE, _log) as session:
        handed = shift_log.end(session, signed_in(), bind(shift_log.EndStaffShift, request.form)).handed
    flash(gettext("Your shift has ended. Matters handed over: %(number)s.", number=handed))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _log() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    return {"page": shift_log.page(session, actor, cursor=request.args.get("after")),
            "on_shift": shift_log.on_shift(session, actor),
            "mine": len(cases.open_cases(session, actor, mine=True)),
            "colleagues": [(one.id, one.name) for one in shift_log.colleagues(session, actor)]}
