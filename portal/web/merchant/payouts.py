"""A merchant's payouts: a list of their own, one asked for by a form, and one with its receipts."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.orders import payouts, service
from portal.orders.commands import CancelOrder, ConfirmPayout
from portal.orders.reading import detail
from portal.orders.reading import receipts as receipts_of
from portal.orders.states import Direction
from portal.payouts import queries
from portal.payouts.models import PayoutImport
from portal.web import dispute_pages, htmx
from portal.web.behind import may_lag
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.merchant import payout_form
from portal.web.order_lists import exported, listed
from portal.web.render import redisplay, show
from portal.webhooks import queries as webhooks

bp = Blueprint("merchant_payouts", __name__, url_prefix="/merchant/payouts")
NEW, ONE = "merchant/payouts/new.html", "merchant/payouts/one.html"


@bp.get("")
@requires(Permission.ORDER_READ)
@may_lag
def index() -> Response:
    return listed("merchant/payouts/index.html", direction=Direction.PAYOUT,
                  test_mode=request.args.get("mode") == "test", waiting=queries.waiting(reader(), signed_in()))


@bp.get("/export.<kind>")
@requires(Permission.ORDER_READ, step_up=True)
@may_lag
def export(kind: str) -> Response:
    return exported(kind, direction=Direction.PAYOUT)


@bp.get("/new")
@requires(Permission.PAYOUT_CREATE)
def new() -> Response:
    return show(NEW, error=None, wrong={}, values={}, **payout_form.choices())


@bp.post("")
@requires(Permission.PAYOUT_CREATE, step_up=True)
@once
def create() -> Response:
    """Made; or above the store's limit shown as it waits for a second person."""
    with redisplay(NEW, payout_form.choices), transaction() as session:
        made = payout_form.send(session)
    if isinstance(made, PayoutImport):
        return redirect(url_for(".one_import", payout_import_id=made.public_id), 303)  # type: ignore[return-value]
    return _to(made.public_id)


@bp.get("/<payout_id>")
@requires(Permission.ORDER_READ)
def one(payout_id: str) -> Response:
    shown = _payout(payout_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(ONE, error=None, wrong={}, values={}, **shown), shown["version"])


@bp.post("/<payout_id>/confirmation")
@requires(Permission.PAYOUT_CREATE, step_up=True)
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


def _found(payout_id: str) -> detail.Dossier:
    """Raises NotFound, for payins too."""
    found = detail.open_dossier(reader(), signed_in(), payout_id)
    if found.order.direction != Direction.PAYOUT:
        raise NotFound()
    return found


def _payout(payout_id: str) -> dict[str, Any]:
    session, actor, found = reader(), signed_in(), _found(payout_id)
    deliveries = webhooks.deliveries_of_order(session, actor, found.order.id)
    receipts = [one.file for one in receipts_of.of_dossier(session, found)]
    return {"found": found, "order": found.order, "test_mode": not found.order.live, "deliveries": deliveries,
            "receipts": receipts, **dispute_pages.link(found.order),
            "version": "-".join((found.version, str(len(receipts)),
                                 *(f"{one.state}{one.attempts}" for one in deliveries)))}


def _to(payout_id: str) -> Response:
    return redirect(url_for(".one", payout_id=payout_id), 303)  # type: ignore[return-value]
