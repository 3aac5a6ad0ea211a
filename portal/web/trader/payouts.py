"""A trader's payouts: take one on, see whom to pay, send the money, show the receipt."""
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for

from portal import files
from portal.core import crypto
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.orders import destinations, payouts, service
from portal.orders.commands import AcceptPayout, DeclineOrder, PayPayout
from portal.orders.payout_receipts import RECEIPT
from portal.orders.reading import detail
from portal.orders.reading import receipts as receipts_of
from portal.orders.reading.trader_queue import trader_queue
from portal.orders.states import Direction, Status
from portal.parties import traders
from portal.web import dispute_pages, htmx
from portal.web.badges import N_
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import done, redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX, brought

bp = Blueprint("trader_payouts", __name__, url_prefix="/trader/payouts")
ONE, FIELD = "trader/payouts/one.html", "receipt"
NO_RECEIPT = N_("Attach the receipt of your bank.")


@bp.get("")
@requires(Permission.ORDER_READ)
def index() -> Response:
    shown = _queue()
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show("trader/payouts/index.html", fragment="trader/payouts/_queue.html", **shown), shown["version"])


@bp.get("/<payout_id>")
@requires(Permission.ORDER_READ)
def one(payout_id: str) -> Response:
    shown = _payout(payout_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(ONE, error=None, wrong={}, values={}, **shown), shown["version"])


@bp.post("/<payout_id>/acceptance")
@requires(Permission.ORDER_CONFIRM)
@once
def accept(payout_id: str) -> Response:
    with redisplay(ONE, lambda: _payout(payout_id)):
        command = bind(AcceptPayout, request.form, order_id=payout_id)
        with transaction() as session:
            payouts.accept(session, signed_in(), command)
    return _back(payout_id)


@bp.post("/<payout_id>/payment")
@requires(Permission.ORDER_CONFIRM)
@takes(UPLOAD_MAX)
@once
def pay(payout_id: str) -> Response:
    """The receipts are judged and put away first; they become the payout's in the transaction of the step."""
    with (redisplay(ONE, lambda: _payout(payout_id)), brought(FIELD, wanted=NO_RECEIPT) as receipts,
          transaction() as session):
        payouts.pay(session, signed_in(), bind(PayPayout, request.form, order_id=payout_id,
                                               receipts=receipts.keep(session, signed_in())))
    return _back(payout_id)


@bp.get("/<payout_id>/refusal")
@requires(Permission.ORDER_DECLINE)
def refusal(payout_id: str) -> Response:
    return show("trader/payouts/refusal.html", fragment="trader/payouts/_refusal.html", error=None, wrong={}, values={},
                **_payout(payout_id))


@bp.post("/<payout_id>/refusal")
@requires(Permission.ORDER_DECLINE)
def decline(payout_id: str) -> Response:
    with redisplay(ONE, lambda: _payout(payout_id)):
        with redisplay("trader/payouts/refusal.html", lambda: _payout(payout_id)):
            command = bind(DeclineOrder, request.form, order_id=payout_id)
        with transaction() as session:
            service.decline(session, signed_in(), command)
    return done("trader/payouts/_queue.html", otherwise=url_for(".index"), **_queue())


def _back(payout_id: str) -> Response:
    return redirect(url_for(".one", payout_id=payout_id), 303)  # type: ignore[return-value]


def _queue() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    trader = traders.own(session, actor)
    queue = trader_queue(session, actor, Direction.PAYOUT)
    g.navigation_counts = {"trader_payouts.index": queue.needs_you_count}
    return {"queue": queue, "trader": trader, "error": None,
            "version": f"{queue.version}-{crypto.sha256(repr(trader.on_shift)).hex()[:6]}"}


def _payout(payout_id: str) -> dict[str, Any]:
    """The recipient in full to the trader who has accepted, until the payout ends; to nobody else."""
    session = reader()
    found = detail.open_dossier(session, signed_in(), payout_id)
    order, last = found.order, found.current or found.last
    if order.direction != Direction.PAYOUT or last is None:
        raise NotFound()
    his = found.current is not None and order.accepted_at is not None and order.status in (Status.ASSIGNED, Status.PAID)
    receipts = [*files.of(session, RECEIPT, [last.id]).get(last.id, []), *receipts_of.for_trader(session, found)]
    return {"found": found, "order": order, "last": last, "receipts": receipts, **dispute_pages.link(order),
            "number": destinations.reveal(session, order) if his else None,
            "recipient": destinations.recipient_shown(order) if his else None,
            "version": f"{found.version}-{len(receipts)}"}
