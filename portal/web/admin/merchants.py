"""Companies that sell: the list, one with its stores, people and balances; taken on, set going, suspended."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals, treasury
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.parties import lists, merchants, onboarding, queries, stores
from portal.parties.commands import AskOnboarding, CreateMerchant, CreateStore, MoveMerchant
from portal.web.admin import settlement
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show
from portal.webhooks.listing import endpoints_of_stores

bp = Blueprint("admin_merchants", __name__, url_prefix="/admin/merchants")
ONE, NEW, NEW_STORE = "admin/merchants/one.html", "admin/merchants/new.html", "admin/merchants/new_store.html"
CLEAN: dict[str, Any] = {"error": None, "wrong": {}, "values": {}}


@bp.get("")
@requires(Permission.PARTY_READ)
def index() -> Response:
    session, actor = reader(), signed_in()
    filters = lists.Filters.of(request.args, statuses=lists.STATUSES["merchants"])
    page = lists.merchants(session, actor, filters, cursor=request.args.get("after"))
    shops = lists.stores_of(session, actor, [merchant.id for merchant in page.rows])
    held = treasury.holdings(session, actor, "store", treasury.settlement_of(
        shop for of_one in shops.values() for shop in of_one))
    return show("admin/merchants/index.html", page=page, filters=filters, shops=shops, held=held)


@bp.get("/new")
@requires(Permission.PARTY_MANAGE)
def new() -> Response:
    return show(NEW, **CLEAN)


@bp.post("")
@requires(Permission.PARTY_MANAGE)
@once
def create() -> Response:
    with redisplay(NEW), transaction() as session:
        made = merchants.create(session, signed_in(), bind(CreateMerchant, request.form))
    return _to(made.public_id)


@bp.get("/<merchant_id>")
@requires(Permission.PARTY_READ)
def one(merchant_id: str) -> Response:
    return show(ONE, **CLEAN, **_merchant(merchant_id))


@bp.post("/<merchant_id>/onboarding")
@requires(Permission.PARTY_MANAGE)
@once
def ask(merchant_id: str) -> Response:
    with act(ONE, _merchant, merchant_id) as session:
        onboarding.ask(session, signed_in(), bind(AskOnboarding, request.form, party="merchant",
                                                  party_id=ids.parse("mrc", merchant_id)))
    return _to(merchant_id)


@bp.post("/<merchant_id>/suspension")
@requires(Permission.PARTY_MANAGE)
def suspend(merchant_id: str) -> Response:
    return _moved(merchant_id, "suspended")


@bp.post("/<merchant_id>/resumption")
@requires(Permission.PARTY_MANAGE)
def resume(merchant_id: str) -> Response:
    return _moved(merchant_id, "active")


@bp.get("/<merchant_id>/stores/new")
@requires(Permission.PARTY_MANAGE)
def new_store(merchant_id: str) -> Response:
    return show(NEW_STORE, **CLEAN, **_of(merchant_id))


@bp.post("/<merchant_id>/stores")
@requires(Permission.PARTY_MANAGE)
@once
def create_store(merchant_id: str) -> Response:
    merchant = queries.merchant(reader(), signed_in(), merchant_id)
    with redisplay(NEW_STORE, lambda: _of(merchant_id)), transaction() as session:
        made = stores.create(session, signed_in(), bind(CreateStore, request.form, merchant_id=merchant.id,
                                                        settlement_currency=settlement.chosen(), currencies=(),
                                                        return_hosts=()))
    return redirect(url_for("admin_stores.one", store_id=made.public_id), 303)  # type: ignore[return-value]


def _of(merchant_id: str) -> dict[str, Any]:
    return {"merchant": queries.merchant(reader(), signed_in(), merchant_id), "settlements": settlement.choices()}


def _moved(merchant_id: str, status: str) -> Response:
    with act(ONE, _merchant, merchant_id) as session:
        onboarding.move_merchant(session, signed_in(), bind(MoveMerchant, request.form, status=status,
                                                            merchant_id=ids.parse("mrc", merchant_id)))
    return _to(merchant_id)


def _to(merchant_id: str) -> Response:
    return redirect(url_for(".one", merchant_id=merchant_id), 303)  # type: ignore[return-value]


def _merchant(merchant_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    merchant = queries.merchant(session, actor, merchant_id)
    shops = lists.stores_of(session, actor, [merchant.id]).get(merchant.id, [])
    of_shops = [shop.id for shop in shops]
    keys = lists.keys_of(session, actor, of_shops) if actor.may(Permission.KEY_READ) else []
    return {"merchant": merchant, "shops": shops, "keys": keys,
            "held": treasury.holdings(session, actor, "store", treasury.settlement_of(shops)),
            "people": lists.people_of(session, actor, merchant_id=merchant.id),
            "endpoints": endpoints_of_stores(session, actor, of_shops),
            "waiting": approvals.waiting_for(session, "merchant", merchant.id),
            "history": queries.history(session, actor, "merchant", merchant.id)}
