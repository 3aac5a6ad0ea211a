"""Work that died: why, and retry or drop. Both acts are audited. And what waits, by kind."""
from typing import Any

from flask import Blueprint, Response, request, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid
from portal.core.jobs import admin
from portal.core.jobs.liveness import liveness_by_kind
from portal.orders import dead_work
from portal.web.admin.cases import lines_of_jobs
from portal.web.identity import signed_in
from portal.web.render import done, redisplay, show

bp = Blueprint("admin_jobs", __name__, url_prefix="/admin/jobs")
PAGE = 100
REASON_MAX = 500
KIND_MAX = 64


@bp.get("")
@requires(Permission.JOB_READ)
def index() -> Response:
    return show("admin/jobs/index.html", error=None, wrong={}, values={}, **_page())


@bp.post("/<int:job_id>/retry")
@requires(Permission.JOB_MANAGE)
def retry(job_id: int) -> Response:
    with redisplay("admin/jobs/index.html", lambda: _page()), transaction() as session:
        dead_work.retry(session, signed_in(), job_id)
    return _back()


@bp.post("/<int:job_id>/drop")
@requires(Permission.JOB_MANAGE)
def drop(job_id: int) -> Response:
    with redisplay("admin/jobs/index.html", lambda: _page()):
        reason = _reason()
        with transaction() as session:
            dead_work.drop(session, signed_in(), job_id, reason=reason)
    return _back()


def _reason() -> str:
    """Dropped work is gone: the audit says why. Raises Invalid."""
    reason = request.form.get("reason", "").replace("\0", "").strip()[:REASON_MAX]
    if not reason:
        raise Invalid("Say why this work may be forgotten.",
                      fields=[FieldError("/reason", "missing", "Field required")])
    return reason


def _back() -> Response:
    return done("admin/jobs/index.html", otherwise=url_for(".index"), error=None, wrong={}, values={}, **_page())


def _page() -> dict[str, Any]:
    session = reader()
    dead, kind = request.args.get("state", "dead") == "dead", request.args.get("kind", "")[:KIND_MAX].replace("\0", "")
    jobs = admin.page(session, dead=dead, limit=PAGE, kind=kind or None)
    return {"jobs": jobs, "dead": dead, "kind": kind, **lines_of_jobs(jobs if dead else ()),
            "kinds": admin.by_kind(session), "pulses": liveness_by_kind(session)}
