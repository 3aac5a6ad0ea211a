"""Who could take an order of each size now, and what is asked for at this hour."""
from datetime import timedelta

from flask import Blueprint, Response

from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.orders.coverage import holes
from portal.web.render import show

bp = Blueprint("admin_coverage", __name__, url_prefix="/admin/coverage")
LATELY = timedelta(days=2)


@bp.get("")
@requires(Permission.REQUISITE_READ)
def index() -> Response:
    session = reader()
    found = holes.sizes(session)
    ended = holes.lately(session, clock.now() - LATELY)
    return show("admin/coverage/index.html", methods=holes.by_method(found), open_holes=holes.of_now(session),
                ended=ended, missing=sum(size.is_hole for size in found))
