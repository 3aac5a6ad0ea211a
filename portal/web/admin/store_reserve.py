"""What a shop waits for of its settled payins: the terms, since when, and what comes free on which day."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import queries
from portal.tariffs import reserve_terms
from portal.tariffs.commands import AskReserveTerms
from portal.treasury import reserve
from portal.web.admin.acts import act
from portal.web.admin.stores import bp
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

PAGE, SET = "admin/stores/reserve.html", "store.reserve_terms_set"


@bp.get("/<store_id>/reserve")
@requires(Permission.PARTY_READ)
def reserve_of(store_id: str) -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_store(store_id))


@bp.post("/<store_id>/reserve")
@requires(Permission.PARTY_MANAGE)
@once
def ask_reserve(store_id: str) -> Response:
    with act(PAGE, _store, store_id) as session:
        asked = reserve_terms.ask(session, signed_in(), bind(AskReserveTerms, request.form,
                                                             store_id=ids.parse("str", store_id)))
    flash(gettext("A second person decides. Until then the terms stay as they are.") if asked
          else gettext("These are the terms already."))
    return redirect(url_for(".reserve_of", store_id=store_id), 303)  # type: ignore[return-value]


def _store(store_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    store = queries.store(session, actor, store_id)
    return {"store": store, "terms": reserve_terms.of(session, store.id),
            "history": queries.history(session, actor, "store", store.id, action=SET),
            "waiting": approvals.waiting_for(session, "store", store.id, kind=reserve_terms.KIND),
            "coming": reserve.coming(session, store.id, store.settlement_currency, True)
            if actor.may(Permission.BALANCE_READ) else None}
