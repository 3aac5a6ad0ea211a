"""The trader's queue and one order: has the money come, yes or no."""
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask_babel import gettext

from portal import ledger
from portal.core import clock, crypto
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.core.money import Money
from portal.disputes import confirming
from portal.orders import reopening, second_payment, second_transfer, service
from portal.orders.commands import ConfirmOrder, DeclineOrder
from portal.orders.facts import PREFIXES
from portal.orders.reading import detail, receipts, same_amount
from portal.orders.reading import trader_history as past
from portal.orders.reading.trader_queue import trader_queue
from portal.orders.states import Direction
from portal.parties import traders
from portal.requisites import numbers
from portal.web import dispute_pages, htmx
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.owners import disputes
from portal.web.refused_forms import sentences
from portal.web.render import done, redisplay, show
from portal.web.request import takes
from portal.web.trader import trader_history
from portal.web.uploads import UPLOAD_MAX

bp = Blueprint("trader_orders", __name__, url_prefix="/trader/orders")
HISTORY = "trader/orders/history.html"


@bp.get("")
@requires(Permission.ORDER_READ)
def index() -> Response:
    shown = _queue()
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show("trader/orders/index.html", fragment="trader/orders/_queue.html", **shown), shown["version"])


@bp.get("/history")
@requires(Permission.ORDER_READ)
def history() -> Response:
    try:
        filters = past.Filters.of(request.args)
    except Invalid as error:
        return show(HISTORY, status=422, error=error, wrong=sentences(error), filters=past.Filters(),
                    typed=request.args, page=past.History([], None))
    page = past.page(reader(), signed_in(), filters, cursor=request.args.get("after"))
    return show(HISTORY, error=None, wrong={}, filters=filters, typed=filters.asked, page=page)


@bp.get("/history/export.<kind>")
@requires(Permission.ORDER_READ, step_up=True)
def export(kind: str) -> Response:
    """Exactly the rows of the list, as a file. Raises Invalid, TooManyExports, TooLong."""
    return trader_history.exported(kind)


@bp.get("/<order_id>")
@requires(Permission.ORDER_READ)
def one(order_id: str) -> Response:
    if order_id.startswith(f"{PREFIXES[Direction.PAYOUT]}_"):  # a list of all orders leads here
        return redirect(url_for("trader_payouts.one", payout_id=order_id), 303)  # type: ignore[return-value]
    shown = _order(order_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show("trader/orders/one.html", error=None, wrong={}, values={}, **shown), shown["version"])


@bp.get("/<order_id>/confirmation")
@requires(Permission.ORDER_CONFIRM)
def confirmation(order_id: str) -> Response:
    """The question over the queue: amount, requisite, consequence."""
    return show("trader/orders/confirmation.html", fragment="trader/orders/_confirmation.html", error=None, wrong={},
                values={}, **_order(order_id))


@bp.post("/<order_id>/confirmation")
@requires(Permission.ORDER_CONFIRM)
def confirm(order_id: str) -> Response:
    """From the queue's dialog the answer is the queue; refused, it is the question with what is wrong."""
    with redisplay("trader/orders/one.html", lambda: _order(order_id), fragment="trader/orders/_confirmation.html"):
        command = bind(ConfirmOrder, request.form, order_id=order_id)
        with transaction() as session:
            order = confirming.confirm(session, signed_in(), command)
    return done("trader/orders/_confirmed.html", otherwise=url_for(".one", order_id=order_id), order=order, **_queue())


@bp.get("/<order_id>/refusal")
@requires(Permission.ORDER_DECLINE)
def refusal(order_id: str) -> Response:
    return show("trader/orders/refusal.html", fragment="trader/orders/_refusal.html", error=None, wrong={}, values={},
                **_order(order_id))


@bp.post("/<order_id>/refusal")
@requires(Permission.ORDER_DECLINE)
def decline(order_id: str) -> Response:
    """Where no reason is given the question is asked again; where the order moved on, it is shown."""
    with redisplay("trader/orders/one.html", lambda: _order(order_id)):
        with redisplay("trader/orders/refusal.html", lambda: _order(order_id)):
            command = bind(DeclineOrder, request.form, order_id=order_id)
        with transaction() as session:
            service.decline(session, signed_in(), command)
    return done("trader/orders/_queue.html", otherwise=url_for(".index"), **_queue())


@bp.post("/<order_id>/dispute")
@requires(Permission.DISPUTE_OPEN)
@takes(UPLOAD_MAX)
@once
def dispute(order_id: str) -> Response:
    return disputes.opened(order_id)


@bp.post("/<order_id>/second-payment")
@requires(Permission.ORDER_CONFIRM)
@once
def report_second(order_id: str) -> Response:
    with redisplay("trader/orders/one.html", lambda: _order(order_id)), transaction() as session:
        second_payment.report(session, signed_in(), second_payment.ReportSecondPayment(order_id=order_id))
    flash(gettext("Staff look at it. Do not send the money back before they have written to you."))
    return redirect(url_for(".one", order_id=order_id), 303)  # type: ignore[return-value]


@bp.post("/<order_id>/transfers")
@requires(Permission.ORDER_CONFIRM)
@once
def add_transfer(order_id: str) -> Response:
    """The rest came in a transfer of its own."""
    with redisplay("trader/orders/one.html", lambda: _order(order_id)), transaction() as session:
        confirming.add_transfer(session, signed_in(),
                                bind(second_transfer.AddTransfer, request.form, order_id=order_id))
    return redirect(url_for(".one", order_id=order_id), 303)  # type: ignore[return-value]


@bp.post("/shift")
@requires(Permission.SHIFT_MANAGE)
def shift() -> Response:
    with redisplay("trader/orders/index.html", lambda: _queue()), transaction() as session:
        begin = traders.begin_shift if request.form.get("on") == "yes" else traders.end_shift
        begin(session, signed_in(), signed_in().trader_id)
    return done("trader/orders/_queue.html", otherwise=url_for(".index"), **_queue())


def _queue() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    trader = traders.own(session, actor)
    queue, balance = trader_queue(session, actor), ledger.balances_of(session, "trader", trader.id, True)
    g.navigation_counts = {"trader_orders.index": queue.needs_you_count}
    return {"queue": queue, "trader": trader, "error": None, "balance": balance, "today": clock.today().isoformat(),
            "shift_ended": traders.ended_because(session, trader),
            "shift_refused": None if trader.on_shift else traders.why_no_shift(trader),
            "version": f"{queue.version}-{crypto.sha256(repr((trader.on_shift, balance))).hex()[:12]}"}


def _order(order_id: str) -> dict[str, Any]:
    """The requisite in full: the trader must know which card to look at, and it is his own."""
    session = reader()
    found = detail.open_dossier(session, signed_in(), order_id)
    current = found.current
    number = numbers.reveal(session, current.requisite) if current is not None and not found.order.ended else None
    last = current or found.last
    others = same_amount.others(session, found.order, last) if last is not None and not last.earned else []
    shown = receipts.for_trader(session, found)
    return {"asked": found.order.amount_to_pay if last is None else Money(last.amount_minor, found.order.currency),
            "late_until": reopening.late_until(session, found.order, last),
            "found": found, "order": found.order, "number": number, "others": others, "receipts": shown,
            **dispute_pages.link(found.order),
            "version": f"{found.version}-{len(others)}-{len(shown)}"}
