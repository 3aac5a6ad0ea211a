"""What one can buy, buying it, and how far the payment is: the shop knows only what the gateway and webhooks say."""
import json
import secrets
from collections import deque
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for

from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.core.money import Money
from portal.demo import shop
from portal.web.render import redisplay, show
from portal.web.shop.client import Gateway, GatewayAway

bp = Blueprint("shop", __name__, url_prefix="/shop")
OVER = ("completed", "failed", "expired", "cancelled")
SHOWN_MAX = 200
_shown: dict[str, dict[str, Any]] = {}  # cart → its order, while this process runs
_heard: deque[tuple[str, str]] = deque(maxlen=200)  # (order id, event type): verified webhooks, while this process runs


@bp.get("")
def index() -> Response:
    return show("shop/index.html", goods=shop.GOODS, cart=secrets.token_hex(5))


@bp.post("/orders")
def buy() -> Response:
    """One press of the button is one order, however often the form is sent: its cart is the idempotency key."""
    cart = request.form.get("cart", "")[:64]
    with redisplay("shop/index.html", goods=shop.GOODS, cart=cart):
        good = shop.good(request.form.get("good", ""))
        if good is None or not cart.isalnum():
            raise Invalid("Choose one of the goods.")
        with transaction() as session:
            shop.open_shop(session, shop_webhook(_site()))
        order = _gateway().create({
            "currency": good.price.currency, "amount": good.price.text, "method": "card", "external_id": f"shop-{cart}",
            "description": good.name, "return_url": f"{_site()}{url_for('shop.one', cart=cart)}",
            "metadata": {"good": good.code},
        }, idempotency_key=f"shop-{cart}")
    return redirect(order["payment_url"], 303)  # type: ignore[return-value]


@bp.get("/orders/<cart>")
def one(cart: str) -> Response:
    order = _followed(cart)
    heard = [type for id, type in _heard if id == order["id"]]
    return show("shop/order.html", fragment="shop/_order.html", order=order, heard=heard, cart=cart,
                over=order["status"] in OVER, price=Money.parse(order["amount"], order["currency"]))


@bp.post("/webhooks")
def hear() -> Response:
    """Verify, then believe: what does not carry the desk's signature is refused."""
    id, timestamp, signature = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not shop.verified(reader(), id, timestamp, signature, request.get_data()):
        abort(Response("bad signature", status=400, content_type="text/plain"))
    told = json.loads(request.get_data())
    _heard.append((told["data"].get("id", ""), told["type"]))
    return Response(status=204)


def _followed(cart: str) -> dict[str, Any]:
    """The order as the gateway shows it, or as it was shown last where it has ended or the gateway is slow."""
    known = _shown.get(cart)
    if known is not None and known["status"] in OVER:
        return known
    try:
        _shown[cart] = order = _gateway().find(f"shop-{cart}")
    except GatewayAway:
        if known is None:
            raise
        return known
    while len(_shown) > SHOWN_MAX:
        _shown.pop(next(iter(_shown)), None)
    return order


def shop_webhook(site: str) -> str:
    return f"{site}{url_for('shop.hear')}"


def _site() -> str:
    return str(current_app.extensions["settings"].public_url).rstrip("/")


def _gateway() -> Gateway:
    return Gateway(_site(), shop.token())
