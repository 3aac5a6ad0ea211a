"""Proofs of the books and of the audit: the last of each sort, what they found wrong, and who has looked at it."""
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import ids, jobs, seals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.ledger import findings, proofs
from portal.ledger.findings import Finding, LookAtFinding
from portal.orders.models import Order
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_proof", __name__, url_prefix="/admin/proof")
PAGE = "admin/proof/index.html"


@bp.get("")
@requires(Permission.LEDGER_READ)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_context())


@bp.post("/run")
@requires(Permission.LEDGER_READ)
@once
def run() -> Response:
    with transaction() as session:
        for kind in (proofs.WHOLE, proofs.AUDIT_JOB):
            jobs.enqueue(session, kind, key="asked")
    flash(gettext("The whole books and the audit are being proved. The result stands here in a minute."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/observations")
@requires(Permission.LEDGER_READ)
@once
def look() -> Response:
    with act(PAGE, _context) as session:
        findings.look_at(session, signed_in(), bind(LookAtFinding, request.form))
    flash(gettext("Noted. It stands until a proof finds it no more."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _context() -> dict[str, Any]:
    session = reader()
    standing = findings.standing(session)
    return {"standing": [(finding, _page_of(session, finding)) for finding in standing],
            "settled": findings.settled(session), "seal": seals.state(session),
            "proofs": [(scope, proofs.last(session, scope)) for scope in ("full", "changed", "audit")]}


def _page_of(session: Session, finding: Finding) -> str | None:
    """Where one sees what it is about; None where no page shows it."""
    noun, _, id = finding.subject.partition(" ")
    match noun:
        case "account" if id.isdigit():
            return url_for("admin_ledger.account", account_id=int(id))
        case "entry" if id.isdigit():
            return url_for("admin_ledger.entry", entry_id=int(id))
        case "store":
            return url_for("admin_stores.one", store_id=ids.public("str", UUID(id)))
        case "trader":
            return url_for("admin_traders.one", trader_id=ids.public("trd", UUID(id)))
    order = session.scalar(select(Order).where(Order.id == UUID(id))) if noun == "order" else None
    return url_for("admin_orders.one", order_id=order.public_id) if order is not None else None
