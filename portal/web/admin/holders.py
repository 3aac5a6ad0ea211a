"""A person named on requisites: all of them, of every trader, and what they may take together."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals, reference
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.money import Money
from portal.parties import queries as parties
from portal.requisites import holders
from portal.requisites.commands import SetHolderLimits
from portal.web import holder_names
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_holders", __name__, url_prefix="/admin/holders")
ONE = "admin/holders/one.html"


@bp.get("/<holder_id>")
@requires(Permission.REQUISITE_READ)
def one(holder_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_holder(holder_id))


@bp.post("/<holder_id>/limits")
@requires(Permission.REQUISITE_MANAGE)
@once
def set_limits(holder_id: str) -> Response:
    with act(ONE, _holder, holder_id) as session:
        waits = holders.set_limits(session, signed_in(), bind(SetHolderLimits, request.form, holder_id=holder_id))
    flash(gettext("Wider limits wait for a second person; until then the present ones hold.") if waits else gettext(
        "The limits are set."))
    return redirect(url_for(".one", holder_id=holder_id), 303)  # type: ignore[return-value]


def _holder(holder_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    holder = holders.find(session, actor, holder_id)
    known = reference.snapshot(session)
    return {
        "holder": holder, "holder_id": holder_id, "seen": holders.seen(holder), "Money": Money,
        "name": holder_names.shown(holder),
        "used": holders.used(holder), "requisites": holders.requisites_of(session, actor, holder.id),
        "currencies": [(one.code, one.code) for one in known.currencies.values() if one.active and one.kind == "fiat"],
        "waiting": approvals.waiting_for(session, "holder", holder.id),
        "history": parties.history(session, actor, "holder", holder.id)}
