"""A merchant's payouts: a list of their own, one asked for by a form, and one with its receipts."""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core import ids, typed_amounts
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.names import in_order
from portal.orders import payouts, service
from portal.orders.commands import CancelOrder, ConfirmPayout, CreatePayout
from portal.orders.intake.create import create as take_in
from portal.orders.reading import detail
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.parties.stores import acting_for
from portal.treasury.holdings import holdings, settlement_of
from portal.web import htmx, reference_choices
from portal.web.form_keys import FIELD, new_key, once
from portal.web.identity import signed_in
from portal.web.order_lists import STORES_MAX, exported, listed
from portal.web.render import redisplay, show
from portal.webhooks import queries as webhooks

bp = Blueprint("merchant_payouts", __name__, url_prefix="/merchant/payouts")
NEW, ONE = "merchant/payouts/new.html", "merchant/payouts/one.html"
TO = ("method", "bank", "number", "holder")  # fields of the form that are the destination's


@bp.get("")
@requires(Permission.ORDER_READ)
def index() -> Response:
    return listed("merchant/payouts/index.html", direction=Direction.PAYOUT,
                  test_mode=request.args.get("mode") == "test")


@bp.get("/export.<kind>")
@requires(Permission.ORDER_READ)
def export(kind: str) -> Response:
    return exported(kind, direction=Direction.PAYOUT)


@bp.get("/new")
@requires(Permission.PAYOUT_CREATE)
def new() -> Response:
    return show(NEW, error=None, wrong={}, values={}, **_choices())


@bp.post("")
@requires(Permission.PAYOUT_CREATE)
@once
def create() -> Response:
    with redisplay(NEW, _choices), _at_the_forms_fields(), transaction() as session:
        actor = acting_for(session, signed_in(), ids.parse("str", request.form.get("store_id", "")))
        made = take_in(session, actor, _asked(), idempotency_key=f"form-{request.form.get(FIELD) or new_key()}")
    return _to(made.order.public_id)


@bp.get("/<payout_id>")
@requires(Permission.ORDER_READ)
def one(payout_id: str) -> Response:
    shown = _payout(payout_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(ONE, error=None, wrong={}, values={}, **shown), shown["version"])


@bp.post("/<payout_id>/confirmation")
@requires(Permission.PAYOUT_CREATE)
@once
def confirm(payout_id: str) -> Response:
    with redisplay(ONE, lambda: _payout(payout_id)), transaction() as session:
        payouts.confirm(session, signed_in(), ConfirmPayout(order_id=payout_id))
    return _to(payout_id)


@bp.get("/<payout_id>/cancellation")
@requires(Permission.PAYOUT_CREATE)
def cancellation(payout_id: str) -> Response:
    return show("merchant/payouts/cancellation.html", fragment="merchant/payouts/_cancellation.html",
                **_payout(payout_id))


@bp.post("/<payout_id>/cancellation")
@requires(Permission.PAYOUT_CREATE)
@once
def cancel(payout_id: str) -> Response:
    with redisplay(ONE, lambda: _payout(payout_id)), transaction() as session:
        service.cancel(session, signed_in(), CancelOrder(order_id=_found(payout_id).order.public_id))
    return _to(payout_id)


def _asked() -> CreatePayout:
    """The form as the gateway would have it. Raises Invalid at the form's own fields."""
    form = {name: text.strip() for name, text in request.form.items() if text.strip()}
    currency = form.get("currency", "")
    sent = {"currency": currency, "external_id": form.get("external_id") or f"portal-{new_key()[:12]}",
            "amount": typed_amounts.amount("amount", form.get("amount", ""), currency).text,
            "destination": {name: form[name] for name in TO if name in form}}
    if "description" in form:
        sent["description"] = form["description"]
    return bind(CreatePayout, sent)


@contextmanager
def _at_the_forms_fields() -> Iterator[None]:
    """`/destination/number` is the form's `number`."""
    try:
        yield
    except Invalid as wrong:
        raise Invalid(fields=[FieldError(one.field.replace("/destination/", "/"), one.code, one.sentence, one.params)
                              for one in wrong.fields]) from None


def _choices() -> dict[str, Any]:
    """What can be chosen, and what each store has to pay out of."""
    session, actor = reader(), signed_in()
    stores = session.scalars(stores_visible_to(actor).where(Store.status == "active")
                             .order_by(in_order(Store.name), Store.id).limit(STORES_MAX)).all()
    has = holdings(session, actor, "store", settlement_of(stores))
    return {"stores": [(store.public_id, store.name, has[store.id].available) for store in stores if store.id in has],
            "methods": reference_choices.methods(), "banks": reference_choices.banks(),
            "currencies": reference_choices.fiat()}


def _found(payout_id: str) -> detail.Dossier:
    """Raises NotFound, for payins too."""
    found = detail.open_dossier(reader(), signed_in(), payout_id)
    if found.order.direction != Direction.PAYOUT:
        raise NotFound()
    return found


def _payout(payout_id: str) -> dict[str, Any]:
    session, actor, found = reader(), signed_in(), _found(payout_id)
    deliveries = webhooks.deliveries_of_order(session, actor, found.order.id)
    receipts = [one.file for one in detail.receipts(session, found)]
    return {"found": found, "order": found.order, "test_mode": not found.order.live, "deliveries": deliveries,
            "receipts": receipts,
            "version": "-".join((found.version, str(len(receipts)),
                                 *(f"{one.state}{one.attempts}" for one in deliveries)))}


def _to(payout_id: str) -> Response:
    return redirect(url_for(".one", payout_id=payout_id), 303)  # type: ignore[return-value]
