"""What the shop does after a sale: calls an order off, sends money back by a payout, objects to how either stands.

Each is one call with a key made of the cart: a form that is sent twice is one act. What the order does not allow by now
leads back to it.
"""
from flask import Blueprint, Response, redirect, request, url_for

from portal.web.render import redisplay, show
from portal.web.shop import orders, purchases
from portal.web.shop.client import Gateway, GatewayRefused, Kind
from portal.web.shop.purchases import Purchase

bp = Blueprint("shop_acts", __name__, url_prefix="/shop/orders/<cart>")
REASONS: dict[Kind, str] = {"payins": "not_confirmed", "payouts": "not_arrived"}


@bp.post("/cancellation")
def cancel(cart: str) -> Response:
    gateway, purchase = _asked(cart)
    with redisplay("shop/order.html", lambda: {"purchase": purchases.find(gateway, cart)}):
        purchases.keep(gateway.act("payins", purchase.order["id"], "cancel", {},
                                   idempotency_key=f"{purchases.number_of(cart)}-cancel"))
    return _back(cart)


@bp.get("/refund")
def refund_form(cart: str) -> Response:
    _, purchase = _asked(cart)
    return show("shop/refund.html", purchase=purchase) if purchase.may_be_refunded else _back(cart)


@bp.post("/refund")
def refund(cart: str) -> Response:
    """All that was paid, once: else the page would pay anybody. Whoever asked at the same moment sees the one there is.
    """
    gateway, purchase = _asked(cart)
    if not purchase.may_be_refunded:
        return _back(cart)
    number = purchases.refund_number_of(cart)
    with redisplay("shop/refund.html", purchase=purchase):
        orders.open_shop()
        try:
            purchases.keep(gateway.create("payouts", {
                "currency": purchase.order["currency"], "amount": purchase.paid.text, "external_id": number,
                "destination": {"method": "card", "number": "".join(request.form.get("number", "").split())},
                "metadata": {"refund_of": purchase.order["id"]},
            }, idempotency_key=number))
        except GatewayRefused:
            if purchases.find(gateway, cart).refund is None:
                raise
    return _back(cart)


@bp.get("/dispute")
def dispute_form(cart: str) -> Response:
    _, purchase = _asked(cart)
    return _form(purchase, ".dispute") if purchase.may_be_disputed else _back(cart)


@bp.post("/dispute")
def dispute(cart: str) -> Response:
    gateway, purchase = _asked(cart)
    if purchase.may_be_disputed:
        _object(gateway, purchase, "payins", purchase.order, ".dispute")
    return _back(cart)


@bp.get("/refund/dispute")
def refund_dispute_form(cart: str) -> Response:
    _, purchase = _asked(cart)
    return _form(purchase, ".refund_dispute") if purchase.refund_may_be_disputed else _back(cart)


@bp.post("/refund/dispute")
def refund_dispute(cart: str) -> Response:
    gateway, purchase = _asked(cart)
    if purchase.refund is not None and purchase.refund_may_be_disputed:
        _object(gateway, purchase, "payouts", purchase.refund, ".refund_dispute")
    return _back(cart)


def _form(purchase: Purchase, act: str) -> Response:
    return show("shop/dispute.html", purchase=purchase, action=url_for(act, cart=purchase.cart))


def _object(gateway: Gateway, purchase: Purchase, kind: Kind, about: dict[str, str], act: str) -> None:
    with redisplay("shop/dispute.html", purchase=purchase, action=url_for(act, cart=purchase.cart)):
        said = {"reason": REASONS[kind], "text": request.form.get("text", "")}
        purchases.keep_dispute(gateway.act(kind, about["id"], "dispute", said,
                                           idempotency_key=f"{about['external_id']}-dispute"))


def _asked(cart: str) -> tuple[Gateway, Purchase]:
    """What was bought, and the gateway for what follows: both within one page's time."""
    gateway = purchases.gateway()
    return gateway, purchases.find(gateway, cart)


def _back(cart: str) -> Response:
    return redirect(url_for("shop.one", cart=cart), 303)  # type: ignore[return-value]
