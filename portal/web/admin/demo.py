"""The switch that lets simulated customers and traders work on a demo desk. Never registered in production."""
from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import audit
from portal.core.access import Permission, requires
from portal.core.db import transaction
from portal.demo import simulator
from portal.web.identity import signed_in

bp = Blueprint("admin_demo", __name__, url_prefix="/admin/demo")


@bp.post("/simulator")
@requires(Permission.JOB_MANAGE)
def switch() -> Response:
    on = request.form.get("on") == "yes"
    with transaction() as session:
        simulator.turn(session, on=on)
        audit.record(session, signed_in(), "simulator.switched", "simulator", "demo", after={"on": on})
    flash(gettext("Simulated customers and traders are at work.") if on else gettext("The simulator stands still."))
    return redirect(url_for("admin_desk.index"), 303)  # type: ignore[return-value]
