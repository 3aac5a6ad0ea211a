"""The staff's first page: what needs a person, whether the machinery moves, how the last quarter of an hour went."""
from flask import Blueprint, Response, current_app

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.jobs import admin as job_desk
from portal.core.jobs.liveness import liveness_by_kind
from portal.demo import simulator
from portal.ledger import findings, proofs
from portal.orders.reading import conversion, first_hour
from portal.orders.reading.desk_queues import look
from portal.parties import cases
from portal.reference import rate_board
from portal.web.health import redis_answers
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_desk", __name__, url_prefix="/admin")


@bp.get("/")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    session, actor = reader(), signed_in()
    watch = look(session, actor)
    return show("admin/desk/index.html", fragment="admin/desk/_desk.html", watch=watch,
                on=cases.of(session, "order", [one.order_id for one in watch.attention]),
                kinds=job_desk.by_kind(session), pulses=liveness_by_kind(session), rates=rate_board.present(session),
                proof=proofs.last(session), findings=findings.standing(session, limit=1),
                first=first_hour.unfinished(session), health=conversion.lately(session),
                redis=redis_answers(),
                simulating=simulator.is_on(session) if "admin_demo" in current_app.blueprints else None)
