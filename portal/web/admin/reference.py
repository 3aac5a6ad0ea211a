"""Currencies, payment methods and banks: what is offered, how it is called; switched, added, described anew."""
from typing import Any

from babel.numbers import get_currency_name
from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import get_locale, gettext

from portal import reference
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid, NotFound
from portal.reference import assets, service
from portal.reference.cards import NETWORKS
from portal.reference.commands import AddBank, AddMethod, AskAsset, SetBank, SetMethod, Switch
from portal.reference.validators import CHOICES
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_reference", __name__, url_prefix="/admin/reference")
CURRENCIES = "admin/reference/currencies.html"
METHODS, METHOD = "admin/reference/methods.html", "admin/reference/method.html"
BANKS, BANK = "admin/reference/banks.html", "admin/reference/bank.html"
CLEAN: dict[str, Any] = {"error": None, "wrong": {}, "values": {}}


@bp.get("")
@requires(Permission.REFERENCE_READ)
def index() -> Response:
    return show(CURRENCIES, **CLEAN, **_currencies())


@bp.post("/assets")
@requires(Permission.REFERENCE_MANAGE)
@once
def ask_asset() -> Response:
    with act(CURRENCIES, _currencies) as session:
        assets.ask(session, signed_in(), bind(AskAsset, request.form))
    flash(gettext("The asset waits for a second person."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/switch")
@requires(Permission.REFERENCE_MANAGE)
def switch_on() -> Response:
    """A currency, chosen from all there are."""
    return _switched("currency", request.form.get("code", ""))


@bp.post("/currencies/<code>/switch")
@requires(Permission.REFERENCE_MANAGE)
def switch_currency(code: str) -> Response:
    return _switched("currency", code)


@bp.post("/methods/<method>/switch")
@requires(Permission.REFERENCE_MANAGE)
def switch_method(method: str) -> Response:
    return _switched("method", method)


@bp.post("/banks/<bank>/switch")
@requires(Permission.REFERENCE_MANAGE)
def switch_bank(bank: str) -> Response:
    return _switched("bank", bank)


@bp.get("/methods")
@requires(Permission.REFERENCE_READ)
def methods() -> Response:
    return show(METHODS, **CLEAN, **_methods())


@bp.post("/methods")
@requires(Permission.REFERENCE_MANAGE)
@once
def add_method() -> Response:
    with act(METHODS, _methods) as session:
        service.add_method(session, signed_in(), bind(AddMethod, _with_reason(), **_several()))
    return _list("method")


@bp.get("/methods/<method>")
@requires(Permission.REFERENCE_READ)
def one_method(method: str) -> Response:
    return show(METHOD, **CLEAN, **_method(method))


@bp.post("/methods/<method>")
@requires(Permission.REFERENCE_MANAGE)
def set_method(method: str) -> Response:
    with act(METHOD, _method, method) as session:
        service.set_method(session, signed_in(), bind(SetMethod, _with_reason(), code=method, **_several()))
    return _list("method")


@bp.get("/banks")
@requires(Permission.REFERENCE_READ)
def banks() -> Response:
    return show(BANKS, **CLEAN, **_banks())


@bp.post("/banks")
@requires(Permission.REFERENCE_MANAGE)
@once
def add_bank() -> Response:
    with act(BANKS, _banks) as session:
        service.add_bank(session, signed_in(), bind(AddBank, _with_reason()))
    return _list("bank")


@bp.get("/banks/<bank>")
@requires(Permission.REFERENCE_READ)
def one_bank(bank: str) -> Response:
    return show(BANK, **CLEAN, **_bank(bank))


@bp.post("/banks/<bank>")
@requires(Permission.REFERENCE_MANAGE)
def set_bank(bank: str) -> Response:
    with act(BANK, _bank, bank) as session:
        service.set_bank(session, signed_in(), bind(SetBank, _with_reason(), code=bank))
    return _list("bank")


def _switched(kind: Any, code: str) -> Response:
    page, record = {"currency": (CURRENCIES, _currencies), "method": (METHODS, _methods), "bank": (BANKS, _banks)}[kind]
    with act(page, record) as session:
        service.switch(session, signed_in(), bind(Switch, _with_reason(), kind=kind, code=code))
    flash(gettext("Switched. Every process knows it within five seconds."))
    return _list(kind)


def _list(kind: str) -> Response:
    name = {"currency": ".index", "method": ".methods", "bank": ".banks"}[kind]
    return redirect(url_for(name), 303)  # type: ignore[return-value]


def _with_reason() -> Any:
    """The form, which says why. Raises Invalid."""
    if not request.form.get("reason", "").strip():
        raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
    return request.form


def _several() -> dict[str, tuple[str, ...]]:
    """Lists: boxes that are ticked, codes typed with commas or blanks between them."""
    def typed(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(request.form.get(name, "").upper().replace(",", " ").split()))

    return {"networks": tuple(request.form.getlist("networks")), "countries": typed("countries"),
            "currencies": typed("currencies")}


def _currencies() -> dict[str, Any]:
    known = sorted(reference.snapshot(reader()).currencies.values(), key=lambda one: (one.kind != "crypto", one.code))
    return {"on": [one for one in known if one.active], "off": [one for one in known if not one.active],
            "named": lambda one: one.name or get_currency_name(one.code, locale=get_locale())}


def _methods() -> dict[str, Any]:
    return {"methods": reference.snapshot(reader()).methods.values(), "validators": CHOICES, "networks": _networks()}


def _banks() -> dict[str, Any]:
    known = reference.snapshot(reader()).banks.values()
    country = request.args.get("country") or None
    return {"banks": [one for one in known if country in (None, one.country)], "country": country,
            "country_chips": [(None, gettext("All")), *((one, one) for one in sorted({one.country for one in known}))]}


def _method(code: str) -> dict[str, Any]:
    found = reference.snapshot(reader()).methods.get(code)
    if found is None:
        raise NotFound()
    return {"method": found, "networks": _networks()}


def _networks() -> list[tuple[str, str]]:
    written = {"jcb": "JCB", "unionpay": "UnionPay", "rupay": "RuPay"}
    return [(name, written.get(name, name.capitalize())) for name in NETWORKS]


def _bank(code: str) -> dict[str, Any]:
    found = reference.snapshot(reader()).banks.get(code)
    if found is None:
        raise NotFound()
    return {"bank": found}
