"""Personal data: one customer's, exported and erased; legal holds; how long what is kept; and who looked."""
import json
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids, retention
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.parties.queries import store_names
from portal.privacy import customers, holds, reveals
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_privacy", __name__, url_prefix="/admin/privacy")
PAGE = "admin/privacy/index.html"


@bp.get("")
@requires(Permission.PRIVACY_MANAGE)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_page())


@bp.get("/customer.json")
@requires(Permission.PRIVACY_MANAGE, step_up=True)
def export() -> Response:
    with transaction() as session:
        found = customers.export(session, signed_in(), request.args.get("store_id", ""),
                                 request.args.get("customer_id", ""))
    answer = Response(json.dumps(found, ensure_ascii=False, indent=1, default=str), content_type="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="customer.json"'
    return answer


@bp.post("/erasures")
@requires(Permission.PRIVACY_MANAGE, step_up=True)
@once
def erase() -> Response:
    with act(PAGE, _page) as session:
        asked = customers.ask_erasure(session, signed_in(), bind(customers.Erase, request.form))
        approval_id = asked.public_id
    return redirect(url_for("admin_approvals.one", approval_id=approval_id), 303)  # type: ignore[return-value]


@bp.post("/holds")
@requires(Permission.PRIVACY_MANAGE)
@once
def put_on_hold() -> Response:
    with act(PAGE, _page) as session:
        holds.put(session, signed_in(), bind(holds.PutOnHold, request.form))
    flash(gettext("Nothing of it is purged or erased while the hold stands."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/holds/<hold_id>/lifting")
@requires(Permission.PRIVACY_MANAGE)
def lift(hold_id: str) -> Response:
    with act(PAGE, _page) as session:
        holds.lift(session, signed_in(), bind(holds.LiftHold, request.form, hold_id=hold_id))
    flash(gettext("The hold is lifted."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.get("/reveals")
@requires(Permission.AUDIT_READ)
def looked() -> Response:
    session, actor, who = reader(), signed_in(), request.args.get("who") or None
    return show("admin/privacy/reveals.html", people=reveals.people(session, actor), who=who,
                page=reveals.page(session, actor, who=who, cursor=request.args.get("after")))


def _page() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    store_id, customer_id = (request.values.get(name, "")[:200] for name in ("store_id", "customer_id"))
    known = None
    if store_id and customer_id:
        try:
            known = customers.find(session, actor, store_id, customer_id)
        except NotFound:
            known = None
    return {"known": known, "sought": bool(customer_id), "store_id": store_id, "customer_id": customer_id,
            "holds": holds.page(session), "stores": _stores(),
            "kept": [(kind, retention.days(kind)) for kind in retention.KINDS]}


def _stores() -> list[tuple[str, str]]:
    return [(ids.public("str", id), name) for id, name in store_names(reader(), signed_in())]
