"""Four eyes: what waits for a second person, with before and after, and the decision."""
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext

from portal import approvals
from portal.approvals import kinds
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid, NotFound
from portal.parties import cases
from portal.parties import queries as parties
from portal.treasury.decision_facts import facts_of
from portal.web import htmx
from portal.web.admin.acts import act
from portal.web.admin.cases import line, of_approval
from portal.web.identity import signed_in
from portal.web.labels import changed
from portal.web.render import show

bp = Blueprint("admin_approvals", __name__, url_prefix="/admin/approvals")
STATES = ("pending", "approved", "rejected")
RECORDS = {"merchant": "mrc", "store": "str", "trader": "trd", "user": "usr", "requisite": "rqs",
           "holder": "hld", "order": "pin", "import": "imp"}
"""What approvals are about, with the prefix of its public id; each has a page of its own."""


@bp.get("")
@requires(Permission.APPROVAL_READ)
def index() -> Response:
    """The list; or, for the navigation of a page that is open, only how many wait."""
    waiting = approvals.pending_count(reader(), signed_in())
    if request.args.get("part") == "waiting" and htmx.wants_fragment():
        return show("shared/_waiting_now.html", waiting=waiting)
    state, kind = request.args.get("state", "pending"), request.args.get("kind") or None
    if state not in STATES:
        raise NotFound()
    page = approvals.page(reader(), signed_in(), state=state, kind=kind, cursor=request.args.get("after"))
    return show("admin/approvals/index.html", page=page, state=state, kind=kind, kinds=kinds.titles(),
                record_of=record_of, question_of=question_of, waiting=waiting,
                facts=facts_of(reader(), signed_in(), page.rows),
                on=cases.of(reader(), "approval", [approval.id for approval in page.rows]))


@bp.get("/<approval_id>")
@requires(Permission.APPROVAL_READ)
def one(approval_id: str) -> Response:
    shown = _approval(approval_id)
    version = str(shown["approval"].state)
    return htmx.unless_known(version) or htmx.tagged(
        show("admin/approvals/one.html", error=None, wrong={}, values={}, **shown), version)


@bp.post("/<approval_id>/decision")
@requires(Permission.APPROVAL_DECIDE)
def decide(approval_id: str) -> Response:
    """Decided by somebody else meanwhile: a 409 with the approval as it is now."""
    with act("admin/approvals/one.html", _approval, approval_id) as session:
        command = bind(approvals.DecideApproval, request.form, approval_id=approval_id)
        if command.decision == "reject" and command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "needs_reason", "Say why you reject this.")])
        decided = approvals.decide(session, signed_in(), command)
        password, person = decided.shown_once, decided.target_id
    if password is not None:
        user = parties.user(reader(), signed_in(), ids.public("usr", UUID(person)))
        return show("admin/users/password.html", user=user, password=password)
    return redirect(url_for(".one", approval_id=approval_id), 303)  # type: ignore[return-value]


def _approval(approval_id: str) -> dict[str, Any]:
    approval = approvals.find(reader(), signed_in(), approval_id)
    return {"approval": approval, "record_of": record_of, "question_of": question_of,
            "facts": facts_of(reader(), signed_in(), [approval]), **line(of_approval(approval))}


def record_of(approval: approvals.Approval) -> tuple[str, str] | None:
    """What it is about: its name or public id, and its page."""
    prefix = RECORDS.get(approval.target_kind)
    if prefix is None:
        return None
    shown = ids.public(prefix, UUID(approval.target_id))
    name = approval.before.get("name") or approval.after.get("name") or approval.after.get("email") or shown
    argument: dict[str, Any] = {f"{approval.target_kind}_id": shown}
    return str(name), url_for(f"admin_{approval.target_kind}s.one", **argument)


def question_of(approval: approvals.Approval) -> str:
    """What is asked before it is approved: what, how much, about whom."""
    record, amount = record_of(approval), approval.after.get("amount")
    parts = [gettext(approval.title), changed(amount, "amount", approval.after) if amount else None,
             record[0] if record else None]
    return str(gettext("Approve: %(what)s?", what=" · ".join(part for part in parts if part)))
