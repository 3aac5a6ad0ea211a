"""Who does the transfers: the list, one with collateral, requisites, rewards and open orders; set going, suspended."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals, treasury
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.money import Money
from portal.orders.reading.trader_open import open_of_trader
from portal.parties import lists, onboarding, queries, trader_setup, traders
from portal.parties.commands import AskOnboarding, CreateTrader, EndShift, MoveTrader, SetTrader
from portal.requisites import queries as requisites
from portal.tariffs import change_requests
from portal.tariffs import queries as tariffs
from portal.tariffs.commands import AskReward
from portal.web import reference_choices
from portal.web.admin import settlement
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("admin_traders", __name__, url_prefix="/admin/traders")
ONE, NEW = "admin/traders/one.html", "admin/traders/new.html"
CLEAN: dict[str, Any] = {"error": None, "wrong": {}, "values": {}}


@bp.get("")
@requires(Permission.PARTY_READ)
def index() -> Response:
    session, actor = reader(), signed_in()
    filters = lists.Filters.of(request.args, statuses=lists.STATUSES["traders"], kinds=("on", "off"))
    page = lists.traders(session, actor, filters, cursor=request.args.get("after"))
    held = treasury.holdings(session, actor, "trader", treasury.settlement_of(page.rows))
    return show("admin/traders/index.html", page=page, filters=filters, held=held)


@bp.get("/new")
@requires(Permission.PARTY_MANAGE)
def new() -> Response:
    return show(NEW, **CLEAN, **_new())


@bp.post("")
@requires(Permission.PARTY_MANAGE)
@once
def create() -> Response:
    with redisplay(NEW, _new), transaction() as session:
        made = traders.create(session, signed_in(), bind(CreateTrader, request.form,
                                                         settlement_currency=settlement.chosen()))
    return _to(made.public_id)


@bp.get("/<trader_id>")
@requires(Permission.PARTY_READ)
def one(trader_id: str) -> Response:
    return show(ONE, **CLEAN, **_trader(trader_id))


@bp.post("/<trader_id>/onboarding")
@requires(Permission.PARTY_MANAGE)
@once
def ask(trader_id: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        onboarding.ask(session, signed_in(), bind(AskOnboarding, request.form, party="trader",
                                                  party_id=ids.parse("trd", trader_id)))
    return _to(trader_id)


@bp.post("/<trader_id>/deposits")
@requires(Permission.DEPOSIT_REQUEST)
@once
def ask_deposit(trader_id: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        treasury.ask(session, signed_in(), bind(
            treasury.AskDeposit, request.form, owner_kind="trader", owner_id=ids.parse("trd", trader_id),
            currency=queries.trader(session, signed_in(), trader_id).settlement_currency))
    return _to(trader_id)


@bp.post("/<trader_id>/rewards")
@requires(Permission.PARTY_MANAGE)
@once
def ask_reward(trader_id: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        asked = bind(AskReward, request.form, trader_id=ids.parse("trd", trader_id))
        change_requests.ask_reward(session, signed_in(), asked)
    return _to(trader_id)


@bp.post("/<trader_id>/setup")
@requires(Permission.PARTY_MANAGE)
@once
def set_up(trader_id: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        waits = trader_setup.set_up(session, signed_in(), bind(SetTrader, request.form,
                                                               trader_id=ids.parse("trd", trader_id)))
    flash(gettext("Saved. The higher limit waits for a second person.") if waits else gettext("Saved."))
    return _to(trader_id)


@bp.post("/<trader_id>/shift-end")
@requires(Permission.SHIFT_MANAGE)
def end_shift(trader_id: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        onboarding.end_shift(session, signed_in(), bind(EndShift, request.form, trader_id=ids.parse("trd", trader_id)))
    return _to(trader_id)


@bp.post("/<trader_id>/suspension")
@requires(Permission.PARTY_MANAGE)
def suspend(trader_id: str) -> Response:
    return _moved(trader_id, "suspended")


@bp.post("/<trader_id>/resumption")
@requires(Permission.PARTY_MANAGE)
def resume(trader_id: str) -> Response:
    return _moved(trader_id, "active")


def _moved(trader_id: str, status: str) -> Response:
    with act(ONE, _trader, trader_id) as session:
        onboarding.move_trader(session, signed_in(), bind(MoveTrader, request.form, status=status,
                                                          trader_id=ids.parse("trd", trader_id)))
    return _to(trader_id)


def _new() -> dict[str, Any]:
    return {"settlements": settlement.choices()}


def _to(trader_id: str) -> Response:
    return redirect(url_for(".one", trader_id=trader_id), 303)  # type: ignore[return-value]


def _trader(trader_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    trader = queries.trader(session, actor, trader_id)
    return {
        "trader": trader, "seen": trader_setup.seen(trader), "Money": Money,
        "rewards": tariffs.rewards_of(session, trader.id),
        "methods": reference_choices.methods(), "currency_choices": reference_choices.fiat(),
        "held": treasury.holdings(session, actor, "trader", treasury.settlement_of([trader])).get(trader.id),
        "requisites": requisites.page(session, actor, trader_id=trader.id, robots=True).rows,
        "used": requisites.used, "open_orders": open_of_trader(session, actor, trader.id),
        "people": lists.people_of(session, actor, trader_id=trader.id),
        "waiting": approvals.waiting_for(session, "trader", trader.id),
        "history": queries.history(session, actor, "trader", trader.id)}
