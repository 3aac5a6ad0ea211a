"""What one can buy, buying it, and how far the payment is: the shop knows only what the gateway and webhooks say."""
import json
import secrets

from flask import Blueprint, Response, abort, redirect, request, url_for

from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.demo import shop
from portal.web.render import redisplay, show
from portal.web.shop import purchases

bp = Blueprint("shop", __name__, url_prefix="/shop")


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
        open_shop()
        number = purchases.number_of(cart)
        order = purchases.gateway().create("payins", {
            "currency": good.price.currency, "amount": good.price.text, "method": "card", "external_id": number,
            "description": good.name, "return_url": f"{purchases.site()}{url_for('shop.one', cart=cart)}",
            "metadata": {"good": good.code},
        }, idempotency_key=number)
    return redirect(order["payment_url"], 303)  # type: ignore[return-value]


@bp.get("/orders/<cart>")
def one(cart: str) -> Response:
    return show("shop/order.html", fragment="shop/_order.html", purchase=purchases.find(purchases.gateway(), cart))


@bp.post("/webhooks")
def hear() -> Response:
    """Verify, then believe: what does not carry the desk's signature is refused."""
    id, timestamp, signature = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not shop.verified(reader(), id, timestamp, signature, request.get_data()):
        abort(Response("bad signature", status=400, content_type="text/plain"))
    purchases.hear(json.loads(request.get_data()))
    return Response(status=204)


def open_shop() -> None:
    """Committed before the gateway is asked: it looks the key up. Raises NoShop."""
    with transaction() as session:
        shop.open_shop(session, f"{purchases.site()}{url_for('shop.hear')}")
