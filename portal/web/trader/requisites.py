"""A trader's instruments: what each may take and has taken, why one gets no orders, new ones, other limits."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid
from portal.disputes import frozen as disputes_frozen
from portal.orders.reading import limits_effect, same_amount
from portal.parties import traders
from portal.requisites import freezing, hindrances, hours, limits, number_reveal, queries, service
from portal.requisites.commands import AddRequisite, MoveRequisite, SetLimits, ShowNumber
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import PREFIX
from portal.requisites.states import Status
from portal.web import freezes, holder_names, reference_choices
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("trader_requisites", __name__, url_prefix="/trader/requisites")
ONE, NEW = "trader/requisites/one.html", "trader/requisites/new.html"


@bp.get("")
@requires(Permission.REQUISITE_READ)
def index() -> Response:
    session, actor, wanted = reader(), signed_in(), _wanted()
    page = queries.page(session, actor, cursor=request.args.get("after"), status=wanted["status"],
                        method=wanted["method"], currency=wanted["currency"])
    trader = traders.own(session, actor)
    return show("trader/requisites/index.html", page=page, wanted=wanted, trader=trader, used=queries.used,
                holder_name=lambda one: holder_names.shown(one.holder),
                why_no_shift=traders.why_no_shift(trader), hindrances=hindrances.hindrances(session, trader, page.rows),
                **_choices())


@bp.get("/new")
@requires(Permission.REQUISITE_MANAGE)
def new() -> Response:
    """For one currency: its methods and its banks are offered."""
    return show(NEW, error=None, wrong={}, values={"payin": "yes", "open_orders_max": "5"},
                **_choices_for(request.args.get("currency")))


@bp.post("")
@requires(Permission.REQUISITE_MANAGE, step_up=True)
@once
def add() -> Response:
    with redisplay(NEW, lambda: _choices_for(request.form.get("currency"))):
        directions = {name: request.form.get(name) == "yes" for name in ("payin", "payout")}
        command = bind(AddRequisite, request.form, trader_id=None, **directions)
        with transaction() as session:
            made = service.add(session, signed_in(), command)
            public_id = made.public_id
    flash(gettext("The requisite waits for approval. It takes orders as soon as staff agree."))
    return _to(public_id)


@bp.get("/<requisite_id>")
@requires(Permission.REQUISITE_READ)
def one(requisite_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, number=None, **_requisite(requisite_id))


@bp.post("/<requisite_id>/number")
@requires(Permission.REQUISITE_READ, step_up=True)
def number(requisite_id: str) -> Response:
    """Shown in this answer only, for thirty seconds where there is a script."""
    with transaction() as session:
        full = number_reveal.reveal_to_owner(session, signed_in(), ShowNumber(requisite_id=requisite_id))
    return show(ONE, error=None, wrong={}, values={}, number=full, **_requisite(requisite_id))


@bp.post("/<requisite_id>/switch")
@requires(Permission.REQUISITE_MANAGE)
def switch(requisite_id: str) -> Response:
    """On or off, as the button said; where it stood so already, nothing happens."""
    on = request.form.get("on") == "yes"
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None), transaction() as session:
        status = queries.lock(session, signed_in(), ids.parse(PREFIX, requisite_id)).status
        if status != (Status.ACTIVE if on else Status.PAUSED):
            (service.resume if on else service.pause)(session, signed_in(), MoveRequisite(requisite_id=requisite_id))
    if request.args.get("back") == "list":
        return redirect(url_for(".index", _anchor=f"requisite-{requisite_id}"), 303)  # type: ignore[return-value]
    return _to(requisite_id)


@bp.post("/<requisite_id>/limits")
@requires(Permission.REQUISITE_MANAGE)
@once
def set_limits(requisite_id: str) -> Response:
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None):
        command = bind(SetLimits, request.form, requisite_id=requisite_id)
        with transaction() as session:
            waits = limits.set_limits(session, signed_in(), command)
    flash(gettext("Wider limits wait for approval; until then the present ones hold.") if waits else gettext(
        "The limits are set."))
    return _to(requisite_id)


@bp.post("/<requisite_id>/limits/trial")
@requires(Permission.REQUISITE_MANAGE)
def try_limits(requisite_id: str) -> Response:
    """What the limits in the form would have made of yesterday's orders; nothing is changed."""
    shown = _requisite(requisite_id)
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None):
        wanted = bind(SetLimits, request.form, requisite_id=requisite_id).columns(shown["requisite"].currency)
        shown["trial"] = limits_effect.effect(reader(), shown["requisite"], wanted)
    return show(ONE, error=None, wrong={}, values=request.form, number=None, **shown)


