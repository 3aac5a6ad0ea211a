"""Who is on what: mine and everybody's, and the line on an order or an approval that says so and takes it."""
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.orders import queries
from portal.orders.models import Order
from portal.parties import cases
from portal.web.htmx import wants_fragment
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("admin_cases", __name__, url_prefix="/admin/cases")
LINE, INDEX = "admin/cases/_line.html", "admin/cases/index.html"


class Subject(NamedTuple):
    """What a case is about: `kind` as cases know it, its public id, its page, whether it still waits."""

    kind: str
    id: UUID
    public_id: str
    url: str
    waits: bool


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_list())


@bp.get("/<subject_id>")
@requires(Permission.ADMIN_PORTAL)
def one(subject_id: str) -> Response:
    """The line for a page that is open; a browser that follows the address goes to the matter itself."""
    subject = subject_of(subject_id)
    if not wants_fragment():
        return redirect(subject.url, 303)  # type: ignore[return-value]
    return show(LINE, **line(subject))


@bp.post("/<subject_id>")
@requires(Permission.ADMIN_PORTAL)
def take(subject_id: str) -> Response:
    """A colleague was faster: 409 with who it is."""
    subject = subject_of(subject_id)
    with redisplay(INDEX, _list), transaction() as session:
        cases.take(session, signed_in(), bind(cases.TakeCase, request.form, subject_kind=subject.kind,
                                              subject_id=subject.id))
    return redirect(subject.url, 303)  # type: ignore[return-value]


@bp.post("/<subject_id>/release")
@requires(Permission.ADMIN_PORTAL)
def release(subject_id: str) -> Response:
    subject = subject_of(subject_id)
    with redisplay(INDEX, _list), transaction() as session:
        cases.release(session, signed_in(), bind(cases.EndCase, request.form, subject_kind=subject.kind,
                                                 subject_id=subject.id))
    return redirect(subject.url, 303)  # type: ignore[return-value]


def subject_of(public_id: str) -> Subject:
    """Of what this person may see. Raises NotFound."""
    session, actor = reader(), signed_in()
    if public_id.startswith("apr_"):
        return of_approval(approvals.find(session, actor, public_id))
    return of_order(queries.find(session, actor, public_id))


def of_approval(approval: approvals.Approval) -> Subject:
    return Subject("approval", approval.id, approval.public_id,
                   url_for("admin_approvals.one", approval_id=approval.public_id), approval.state == "pending")


def of_order(order: Order) -> Subject:
    return Subject("order", order.id, order.public_id, url_for("admin_orders.one", order_id=order.public_id),
                   not order.ended)


def line(subject: Subject) -> dict[str, Any]:
    """What the line of one matter shows."""
    session, actor = reader(), signed_in()
    case = cases.of(session, subject.kind, [subject.id]).get(subject.id)  # type: ignore[arg-type]
    mine = case is not None and case.taken_by == actor.id
    return {"subject": subject, "case": case,
            "colleagues": [(one.id, one.name) for one in cases.colleagues(session, actor)] if mine else []}


def _list() -> dict[str, Any]:
    mine = request.args.get("whose", "mine") == "mine"
    found = []
    for case in cases.open_cases(reader(), signed_in(), mine=mine):
        try:
            subject = subject_of(ids.public("pin" if case.subject_kind == "order" else "apr", case.subject_id))
        except NotFound:
            continue
        if subject.waits:
            found.append((case, subject))
    return {"found": found, "mine": mine}
