"""Four eyes: what waits for a second person, with before and after, and the decision."""
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext

from portal import approvals, files
from portal.approvals import kinds, limits
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid, NotFound
from portal.parties import cases
from portal.parties import queries as parties
from portal.treasury import deposits, postings_preview, reversals
from portal.treasury.decision_facts import facts_of, tariff_of, yesterday
from portal.web import htmx, mails
from portal.web.admin.acts import act
from portal.web.admin.cases import line, of_approval
from portal.web.approval_labels import changed
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_approvals", __name__, url_prefix="/admin/approvals")
STATES = ("pending", "approved", "rejected", "withdrawn", "expired")
RECORDS = {"merchant": "mrc", "store": "str", "trader": "trd", "user": "usr", "requisite": "rqs",
           "holder": "hld", "order": "pin", "import": "imp", "withdrawal": "wdr", "withdrawal_address": "wad",
           "risk_rule": "rsk", "application": "apl"}
"""What approvals are about, with the prefix of its public id; each has a page of its own."""
PAGES = {"withdrawal": ("admin_treasury.withdrawal", "withdrawal_id"),
         "withdrawal_address": ("admin_treasury.address", "address_id"), "risk_rule": ("admin_risk.one", "rule_id")}
"""Where it is not `admin_<kind>s.one` with `<kind>_id`."""
SEEN_WITH = {"risk_rule": Permission.RISK_READ}


@bp.get("")
@requires(Permission.APPROVAL_READ)
def index() -> Response:
    """The list; or, for the navigation of a page that is open, only how many wait."""
    waiting = approvals.pending_count(reader(), signed_in())
    if request.args.get("part") == "waiting" and htmx.wants_fragment():
        return show("shared/_waiting_now.html", waiting=waiting)
    mine, kind = request.args.get("mine") == "1", request.args.get("kind") or None
    state = request.args.get("state", "all" if mine else "pending")
    if state not in (*STATES, *(("all",) if mine else ())):
        raise NotFound()
    page = approvals.page(reader(), signed_in(), state=None if state == "all" else state, kind=kind, mine=mine,
                          cursor=request.args.get("after"))
    return show("admin/approvals/index.html", page=page, mine=mine, state=state, kind=kind, kinds=kinds.titles(),
                record_of=record_of, question_of=question_of, waiting=waiting,
                others=[one.id for one in page.rows if signed_in().id not in (one.asked_by, one.first_by)],
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
@requires(Permission.APPROVAL_DECIDE, step_up=True)
def decide(approval_id: str) -> Response:
    """Decided by somebody else meanwhile: a 409 with the approval as it is now."""
    with act("admin/approvals/one.html", _approval, approval_id) as session:
        command = bind(approvals.DecideApproval, request.form, approval_id=approval_id)
        if command.decision == "reject" and command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "needs_reason", "Say why you reject this.")])
        decided = approvals.decide(session, signed_in(), command)
        mails.decided(session, decided)
        password, person = decided.shown_once, decided.target_id
    if password is not None:
        user = parties.user(reader(), signed_in(), ids.public("usr", UUID(person)))
        return show("admin/users/password.html", user=user, password=password)
    return redirect(url_for(".one", approval_id=approval_id), 303)  # type: ignore[return-value]


@bp.post("/<approval_id>/withdrawal")
@requires(Permission.APPROVAL_READ)
@once
def take_back(approval_id: str) -> Response:
    """By who asked. Decided meanwhile: a 409 with the approval as it is now."""
    with act("admin/approvals/one.html", _approval, approval_id) as session:
        approvals.take_back(session, signed_in(), approval_id)
    return redirect(url_for(".one", approval_id=approval_id), 303)  # type: ignore[return-value]


def _approval(approval_id: str) -> dict[str, Any]:
    approval = approvals.find(reader(), signed_in(), approval_id)
    mine = approval.state == "pending" and approval.asked_by == signed_in().id and approval.first_by is None
    effects, facts = tariff_of(reader(), approval), facts_of(reader(), signed_in(), [approval])
    facts[approval.id] += yesterday(effects)
    return {"approval": approval, "record_of": record_of, "question_of": question_of,
            "alone": limits.judged(reader(), approval, signed_in()) if mine else None,
            "facts": facts, "effects": effects,
            "preview": postings_preview.of_approval(reader(), signed_in(), approval), **_evidence(approval),
            **line(of_approval(approval))}


def _evidence(approval: approvals.Approval) -> dict[str, Any]:
    """What a deposit's owner shows for it, and others that tell of the same transfer or show the same."""
    told = deposits.of_approval(reader(), approval.id) if approval.kind == deposits.KIND else None
    if told is None:
        return {"receipts": [], "alike": [], "same_proof": []}
    return {"receipts": files.of(reader(), deposits.PROOF, [told.id]).get(told.id, []),
            "alike": deposits.alike(reader(), told), "same_proof": deposits.same_proof(reader(), told)}


def record_of(approval: approvals.Approval) -> tuple[str, str] | None:
    """What it is about: its name or public id, and its page."""
    if approval.target_kind == reversals.TARGET and signed_in().may(Permission.LEDGER_READ):
        return (gettext("Entry %(id)s", id=approval.target_id),
                url_for("admin_ledger.entry", entry_id=int(approval.target_id)))
    if approval.target_kind == "bank_cap":
        return approval.target_id, url_for("admin_caps.one", scope="bank", target=approval.target_id)
    prefix = RECORDS.get(approval.target_kind)
    if prefix is None or (approval.target_kind in PAGES and not signed_in().may(
            SEEN_WITH.get(approval.target_kind, Permission.TREASURY_READ))):
        return None
    shown = ids.public(prefix, UUID(approval.target_id))
    name = approval.before.get("name") or next(
        (approval.after[key] for key in ("name", "external_id", "email") if approval.after.get(key)), shown)
    page, argument = PAGES.get(approval.target_kind, (f"admin_{approval.target_kind}s.one",
                                                      f"{approval.target_kind}_id"))
    asked: dict[str, Any] = {argument: shown}
    return str(name), url_for(page, **asked)


def question_of(approval: approvals.Approval) -> str:
    """What is asked before it is approved: what, how much, about whom."""
    record, amount = record_of(approval), approval.after.get("amount")
    parts = [gettext(approval.title), changed(amount, "amount", approval.after) if amount else None,
             record[0] if record else None]
    return str(gettext("Approve: %(what)s?", what=" · ".join(part for part in parts if part)))