@bp.post("/<requisite_id>/hours")
@requires(Permission.REQUISITE_MANAGE)
def set_hours(requisite_id: str) -> Response:
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None):
        command = bind(hours.SetHours, request.form, requisite_id=requisite_id)
        with transaction() as session:
            hours.set_hours(session, signed_in(), command)
    return _to(requisite_id)


@bp.post("/<requisite_id>/freezing")
@requires(Permission.REQUISITE_MANAGE)
@once
def freeze(requisite_id: str) -> Response:
    """The bank froze it."""
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None), transaction() as session:
        disputes_frozen.freeze(session, signed_in(), bind(FreezeRequisite, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/stuck")
@requires(Permission.REQUISITE_MANAGE)
def say_stuck(requisite_id: str) -> Response:
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None), transaction() as session:
        freezing.say_stuck(session, signed_in(), bind(FreezeRequisite, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/archival")
@requires(Permission.REQUISITE_MANAGE)
def archive(requisite_id: str) -> Response:
    with redisplay(ONE, lambda: _requisite(requisite_id), number=None), transaction() as session:
        service.archive(session, signed_in(), MoveRequisite(requisite_id=requisite_id))
    flash(gettext("The requisite is archived. Its number may be offered again."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _wanted() -> dict[str, str | None]:
    """The filters of the address. Raises Invalid: an unknown value is said, never clamped."""
    known, sent = _choices(), request.args.get
    wanted = {name: sent(name) or None for name in ("status", "method", "currency")}
    allowed = {"status": set(Status), "method": dict(known["methods"]), "currency": dict(known["currencies"])}
    wrong = [FieldError(f"/{name}", f"unknown_{name}", "There is no such choice.")
             for name, value in wanted.items() if value is not None and value not in allowed[name]]
    if wrong:
        raise Invalid(fields=wrong)
    return wanted


def _to(requisite_id: str) -> Response:
    return redirect(url_for(".one", requisite_id=requisite_id), 303)  # type: ignore[return-value]


def _requisite(requisite_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    requisite = queries.find(session, actor, requisite_id)
    return {"requisite": requisite, "used": queries.used(requisite), "seen": limits.seen(requisite),
            "trial": None, **freezes.shown(requisite),
            "hours": {"begin": hours.clock_face(requisite.hours_from), "end": hours.clock_face(requisite.hours_to)},
            "resting": same_amount.resting_on(session, requisite),
            "waiting": approvals.waiting_for(session, "requisite", requisite.id, kind=limits.KIND),
            "hindrances": hindrances.hindrances(session, traders.own(session, actor), [requisite])[requisite.id]}


def _choices() -> dict[str, Any]:
    return {"methods": reference_choices.methods(), "banks": reference_choices.banks(),
            "currencies": reference_choices.fiat()}


def _choices_for(wanted: str | None) -> dict[str, Any]:
    """What there is for a currency; for roubles, or the first there is, where it is none on offer."""
    currencies = reference_choices.fiat()
    on_offer = dict(currencies)
    currency = next((code for code in (wanted, "RUB", *on_offer) if code in on_offer), None)
    return {"methods": reference_choices.methods(currency), "banks": reference_choices.banks(currency),
            "currencies": currencies, "currency": currency}
