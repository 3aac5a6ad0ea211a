"""Orders in review, oldest first: what fired, who is on it, and a person's word."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.orders.judging import review
from portal.parties import cases
from portal.risk import classes
from portal.risk.commands import DecideReview
from portal.web.admin.acts import act
from portal.web.admin.risk_rules import tabs
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_risk_reviews", __name__, url_prefix="/admin/risk/reviews")
PAGE = "admin/risk/reviews.html"


@bp.get("")
@requires(Permission.RISK_READ)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_queue())


@bp.post("/<order_id>")
@requires(Permission.RISK_DECIDE)
@once
def decide(order_id: str) -> Response:
    with act(PAGE, _queue) as session:
        review.decide(session, signed_in(), bind(DecideReview, request.form, order_id=order_id))
    return redirect(url_for(".index", whose=request.args.get("whose")), 303)  # type: ignore[return-value]


def _queue() -> dict[str, Any]:
    session, actor, mine = reader(), signed_in(), request.args.get("whose") == "mine"
    waiting = review.queue(session, actor)
    on = cases.of(session, "order", [one.order.id for one in waiting])
    if mine:
        waiting = [one for one in waiting if one.order.id in on and on[one.order.id].taken_by == actor.id]
    customers = {(one.order.store_id, one.order.customer_id) for one in waiting if one.order.customer_id}
    return {"tabs": tabs("reviews"), "waiting": waiting, "on": on, "mine": mine,
            "classed": classes.of(session, actor, customers)}
