"""Who wants to join: the list, one with its documents, checks and notes, the proposal, and the first person's link."""
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for

from portal import approvals, files
from portal.applications import checks, decisions, invitation, service
from portal.applications.commands import AddNote, Propose
from portal.applications.models import DOCUMENT
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.parties import cases
from portal.web.admin.acts import act
from portal.web.admin.cases import line, of_application
from portal.web.application_labels import KIND_WORDS, VOLUME_WORDS
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_applications", __name__, url_prefix="/admin/applications")
ONE = "admin/applications/one.html"
STATES = ("received", "proposed", "accepted", "refused", "all")


@bp.get("")
@requires(Permission.APPLICATION_READ)
def index() -> Response:
    state = request.args.get("state", "received")
    if state not in STATES:
        raise NotFound()
    page = service.page(reader(), signed_in(), state=None if state == "all" else state,
                        cursor=request.args.get("after"))
    return show("admin/applications/index.html", page=page, state=state, kind_words=KIND_WORDS,
                on=cases.of(reader(), "application", [one.id for one in page.rows]))


@bp.get("/<application_id>")
@requires(Permission.APPLICATION_READ)
def one(application_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_application(application_id))


@bp.post("/<application_id>/proposal")
@requires(Permission.APPLICATION_MANAGE)
@once
def propose(application_id: str) -> Response:
    with act(ONE, _application, application_id) as session:
        decisions.propose(session, signed_in(), bind(Propose, request.form, application_id=application_id))
    return _to(application_id)


@bp.post("/<application_id>/notes")
@requires(Permission.APPLICATION_MANAGE)
@once
def note(application_id: str) -> Response:
    with act(ONE, _application, application_id) as session:
        service.note(session, signed_in(), bind(AddNote, request.form, application_id=application_id))
    return _to(application_id)


@bp.post("/<application_id>/invitation")
@requires(Permission.APPLICATION_MANAGE, step_up=True)
@once
def invite(application_id: str) -> Response:
    """The link is in this answer only."""
    with act(ONE, _application, application_id) as session:
        link = invitation.make_link(session, signed_in(), application_id)
    site = str(current_app.extensions["settings"].public_url).rstrip("/")
    shown = f"{site}{url_for('join.way_in', invitation_token=link)}"
    return show(ONE, error=None, wrong={}, values={}, **_application(application_id) | {"link": shown})


def _application(application_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    found = service.find(session, actor, application_id)
    words = current_app.extensions["settings"].application_deny_words
    asked = approvals.waiting_for(session, decisions.TARGET, found.id, kind=decisions.KIND)
    party_page = None
    if found.party_id is not None:
        prefix = "mrc" if found.kind == "merchant" else "trd"
        argument: dict[str, Any] = {f"{found.kind}_id": ids.public(prefix, found.party_id)}
        party_page = url_for(f"admin_{found.kind}s.one", **argument)
    known = checks.of(session, found, deny_words=words)
    holder_page = None if known.holder is None else url_for("admin_holders.one",
                                                            holder_id=ids.public("hld", known.holder.id))
    return {"application": found, "checks": known, "link": None,
            "documents": files.of(session, DOCUMENT, [found.id]).get(found.id, []),
            "notes": service.notes(session, found), "asked": asked[0] if asked else None, "party_page": party_page,
            "volume": VOLUME_WORDS[found.volume], "holder_page": holder_page, "kind_words": KIND_WORDS,
            **line(of_application(found))}


def _to(application_id: str) -> Response:
    return redirect(url_for(".one", application_id=application_id), 303)  # type: ignore[return-value]
