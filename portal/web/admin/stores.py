"""A shop: what it takes, its clocks, its fees by version; other limits and fees by four eyes."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals, treasury
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.money import Money
from portal.parties import lists, queries, stores
from portal.parties.commands import MoveStore, SetStore
from portal.tariffs import above_fee, change_requests, store_limits
from portal.tariffs import queries as tariffs
from portal.tariffs.commands import AskFee, AskTerms, SetRewardAboveFee
from portal.web import reference_choices
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_stores", __name__, url_prefix="/admin/stores")
ONE = "admin/stores/one.html"


@bp.get("/<store_id>")
@requires(Permission.PARTY_READ)
def one(store_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_store(store_id))


@bp.post("/<store_id>/setup")
@requires(Permission.PARTY_MANAGE)
def set_up(store_id: str) -> Response:
    with act(ONE, _store, store_id) as session:
        hosts = tuple(request.form.get("return_hosts", "").replace(",", " ").split())
        stores.set_up(session, signed_in(), bind(SetStore, request.form, store_id=ids.parse("str", store_id),
                                                 return_hosts=hosts))
    return _to(store_id)


@bp.post("/<store_id>/terms")
@requires(Permission.PARTY_MANAGE)
@once
def ask_terms(store_id: str) -> Response:
    with act(ONE, _store, store_id) as session:
        store_limits.ask(session, signed_in(), bind(AskTerms, request.form, store_id=ids.parse("str", store_id),
                                             methods=tuple(request.form.getlist("methods"))))
    return _to(store_id)


@bp.post("/<store_id>/fees")
@requires(Permission.PARTY_MANAGE)
@once
def ask_fee(store_id: str) -> Response:
    with act(ONE, _store, store_id) as session:
        change_requests.ask_fee(session, signed_in(), bind(AskFee, request.form, store_id=ids.parse("str", store_id)))
    return _to(store_id)


@bp.post("/<store_id>/reward-above-fee")
@requires(Permission.PARTY_MANAGE)
@once
def set_reward_above_fee(store_id: str) -> Response:
    with act(ONE, _store, store_id) as session:
        above_fee.set_it(session, signed_in(), bind(SetRewardAboveFee, request.form,
                                                    store_id=ids.parse("str", store_id)))
    return _to(store_id)


@bp.post("/<store_id>/deposits")
@requires(Permission.DEPOSIT_REQUEST)
@once
def ask_deposit(store_id: str) -> Response:
    with act(ONE, _store, store_id) as session:
        treasury.ask(session, signed_in(), bind(
            treasury.AskDeposit, request.form, owner_kind="store", owner_id=ids.parse("str", store_id),
            currency=queries.store(session, signed_in(), store_id).settlement_currency))
    return _to(store_id)


@bp.post("/<store_id>/suspension")
@requires(Permission.PARTY_MANAGE)
def suspend(store_id: str) -> Response:
    return _moved(store_id, "suspended")


@bp.post("/<store_id>/resumption")
@requires(Permission.PARTY_MANAGE)
def resume(store_id: str) -> Response:
    return _moved(store_id, "active")


def _moved(store_id: str, status: str) -> Response:
    with act(ONE, _store, store_id) as session:
        stores.move(session, signed_in(), bind(MoveStore, request.form, status=status,
                                               store_id=ids.parse("str", store_id)))
    return _to(store_id)


def _to(store_id: str) -> Response:
    return redirect(url_for(".one", store_id=store_id), 303)  # type: ignore[return-value]


def _store(store_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    store = queries.store(session, actor, store_id)
    return {
        "store": store, "fees": tariffs.fees_of(session, store.id), "Money": Money,
        "held": treasury.holdings(session, actor, "store", treasury.settlement_of([store])).get(store.id),
        "keys": lists.keys_of(session, actor, [store.id]) if actor.may(Permission.KEY_READ) else [],
        "methods": reference_choices.methods(), "currencies": [code for code, _ in reference_choices.fiat()],
        "currency_choices": reference_choices.fiat(),
        "waiting": approvals.waiting_for(session, "store", store.id),
        "history": queries.history(session, actor, "store", store.id)}
