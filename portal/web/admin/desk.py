"""The staff's first page: what waits for a person, and whether the machinery moves."""
from flask import Blueprint, Response

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.jobs import desk as job_desk
from portal.orders.watch import look
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_desk", __name__, url_prefix="/admin")


@bp.get("/")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    session = reader()
    return show("admin/desk/index.html", watch=look(session), queue=job_desk.lag(session),
                approvals_waiting=approvals.pending_count(session, signed_in()))
