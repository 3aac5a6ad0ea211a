"""A merchant's orders: all stores, newest first, and one order with its steps and what was told of it."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.disputes import confirming
from portal.orders import other_amount, payment_links, service
from portal.orders.commands import CancelOrder
from portal.orders.facts import PREFIXES
from portal.orders.reading import detail, receipts
from portal.orders.states import Direction
from portal.web import dispute_pages, htmx
from portal.web.behind import may_lag
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.order_lists import exported, listed
from portal.web.render import done, redisplay, show
from portal.webhooks import queries as webhooks

bp = Blueprint("merchant_orders", __name__, url_prefix="/merchant/orders")


@bp.get("")
@requires(Permission.ORDER_READ)
@may_lag
def index() -> Response:
    return listed("merchant/orders/index.html", direction=Direction.PAYIN,
                  test_mode=request.args.get("mode") == "test")


@bp.get("/export.<kind>")
@requires(Permission.ORDER_READ, step_up=True)
@may_lag
def export(kind: str) -> Response:
    return exported(kind, direction=Direction.PAYIN)


@bp.get("/<order_id>")
@requires(Permission.ORDER_READ)
def one(order_id: str) -> Response:
    if order_id.startswith(f"{PREFIXES[Direction.PAYOUT]}_"):
        return redirect(url_for("merchant_payouts.one", payout_id=order_id), 303)  # type: ignore[return-value]
    shown = _order(order_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show("merchant/orders/one.html", error=None, **shown), shown["version"])


@bp.get("/<order_id>/cancellation")
@requires(Permission.ORDER_CANCEL)
def cancellation(order_id: str) -> Response:
    return show("merchant/orders/cancellation.html", fragment="merchant/orders/_cancellation.html", **_order(order_id))


@bp.post("/<order_id>/cancellation")
@requires(Permission.ORDER_CANCEL)
def cancel(order_id: str) -> Response:
    with redisplay("merchant/orders/one.html", lambda: _order(order_id)), transaction() as session:
        service.cancel(session, signed_in(), CancelOrder(order_id=order_id))
    return done("merchant/orders/one.html", otherwise=request.path.rsplit("/", 1)[0], error=None, **_order(order_id))


@bp.post("/<order_id>/amount")
@requires(Permission.ORDER_CANCEL)
@once
def answer_amount(order_id: str) -> Response:
    """Less arrived than was ordered: the store takes it, or leaves it to support."""
    with redisplay("merchant/orders/one.html", lambda: _order(order_id)):
        command = bind(other_amount.AnswerAmount, request.form, order_id=order_id)
        with transaction() as session:
            confirming.answer_amount(session, signed_in(), command)
    return done("merchant/orders/one.html", otherwise=request.path.rsplit("/", 1)[0], error=None, **_order(order_id))


def _order(order_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    found = detail.open_dossier(session, actor, order_id)
    deliveries = webhooks.deliveries_of_order(session, actor, found.order.id)
    shown = [one.file for one in receipts.of_dossier(session, found)]
    return {"found": found, "order": found.order, "receipts": shown,
            "would_be": other_amount.would_be(session, found.order, found.current), "test_mode": not found.order.live,
            "payment_path": payment_links.path_of(found.order.id) if actor.may_open_links else None,
            "deliveries": deliveries, **dispute_pages.link(found.order),
            "version": "-".join((found.version, str(len(shown)),
                                 *(f"{one.state}{one.attempts}" for one in deliveries)))}
