"""Work that died: why, and retry or drop. Both acts are audited."""
from typing import Any

from flask import Blueprint, Response, request, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader, transaction
from portal.core.jobs import desk
from portal.web.identity import signed_in
from portal.web.render import done, redisplay, show

bp = Blueprint("admin_jobs", __name__, url_prefix="/admin/jobs")
PAGE = 100


@bp.get("")
@requires(Permission.JOB_READ)
def index() -> Response:
    return show("admin/jobs/index.html", error=None, **_page())


@bp.post("/<int:job_id>/retry")
@requires(Permission.JOB_MANAGE)
def retry(job_id: int) -> Response:
    with redisplay("admin/jobs/index.html", **_page()), transaction() as session:
        desk.retry(session, signed_in(), job_id)
    return done("admin/jobs/index.html", otherwise=url_for(".index"), error=None, **_page())


@bp.post("/<int:job_id>/drop")
@requires(Permission.JOB_MANAGE)
def drop(job_id: int) -> Response:
    with redisplay("admin/jobs/index.html", **_page()), transaction() as session:
        desk.drop(session, signed_in(), job_id, reason="dropped on the page")
    return done("admin/jobs/index.html", otherwise=url_for(".index"), error=None, **_page())


def _page() -> dict[str, Any]:
    dead = request.args.get("state", "dead") == "dead"
    return {"jobs": desk.page(reader(), dead=dead, limit=PAGE), "dead": dead}
