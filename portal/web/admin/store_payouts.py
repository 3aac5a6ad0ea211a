"""How a shop's payouts go: clocks, who agrees that the money came, what one person may send alone; since when."""
from typing import Any

from flask import Response, redirect, request, url_for

from portal import approvals
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.audit import AuditRow
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import queries
from portal.tariffs import payout_terms
from portal.tariffs.commands import SetPayoutTerms
from portal.web.admin.acts import act
from portal.web.admin.stores import bp
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

PAGE, SET = "admin/stores/payouts.html", "store.payout_terms_set"


@bp.get("/<store_id>/payouts")
@requires(Permission.PARTY_READ)
def payout_terms_of(store_id: str) -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_store(store_id))


@bp.post("/<store_id>/payouts")
@requires(Permission.PARTY_MANAGE)
@once
def set_payout_terms(store_id: str) -> Response:
    with act(PAGE, _store, store_id) as session:
        payout_terms.set_it(session, signed_in(), bind(SetPayoutTerms, request.form,
                                                       store_id=ids.parse("str", store_id)))
    return redirect(url_for(".payout_terms_of", store_id=store_id), 303)  # type: ignore[return-value]


def _store(store_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    store = queries.store(session, actor, store_id)
    history = queries.history(session, actor, "store", store.id, action=SET)
    return {"store": store, "history": [(row, _changes(row)) for row in history],
            "waiting": [one for one in approvals.waiting_for(session, "store", store.id)
                        if one.kind == payout_terms.KIND],
            "currency": {"currency": store.settlement_currency}}


def _changes(row: AuditRow) -> list[tuple[str, Any, Any]]:
    """(what, before, after) of what was changed."""
    before, after = row.before or {}, row.after or {}
    return [(name, before.get(name), after[name]) for name in payout_terms.TERMS
            if name in after and before.get(name) != after[name]]
