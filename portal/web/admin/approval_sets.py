"""Many approvals decided in one go, each by itself; and the limits of what one decides alone or two do together."""
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from portal import approvals, reference
from portal.approvals import kinds, limit_changes, limits
from portal.approvals.foreseeing import foresee
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid, PortalError
from portal.core.money import Money
from portal.treasury import postings_preview
from portal.treasury.decision_facts import facts_of
from portal.web import mails
from portal.web.admin.acts import act
from portal.web.admin.approvals import record_of
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_approval_sets", __name__, url_prefix="/admin/approvals")
LIMITS, RESULTS = "admin/approvals/limits.html", "admin/approvals/results.html"
CHOSEN = "admin/approvals/chosen.html"
CHOSEN_MAX = 50


class Sum(NamedTuple):
    """Of several that were chosen: how many of a kind there are, and what they come to in one currency."""

    kind: str
    number: int
    amount: Money | None  # None: of no amount


class Decided(NamedTuple):
    """What became of one of them; `error` where it was refused."""

    approval: approvals.Approval
    error: PortalError | None


@bp.get("/chosen")
@requires(Permission.APPROVAL_DECIDE)
def chosen() -> Response:
    """What was chosen on the list, with its sums, postings and balances, before it is decided in one go."""
    found = [approvals.find(reader(), signed_in(), approval_id) for approval_id in _chosen(request.args)]
    waiting = [approval for approval in found if approval.state == "pending"]
    foreseen = foresee(reader(), signed_in(), waiting)
    return show(CHOSEN, chosen=found, waiting=waiting, foreseen={one.approval.id: one for one in foreseen},
                posting=_sums([one.approval for one in foreseen if one.takes_effect]), sums=_sums(waiting),
                agreeing=_sums([one.approval for one in foreseen if one.only_agreed]),
                agreed=[one for one in foreseen if one.only_agreed], refused=[one for one in foreseen if one.error],
                title_of=kinds.title_of, record_of=record_of, facts=facts_of(reader(), signed_in(), found),
                preview=postings_preview.of_several(reader(), signed_in(), foreseen))


@bp.post("/decisions")
@requires(Permission.APPROVAL_DECIDE, step_up=True)
@once
def decide() -> Response:
    """Those that were chosen on the list. What one is refused stops no other; one that is not there stops all."""
    wanted = _chosen(request.form)
    for approval_id in wanted:
        approvals.find(reader(), signed_in(), approval_id)
    if not wanted:
        flash(gettext("Choose at least one."))
        return redirect(url_for("admin_approvals.index"), 303)  # type: ignore[return-value]
    return show(RESULTS, results=[_decided(approval_id) for approval_id in wanted])


@bp.get("/limits")
@requires(Permission.APPROVAL_READ)
def of_amounts() -> Response:
    return show(LIMITS, error=None, wrong={}, values={}, **_limits())


@bp.post("/limits")
@requires(Permission.APPROVAL_DECIDE, step_up=True)
@once
def ask_limit() -> Response:
    with act(LIMITS, _limits) as session:
        limit_changes.ask(session, signed_in(), bind(limits.AskLimit, request.form))
    return redirect(url_for(".of_amounts"), 303)  # type: ignore[return-value]


def _chosen(sent: MultiDict[str, str]) -> list[str]:
    return list(dict.fromkeys(sent.getlist("approval_id")))[:CHOSEN_MAX]


def _sums(asked: Sequence[approvals.Approval]) -> list[Sum]:
    by_kind: dict[tuple[str, str], list[approvals.Approval]] = {}
    for approval in asked:
        amount = approval.amount
        by_kind.setdefault((approval.kind, amount.currency if amount else ""), []).append(approval)
    return [Sum(kind, len(these), sum((one.amount for one in these if one.amount), Money.zero(currency))
                if currency else None) for (kind, currency), these in sorted(by_kind.items())]


def _decided(approval_id: str) -> Decided:
    error: PortalError | None = None
    try:
        command = bind(approvals.DecideApproval, {"decision": request.form.get("decision", ""),
                                                  "reason": request.form.get("reason", "").strip() or None},
                       approval_id=approval_id)
        if command.decision == "reject" and command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "needs_reason", "Say why you reject this.")])
        with transaction() as session:
            mails.decided(session, approvals.decide(session, signed_in(), command))
    except PortalError as refused:
        error = refused
    return Decided(approvals.find(reader(), signed_in(), approval_id), error)


def _limits() -> dict[str, Any]:
    known = [one.code for one in reference.snapshot(reader()).currencies.values() if one.active]
    return {"limits": limits.all_limits(reader()), "kinds": kinds.of_money(), "title_of": kinds.title_of,
            "currencies": [(code, code) for code in sorted(known)],
            "waiting": approvals.waiting_for(reader(), "desk", limits.DESK, kind=limits.KIND)}
