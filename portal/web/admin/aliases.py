"""Addresses that others know pages by, leading to where they stand: they are in bookmarks and runbooks."""
from flask import Blueprint, Response, redirect, url_for

from portal.core.access import Permission, requires

bp = Blueprint("admin_aliases", __name__, url_prefix="/admin")


@bp.get("/switches")
@requires(Permission.ADMIN_PORTAL)
def switches() -> Response:
    return redirect(url_for("admin_pause.index"), 303)  # type: ignore[return-value]


@bp.get("/review")
@requires(Permission.RISK_READ)
def review() -> Response:
    return redirect(url_for("admin_risk_reviews.index"), 303)  # type: ignore[return-value]


@bp.get("/reconciliation")
@requires(Permission.LEDGER_READ)
def reconciliation() -> Response:
    """What the books and the audit were proved by, and the findings."""
    return redirect(url_for("admin_proof.index"), 303)  # type: ignore[return-value]
