"""Exchange rates: what counts now, how old it is, how it moved; and a rate set by hand, with a reason."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import reference
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.date_range import Days
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid, NotFound
from portal.reference import rate_board, rate_history, service
from portal.reference.cache import rate_max_age_s
from portal.reference.commands import SetRate
from portal.reference.quotes import MANUAL
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.rate_line import drawn
from portal.web.refused_forms import sentences
from portal.web.render import done, redisplay, show

bp = Blueprint("admin_rates", __name__, url_prefix="/admin/rates")
INDEX = "admin/rates/index.html"


@bp.get("")
@requires(Permission.REFERENCE_READ)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_board())


@bp.post("")
@requires(Permission.REFERENCE_MANAGE)
@once
def set_first() -> Response:
    """Of any two currencies that are switched on; without one no order of the pair can be priced."""
    with redisplay(INDEX, _board):
        command = bind(SetRate, request.form, source=MANUAL)
        if command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
        with transaction() as session:
            service.set_rate(session, signed_in(), command)
    return redirect(url_for(".one", pair=f"{command.base}-{command.quote}"), 303)  # type: ignore[return-value]


@bp.get("/<pair>")
@requires(Permission.REFERENCE_READ)
def one(pair: str) -> Response:
    return show("admin/rates/one.html", error=None, wrong={}, values={}, **_pair(pair))


@bp.post("/<pair>/manual")
@requires(Permission.REFERENCE_MANAGE)
@once
def set_by_hand(pair: str) -> Response:
    with redisplay("admin/rates/one.html", lambda: _pair(pair)):
        base, quote = _codes(pair)
        command = bind(SetRate, request.form, base=base, quote=quote, source=MANUAL)
        if command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
        with transaction() as session:
            service.set_rate(session, signed_in(), command)
    return done("admin/rates/one.html", otherwise=url_for(".one", pair=pair), error=None, wrong={}, values={},
                **_pair(pair))


def _board() -> dict[str, Any]:
    known = [one for one in reference.snapshot(reader()).currencies.values() if one.active]
    return {"rates": rate_board.present(reader()), "age_max_s": rate_max_age_s(),
            "bases": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "crypto")],
            "quotes": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "fiat")]}


def _codes(pair: str) -> tuple[str, str]:
    base, dash, quote = pair.partition("-")
    if not dash:
        raise NotFound()
    return base, quote


def _pair(pair: str) -> dict[str, Any]:
    session, (base, quote) = reader(), _codes(pair)
    line, (period, refused) = rate_board.line(session, base, quote), _period()
    found = rate_history.history(session, base, quote, period)
    return {"line": line, "history": found, "drawing": drawn(found), "age_max_s": rate_max_age_s(), "pair": pair,
            "typed": request.args, "refused": refused, "astray": sentences(refused) if refused else {}}


def _period() -> tuple[rate_history.Period, Invalid | None]:
    """What the address asks for; the last day, and why, where that is no period. Raises NotFound."""
    if span := request.args.get("span"):
        return rate_history.Period.of_span(span), None
    try:
        days = Days.of(request.args)
        if days.given:
            return rate_history.Period.of_days(days), None
    except Invalid as refused:
        return rate_history.Period.of_span("day"), refused
    return rate_history.Period.of_span("day"), None
