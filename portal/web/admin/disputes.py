"""Disputes as staff see them: by deadline, both sides beside each other, past ones that are alike, and the decision."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.disputes import clocks, decisions, queries
from portal.disputes.commands import DecideDispute
from portal.help import replies
from portal.risk import classes
from portal.treasury import postings_preview
from portal.web import dispute_pages as pages
from portal.web import htmx
from portal.web.admin.acts import act
from portal.web.admin.cases import line, of_order
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX, brought

bp = Blueprint("admin_disputes", __name__, url_prefix="/admin/disputes")
ONE = "admin/disputes/one.html"


@bp.get("")
@requires(Permission.ORDER_READ)
def index() -> Response:
    return show(pages.INDEX, **pages.index())


@bp.get("/new")
@requires(Permission.DISPUTE_OPEN)
def new() -> Response:
    return show(pages.NEW, error=None, wrong={}, values={}, **pages.new(request.args.get("order", "")))


@bp.post("")
@requires(Permission.DISPUTE_OPEN)
@takes(UPLOAD_MAX)
@once
def open_one() -> Response:
    order_id = request.args.get("order", "")
    with redisplay(pages.NEW, lambda: pages.new(order_id)), brought(pages.FIELD) as sent, transaction() as session:
        public_id = pages.opened(session, order_id, sent).public_id
    return _to(public_id)


@bp.get("/<dispute_id>")
@requires(Permission.ORDER_READ)
def one(dispute_id: str) -> Response:
    """`?reply=` fills the ground with a template, in the language of `?in=`."""
    shown = _one(dispute_id)
    ground = replies.words(reader(), signed_in(), request.args.get("reply"), request.args.get("in", ""))
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(ONE, error=None, wrong={}, values={"reason": ground[:500]} if ground else {}, **shown), shown["version"])


@bp.post("/<dispute_id>/statements")
@requires(Permission.DISPUTE_OPEN)
@takes(UPLOAD_MAX)
@once
def say(dispute_id: str) -> Response:
    with redisplay(ONE, lambda: _one(dispute_id)), brought(pages.FIELD) as sent, transaction() as session:
        pages.said(session, dispute_id, sent)
    return _to(dispute_id)


@bp.post("/<dispute_id>/decision")
@requires(Permission.DISPUTE_DECIDE, step_up=True)
@once
def decide(dispute_id: str) -> Response:
    """This asks the second person."""
    with act(ONE, _one, dispute_id) as session:
        order = queries.find(session, signed_in(), dispute_id).order
        decisions.ask(session, signed_in(), bind(DecideDispute, request.form, order_id=order.public_id))
    return _to(dispute_id)


def _one(dispute_id: str) -> dict[str, Any]:
    shown, session = pages.one(dispute_id), reader()
    dispute, order = shown["dispute"], shown["order"]
    asked = approvals.waiting_for(session, "order", order.id, kind=decisions.KIND)
    may_decide = signed_in().may(Permission.DISPUTE_DECIDE) and not dispute.ended
    return shown | line(of_order(order)) | {
        "replies": replies.all_of(session, signed_in(), use="dispute", active=True) if may_decide else [],
        "classes": classes.of_one(session, signed_in(), dispute.store_id, dispute.customer_id),
        "alike": queries.alike(session, dispute), "suggested": clocks.suggested(dispute), "asked": asked,
        "outcomes": decisions.OUTCOMES.get(order.status, ()) if may_decide else (),
        "places": queries.in_words(session, decisions.places(session, order)) if may_decide else (),
        "previews": _previews(dispute) if may_decide and not asked and signed_in().may(Permission.BALANCE_READ) else [],
        "version": f"{shown['version']}-{len(asked)}"}


def _previews(dispute: Any) -> list[tuple[str, postings_preview.PostingsPreview]]:
    """What each choice would post, as far as it is known without an amount."""
    return [(outcome, postings_preview.of_drafts(reader(), drafts))
            for outcome, drafts in decisions.foreseen(reader(), dispute.order).items()]


def _to(dispute_id: str) -> Response:
    return redirect(url_for(".one", dispute_id=dispute_id), 303)  # type: ignore[return-value]
