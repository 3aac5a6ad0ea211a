"""Every order, and one order from all sides: who, money, why this trader, steps, postings, deliveries, notes."""
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for

from portal import approvals
from portal.core import clock, crypto
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.orders import attention_cases, cancel_paid, destinations, notes, payouts, service
from portal.orders.commands import CancelOrder, ConfirmOrder, ConfirmPayout, OrderCommand
from portal.orders.facts import PREFIXES
from portal.orders.reading import detail, receipts
from portal.orders.reading.number_reveal import RevealOfAttempt, reveal_of_attempt
from portal.orders.states import Direction
from portal.risk import classes, journal
from portal.web import dispute_pages, htmx
from portal.web.admin.cases import line, of_order
from portal.web.behind import may_lag
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.order_lists import exported, listed
from portal.web.render import done, redisplay, show
from portal.webhooks import queries as webhooks

# In whose place staff confirm is the direction's: the trader's for a payin, the store's for a payout.
CONFIRM: dict[bool, tuple[type[OrderCommand], Callable[..., object]]] = {
    False: (ConfirmOrder, service.confirm), True: (ConfirmPayout, payouts.confirm)}
PAGE = "admin/orders/one.html"
bp = Blueprint("admin_orders", __name__, url_prefix="/admin/orders")


@bp.get("")
@requires(Permission.ORDER_READ)
@may_lag
def index() -> Response:
    return listed("admin/orders/index.html")


@bp.get("/export.<kind>")
@requires(Permission.ORDER_READ, step_up=True)
@may_lag
def export(kind: str) -> Response:
    return exported(kind)


@bp.get("/<order_id>")
@requires(Permission.ORDER_READ)
def one(order_id: str) -> Response:
    shown = context(order_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(PAGE, error=None, wrong={}, values={}, **shown), shown["version"])


@bp.post("/<order_id>/confirmation")
@requires(Permission.ORDER_CONFIRM_ANY)
def confirm(order_id: str) -> Response:
    wanted, act = CONFIRM[order_id.partition("_")[0] == PREFIXES[Direction.PAYOUT]]
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(wanted, request.form, order_id=order_id)
        with transaction() as session:
            act(session, signed_in(), command)
    return back(order_id)


@bp.post("/<order_id>/cancellation")
@requires(Permission.ORDER_CANCEL_ANY)
def cancel(order_id: str) -> Response:
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(CancelOrder, request.form, order_id=order_id)
        with transaction() as session:
            service.cancel(session, signed_in(), command)
    return back(order_id)


@bp.post("/<order_id>/calling-off")
@requires(Permission.ORDER_CANCEL_ANY)
@once
def call_off(order_id: str) -> Response:
    """A paid order is cancelled by two: this asks the second."""
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(cancel_paid.AskCallOff, request.form, order_id=order_id)
        with transaction() as session:
            cancel_paid.ask(session, signed_in(), command)
    return back(order_id)


@bp.post("/<order_id>/number")
@requires(Permission.REQUISITE_MANAGE, step_up=True)
def number(order_id: str) -> Response:
    """Shown in this answer only, for thirty seconds where there is a script."""
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(RevealOfAttempt, request.form, order_id=order_id)
        with transaction() as session:
            shown = reveal_of_attempt(session, signed_in(), command)
    return show(PAGE, error=None, wrong={}, values={}, **context(order_id) | {"shown": shown})


@bp.post("/<order_id>/notes")
@requires(Permission.ORDER_CONFIRM_ANY)
@once
def note(order_id: str) -> Response:
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(notes.AddNote, request.form, order_id=order_id)
        with transaction() as session:
            notes.add(session, signed_in(), command)
    return back(order_id)


@bp.post("/<order_id>/attention/<why>")
@requires(Permission.ORDER_CONFIRM_ANY)
@once
def deal_with(order_id: str, why: str) -> Response:
    """What staff were called to is dealt with: it leaves the desk."""
    with redisplay(PAGE, lambda: context(order_id)):
        command = bind(attention_cases.DealWith, request.form, order_id=order_id, why=why)
        with transaction() as session:
            attention_cases.deal_with(session, signed_in(), command)
    return back(order_id)


def back(order_id: str) -> Response:
    """After an act: the order as it is now."""
    return done(PAGE, otherwise=url_for("admin_orders.one", order_id=order_id), error=None, wrong={}, values={},
                **context(order_id))


def context(order_id: str) -> dict[str, Any]:
    """What its page shows."""
    session, actor = reader(), signed_in()
    found = detail.open_dossier(session, actor, order_id)
    deliveries = webhooks.deliveries_of_order(session, actor, found.order.id)
    work, written = detail.work(session, found), notes.of(session, actor, found.order)
    asked = approvals.waiting_for(session, "order", found.order.id)
    classed = classes.of_one(session, actor, found.order.store_id, found.order.customer_id)
    waiting = [one for one in asked if one.kind == cancel_paid.KIND]
    shown = receipts.of_dossier(session, found, compared=True)
    calls = attention_cases.of(session, found.order)
    changing = (found.version, len(calls), len(written), len(asked), len(shown),
                *((one.id, one.waits) for one in classed),
                *((job.attempts, job.dead_at) for job in work), *((one.state, one.attempts) for one in deliveries))
    return {"version": crypto.sha256(repr(changing)).hex()[:12],
            "found": found, "order": found.order, "calls": calls, "shown": None,
            "merchant": detail.merchant_of(session, found.order),
            "postings": detail.postings(session, found), "work": work,
            "deliveries": deliveries, "requests": detail.requests(session, deliveries),
            "waiting": waiting, "asked": [one for one in asked if one.kind != cancel_paid.KIND],
            "classes": classed,
            "risk": journal.of(session, found.order.id), "review": journal.review_of(session, found.order.id),
            "receipts": shown,
            "own_requisite": found.order.destination_mask is not None
                             and destinations.is_a_requisite(session, found.order),
            "overdue": found.order.confirm_by is not None and found.order.confirm_by <= clock.now(),
            "notes": written, **dispute_pages.link(found.order),
            **line(of_order(found.order)),
            "funnel": detail.funnel(found.tries[0]) if found.tries else []}
