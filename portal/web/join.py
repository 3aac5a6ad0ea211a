"""Joining the desk: the form for strangers, what became of it, and the link by which the first person comes in."""
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from portal import files
from portal.applications import invitation, service
from portal.applications.commands import VOLUMES, Apply, ChooseFirstPassword
from portal.core.access import Actor, ActorKind
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.web import uploads
from portal.web.application_labels import VOLUME_WORDS
from portal.web.locale import language
from portal.web.render import redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX

bp = Blueprint("join", __name__, url_prefix="/join")
FORM, STATE, WAY_IN, FIELD, KEY = "join/form.html", "join/state.html", "join/way_in.html", "files", "draft_key"
KINDS = "<any(merchant,trader):kind>"


@bp.get("")
def index() -> Response:
    return show("join/index.html")


@bp.get(f"/{KINDS}")
def form(kind: str) -> Response:
    return show(FORM, error=None, wrong={}, values={}, **_form(kind, service.token_of(new_id())))


@bp.post(f"/{KINDS}")
@takes(UPLOAD_MAX)
def send(kind: str) -> Response:
    """The same answer whoever it is; sent twice, it is one application."""
    token, sender = request.form.get(KEY, ""), _sender()
    with (redisplay(FORM, lambda: _form(kind, token, sender)), uploads.brought(FIELD) as documents,
          transaction() as session):
        typed = {name: value for name, value in request.form.items() if name != KEY}
        service.apply(session, sender, bind(Apply, MultiDict(typed), kind=kind, locale=language(),
                                            files=documents.keep(session, sender)))
    return redirect(url_for(".state", application_token=token), 303)  # type: ignore[return-value]


@bp.post("/files")
@takes(UPLOAD_MAX)
def upload() -> Response:
    return uploads.take_draft(_sender())


@bp.post("/files/<file_id>/removal")
def remove(file_id: str) -> Response:
    return uploads.drop_draft(_sender(), file_id)


@bp.get("/application/<application_token>")
def state(application_token: str) -> Response:
    application = service.own(reader(), service.applicant(application_token))
    return show(STATE, application=application)


@bp.get("/invitation/<invitation_token>")
def way_in(invitation_token: str) -> Response:
    return show(WAY_IN, error=None, wrong={}, values={}, **_invited(invitation_token))


@bp.post("/invitation/<invitation_token>")
def choose(invitation_token: str) -> Response:
    with redisplay(WAY_IN, lambda: _invited(invitation_token)):
        command = bind(ChooseFirstPassword, request.form, link=invitation_token)
        with transaction() as session:
            invitation.choose(session, _nobody(), command)
    flash(gettext("Your password is set. Sign in with your e-mail address."))
    return redirect(url_for("auth.login"), 303)  # type: ignore[return-value]


def _sender() -> Actor:
    """Whoever holds the key of the form. Raises NotFound."""
    return service.applicant(request.form.get(KEY, ""), address=request.remote_addr, request_id=g.request_id)


def _nobody() -> Actor:
    return Actor(kind=ActorKind.APPLICANT, name="applicant", address=request.remote_addr, request_id=g.request_id)


def _form(kind: str, token: str, sender: Actor | None = None) -> dict[str, Any]:
    drafts = files.drafts(reader(), sender, request.form.getlist(uploads.DRAFT)) if sender is not None else []
    return {"kind": kind, "token": token, "drafts": drafts,
            "volumes": [(code, VOLUME_WORDS[code]) for code in VOLUMES]}


def _invited(link: str) -> dict[str, Any]:
    """Raises NotFound: used, replaced, or run out."""
    if not link.isascii():
        raise NotFound()
    return {"application": invitation.of_link(reader(), link), "link": link}
