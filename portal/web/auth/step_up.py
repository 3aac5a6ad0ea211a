"""Where a page that is read, as a file is, gets its proof from: sent as a form, so that no address holds it."""
from flask import Blueprint, Response, redirect, request

from portal.core.access import Permission, requires
from portal.web import step_up
from portal.web.auth.arrival import landing_of, own_path

bp = Blueprint("step_up", __name__)


@bp.post("/step-up")
@requires(Permission.PROFILE)
def show() -> Response:
    path = own_path(request.form.get("reading")) or landing_of()
    return step_up.prove_for(path) or redirect(path, 303)  # type: ignore[return-value]
