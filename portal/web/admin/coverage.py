"""Who could take an order of each size now, and what is asked for at this hour."""
from datetime import timedelta

from flask import Blueprint, Response, request

from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.orders.coverage import holes
from portal.orders.states import Direction
from portal.web.render import show

bp = Blueprint("admin_coverage", __name__, url_prefix="/admin/coverage")
LATELY = timedelta(days=2)


@bp.get("")
@requires(Permission.REQUISITE_READ)
def index() -> Response:
    session = reader()
    direction = Direction.PAYOUT if request.args.get("direction") == Direction.PAYOUT else Direction.PAYIN
    found = holes.sizes(session, direction)
    ended = holes.lately(session, direction, clock.now() - LATELY)
    return show("admin/coverage/index.html", methods=holes.by_method(found), direction=direction,
                open_holes=holes.of_now(session, direction), ended=ended, missing=sum(size.is_hole for size in found))
