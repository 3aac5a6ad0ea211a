"""Four eyes: what waits for a second person, with before and after, and the decision."""
from typing import Any

from flask import Blueprint, Response, request, url_for

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.web.identity import signed_in
from portal.web.render import done, redisplay, show

bp = Blueprint("admin_approvals", __name__, url_prefix="/admin/approvals")
STATES = ("pending", "approved", "rejected")


@bp.get("")
@requires(Permission.APPROVAL_READ)
def index() -> Response:
    return show("admin/approvals/index.html", **_page(), error=None)


@bp.post("/<approval_id>/decision")
@requires(Permission.APPROVAL_DECIDE)
def decide(approval_id: str) -> Response:
    with redisplay("admin/approvals/index.html", **_page()):
        command = bind(approvals.DecideApproval, request.form, approval_id=approval_id)
        with transaction() as session:
            approvals.decide(session, signed_in(), command)
    return done("admin/approvals/index.html", otherwise=url_for(".index"), **_page(), error=None)


def _page() -> dict[str, Any]:
    state = request.args.get("state", "pending")
    if state not in STATES:
        raise NotFound()
    page = approvals.page(reader(), signed_in(), state=state, cursor=request.args.get("after"))
    return {"page": page, "state": state}
