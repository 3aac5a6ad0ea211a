"""Old months: which are due for the archive, and which lie in their files alone. Moved by command, as the owner."""
from flask import Blueprint, Response, current_app

from portal.core import archived_months
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.history import months
from portal.web.render import show

bp = Blueprint("admin_history", __name__, url_prefix="/admin/history")


@bp.get("")
@requires(Permission.JOB_READ)
def index() -> Response:
    session, kept = reader(), current_app.extensions["settings"].history_months
    parts = months.parts(session, kept)
    return show("admin/history/index.html", kept=kept, oldest=months.due_before(kept), due=months.due(parts),
                by_month=months.by_month(parts), away=months.away(archived_months.detached(session)))
