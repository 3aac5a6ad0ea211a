"""What may be open, and in dispute, with a trader, at a bank, of a store: all that is capped, and one with its form."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import queries as parties
from portal.requisites import caps
from portal.web import reference_choices
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_caps", __name__, url_prefix="/admin/caps")
ONE = "admin/caps/one.html"


@bp.get("")
@requires(Permission.REQUISITE_READ)
def index() -> Response:
    """A bank and a currency that were chosen lead to their own page."""
    bank, currency = request.args.get("bank"), request.args.get("currency")
    if bank and currency:
        return redirect(url_for(".one", scope="bank", target=f"{bank}:{currency}"), 303)  # type: ignore[return-value]
    return show("admin/caps/index.html", capped=caps.capped_now(reader(), signed_in()),
                banks=reference_choices.banks(), currencies=reference_choices.fiat())


@bp.get("/<scope>/<target>")
@requires(Permission.REQUISITE_READ)
def one(scope: str, target: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_one(scope, target))


@bp.post("/<scope>/<target>")
@requires(Permission.PARTY_MANAGE)
@once
def set_caps(scope: str, target: str) -> Response:
    with act(ONE, _one, scope, target) as session:
        waits = caps.set_caps(session, signed_in(), bind(caps.SetCaps, request.form, scope=scope, target=target))
    flash(gettext("Wider caps wait for a second person; until then the present ones hold.") if waits else gettext(
        "The caps are set."))
    return redirect(url_for(".one", scope=scope, target=target), 303)  # type: ignore[return-value]


def _one(scope: str, target: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    capped = caps.find(session, actor, scope, target)
    kind, id = caps.record_of(capped)
    return {"exposure": caps.exposure(session, capped), "seen": caps.seen(capped),
            "waiting": approvals.waiting_for(session, kind, id),
            "history": parties.history(session, actor, kind, id, action="caps.set")}
