"""Lists (deny, allow, classes of customers): who stands on them, why, until when; looked up in any spelling."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.orders import queries as orders
from portal.risk import journal, lists
from portal.risk.commands import AddEntry, RemoveEntry
from portal.web import risk_labels as words
from portal.web.admin.acts import act
from portal.web.admin.risk_rules import store_names, tabs
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_risk_lists", __name__, url_prefix="/admin/risk/lists")
PAGE = "admin/risk/lists.html"


@bp.get("")
@requires(Permission.RISK_READ)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values=_about(request.args.get("order")), **_lists())


@bp.post("")
@requires(Permission.RISK_MANAGE)
@once
def add() -> Response:
    with act(PAGE, _lists) as session:
        entry = lists.add(session, signed_in(), bind(AddEntry, request.form))
        waits = entry.waits
    flash(gettext("A second person decides. Until then the entry does not hold.") if waits
          else gettext("The entry holds from now on."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/<entry_id>/removal")
@requires(Permission.RISK_MANAGE)
def remove(entry_id: str) -> Response:
    with act(PAGE, _lists) as session:
        gone = lists.remove(session, signed_in(), bind(RemoveEntry, request.form, entry_id=entry_id))
    flash(gettext("The entry is removed.") if gone else gettext("A second person decides. Until then the entry holds."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _about(order_id: str | None) -> dict[str, str]:
    """From an order's page: its customer, to be given a class. Raises NotFound."""
    if not order_id:
        return {}
    order = orders.find(reader(), signed_in(), order_id)
    return {"verdict": "class", "kind": "customer", "value": order.customer_id or "", "store_id": order.store.public_id}


def _lists() -> dict[str, Any]:
    session = reader()
    verdict = request.args.get("list") if request.args.get("list") in words.LISTS else None
    page = lists.page(session, verdict=verdict, sought=request.args.get("q", "")[:200] or None,
                      cursor=request.args.get("after"))
    return {"tabs": tabs("lists"), "page": page, "verdict": verdict, "stores": store_names(),
            "lately": journal.lately(session, [entry.id for entry in page.rows]),
            "kinds": words.pairs(words.ENTRIES), "lists": words.pairs(words.LISTS)}
