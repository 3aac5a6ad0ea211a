"""`/pay/<token>`: where to pay, how long, and "I have paid". Works without a script and survives a reload."""
import io
from typing import Any

from flask import Blueprint, Response, current_app, g, has_request_context, make_response, redirect, request, url_for

from portal import files
from portal.core.access import Actor, ActorKind, Permission
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.orders import payment_links, queries, receipts, replacing, service
from portal.orders.commands import CancelOrder, MarkPaid
from portal.orders.reading.checkout_page import Checkout, open_checkout
from portal.orders.replacing import ReplaceOrder
from portal.web import uploads
from portal.web.checkout import disputes, trials
from portal.web.htmx import wants_fragment
from portal.web.locale import LANGUAGES
from portal.web.render import redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX

bp = Blueprint("checkout", __name__, url_prefix="/pay")
PAYER = frozenset({Permission.ORDER_READ, Permission.ORDER_MARK_PAID, Permission.ORDER_CANCEL,
                   Permission.DISPUTE_OPEN})
PTAG, RECEIPT = "HX-PTag", "receipt"


@bp.url_defaults
def keep_the_language(endpoint: str, values: dict[str, Any]) -> None:
    """A browser without cookies forgets what was chosen on this page: its own addresses carry it on."""
    chosen = request.args.get("lang") if has_request_context() else None
    if chosen in LANGUAGES:
        values.setdefault("lang", chosen)


@bp.get("/<token>")
def page(token: str) -> Response:
    return _show(token, payer_of(token))


@bp.get("/<token>/qr.svg")
def qr(token: str) -> Response:
    """This page's own address, for the phone with the bank on it; fetched only where the screen is wide.

    By PUBLIC_URL, as the store was told it: not by whatever host this request named.
    """
    import segno

    payment_links.order_id_of(token)
    site = str(current_app.extensions["settings"].public_url).rstrip("/")
    drawn, page = io.BytesIO(), f"{site}{url_for('checkout.page', token=token)}"
    code = segno.make(page, error="m", micro=False)
    code.save(drawn, kind="svg", border=2, light="#fff", omitsize=True, xmldecl=False)
    response = Response(drawn.getvalue(), content_type="image/svg+xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@bp.post("/<token>/claim")
@takes(UPLOAD_MAX)
def claim(token: str) -> Response:
    """With the receipt, which rules of risk look at, or without."""
    payer = payer_of(token)
    with _again(token, payer), uploads.brought(RECEIPT) as sent, transaction() as session:
        order_id = queries.public_id_of(session, payer)
        receipts.add(session, payer, receipts.AddReceipts(order_id=order_id, files=sent.keep(session, payer)))
        service.mark_paid(session, payer, MarkPaid(order_id=order_id))
    return _back(token, payer)


@bp.post("/<token>/receipts")
@takes(UPLOAD_MAX)
def show_receipt(token: str) -> Response:
    payer = payer_of(token)
    with (_again(token, payer), uploads.brought(RECEIPT, wanted=uploads.NO_FILE) as sent,
          transaction() as session):
        receipts.add(session, payer, receipts.AddReceipts(order_id=queries.public_id_of(session, payer),
                                                          files=sent.keep(session, payer)))
    return _back(token, payer)


@bp.post("/<token>/files")
@takes(UPLOAD_MAX)
def upload(token: str) -> Response:
    """A receipt that goes up before its form is sent."""
    payer = payer_of(token)
    open_checkout(reader(), payer)
    return uploads.take_draft(payer)


@bp.post("/<token>/files/<file_id>/removal")
def remove(token: str, file_id: str) -> Response:
    return uploads.drop_draft(payer_of(token), file_id)


@bp.post("/<token>/cancellation")
def cancel(token: str) -> Response:
    payer = payer_of(token)
    with _again(token, payer), transaction() as session:
        service.cancel(session, payer, CancelOrder(order_id=queries.public_id_of(session, payer)))
    return _back(token, payer)


@bp.post("/<token>/replacement")
def replace(token: str) -> Response:
    payer = payer_of(token)
    with _again(token, payer), transaction() as session:
        replacing.replace(session, payer, bind(ReplaceOrder, request.form,
                                               order_id=queries.public_id_of(session, payer)))
    return _back(token, payer)


@bp.post("/<token>/late-claim")
@takes(UPLOAD_MAX)
def claim_late(token: str) -> Response:
    """The order has ended, and the payer has paid."""
    payer = payer_of(token)
    with _again(token, payer), uploads.brought(RECEIPT) as sent, transaction() as session:
        disputes.claim_late(session, payer, sent)
    return _back(token, payer)


@bp.post("/<token>/dispute")
@takes(UPLOAD_MAX)
def dispute(token: str) -> Response:
    payer = payer_of(token)
    with _again(token, payer, held="evidence"), uploads.brought(disputes.FIELD) as sent, transaction() as session:
        disputes.open_one(session, payer, sent)
    return _back(token, payer)


@bp.post("/<token>/dispute/statements")
@takes(UPLOAD_MAX)
def say(token: str) -> Response:
    """More in the dispute that runs, with files or without."""
    payer = payer_of(token)
    with _again(token, payer, held="evidence"), uploads.brought(disputes.FIELD) as sent, transaction() as session:
        disputes.say(session, payer, sent)
    return _back(token, payer)


@bp.post("/<token>/outcome")
def try_outcome(token: str) -> Response:
    """Of a test order: what is to become of it."""
    payer = payer_of(token)
    with _again(token, payer):
        trials.choose(payer)
    return _back(token, payer)


def payer_of(token: str) -> Actor:
    """Whoever holds the link may see and claim this one order. Raises NotFound."""
    g.actor = None  # a signed-in trader who opens a link is a payer here, with a payer's rights
    return Actor(kind=ActorKind.CUSTOMER, order_id=payment_links.order_id_of(token), name="customer", permissions=PAYER,
                 address=request.remote_addr, request_id=g.request_id)


def _again(token: str, payer: Actor, *, held: str = "drafts"):  # type: ignore[no-untyped-def]
    """A step that is no longer possible shows the page as it is now, with the reason. `held`: whose files its form
    had, `drafts` of receipts or `evidence` of a dispute."""
    return redisplay("checkout/page.html", lambda: _context(
        payer, **{held: files.drafts(reader(), payer, request.form.getlist(uploads.DRAFT))}),
                     fragment="checkout/_sheet.html", token=token)


def _context(payer: Actor, **more: Any) -> dict[str, Any]:
    pay = open_checkout(reader(), payer)
    return {"pay": pay, "objection": disputes.of(payer, pay.order), "trials": trials.of(pay.order), "drafts": (),
            "evidence": ()} | more


def _show(token: str, payer: Actor) -> Response:
    """304 while the page that polls still shows this version."""
    shown = _context(payer)
    pay: Checkout = shown["pay"]
    version = f"{pay.version}-{shown['objection'].version}"
    if wants_fragment() and request.headers.get(PTAG) == version:
        return Response(status=304)
    response = show("checkout/page.html", fragment="checkout/_sheet.html", token=token, error=None, wrong={}, **shown)
    response.headers[PTAG] = version
    return response


def _back(token: str, payer: Actor) -> Response:
    if wants_fragment():
        return _show(token, payer)
    return make_response(redirect(url_for("checkout.page", token=token), 303))
