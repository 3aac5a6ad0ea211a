"""The staff's first page: what needs a person, whether the machinery moves, how the last quarter of an hour went."""
from flask import Blueprint, Response, current_app

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.jobs import desk as job_desk
from portal.core.jobs.pulse import pulses
from portal.demo import simulator
from portal.ledger import proofs
from portal.orders import first_hour, health
from portal.orders.watch import look
from portal.parties import cases
from portal.reference import board
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
                on=cases.of(session, "order", [order.id for order in watch.attention]),
                kinds=job_desk.by_kind(session), pulses=pulses(session), rates=board.present(session),
                proof=proofs.last(session), first=first_hour.unfinished(session), health=health.lately(session),
                redis=redis_answers(),
                simulating=simulator.is_on(session) if "admin_demo" in current_app.blueprints else None)
