"""`/pay/<token>`: where to pay, how long, and "I have paid". Works without a script and survives a reload."""
import io

import segno
from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for

from portal.core.access import Actor, ActorKind, Permission
from portal.core.db import reader, transaction
from portal.orders import payment_links, queries, service
from portal.orders.commands import CancelOrder, MarkPaid
from portal.orders.reading.checkout_page import Checkout, open_checkout
from portal.web.htmx import wants_fragment
from portal.web.render import redisplay, show

bp = Blueprint("checkout", __name__, url_prefix="/pay")
PAYER = frozenset({Permission.ORDER_READ, Permission.ORDER_MARK_PAID, Permission.ORDER_CANCEL})
PTAG = "HX-PTag"


@bp.get("/<token>")
def page(token: str) -> Response:
    return _show(token, open_checkout(reader(), _payer(token)))


@bp.get("/<token>/qr.svg")
def qr(token: str) -> Response:
    """This page's own address, for the phone with the bank on it; fetched only where the screen is wide.

    By PUBLIC_URL, as the store was told it: not by whatever host this request named.
    """
    payment_links.order_id_of(token)
    site = str(current_app.extensions["settings"].public_url).rstrip("/")
    drawn, page = io.BytesIO(), f"{site}{url_for('checkout.page', token=token)}"
    code = segno.make(page, error="m", micro=False)
    code.save(drawn, kind="svg", border=2, light="#fff", omitsize=True, xmldecl=False)
    response = Response(drawn.getvalue(), content_type="image/svg+xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@bp.post("/<token>/claim")
def claim(token: str) -> Response:
    payer = _payer(token)
    with _again(token, payer), transaction() as session:
        service.mark_paid(session, payer, MarkPaid(order_id=queries.public_id_of(session, payer)))
    return _back(token, payer)


@bp.post("/<token>/cancellation")
def cancel(token: str) -> Response:
    payer = _payer(token)
    with _again(token, payer), transaction() as session:
        service.cancel(session, payer, CancelOrder(order_id=queries.public_id_of(session, payer)))
    return _back(token, payer)


def _payer(token: str) -> Actor:
    """Whoever holds the link may see and claim this one order. Raises NotFound."""
    g.actor = None  # a signed-in trader who opens a link is a payer here, with a payer's rights
    return Actor(kind=ActorKind.CUSTOMER, order_id=payment_links.order_id_of(token), name="customer", permissions=PAYER,
                 address=request.remote_addr, request_id=g.request_id)


def _again(token: str, payer: Actor):  # type: ignore[no-untyped-def]
    """A step that is no longer possible shows the page as it is now, with the reason."""
    return redisplay("checkout/page.html", lambda: {"pay": open_checkout(reader(), payer)},
                     fragment="checkout/_sheet.html", token=token)


def _show(token: str, pay: Checkout) -> Response:
    """304 while the page that polls still shows this version."""
    version = f"{pay.order.version}-{pay.state}"
    if wants_fragment() and request.headers.get(PTAG) == version:
        return Response(status=304)
    response = show("checkout/page.html", fragment="checkout/_sheet.html", pay=pay, token=token, error=None)
    response.headers[PTAG] = version
    return response


def _back(token: str, payer: Actor) -> Response:
    if wants_fragment():
        return _show(token, open_checkout(reader(), payer))
    return make_response(redirect(url_for("checkout.page", token=token), 303))
