"""Files that a desk begins with: templates, a file taken in, its check table, and the question to a second person."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.imports import formats, service
from portal.web.admin.acts import act
from portal.web.approval_labels import SHEETS
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.locale import language
from portal.web.render import redisplay, show

bp = Blueprint("admin_imports", __name__, url_prefix="/admin/imports")
INDEX, ONE = "admin/imports/index.html", "admin/imports/one.html"
HIDDEN = {"number"}
"""Columns that are shown masked: card numbers."""


@bp.get("")
@requires(Permission.PARTY_MANAGE)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_list())


@bp.get("/templates/<sheet>")
@requires(Permission.PARTY_MANAGE)
def template(sheet: str) -> Response:
    if sheet not in formats.SHEETS:
        raise NotFound()
    answer = Response(formats.template(sheet, russian=language() == "ru"), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{sheet}.csv"'
    return answer


@bp.post("")
@requires(Permission.PARTY_MANAGE)
@once
def take_in() -> Response:
    with redisplay(INDEX, _list), transaction() as session:
        sent = request.files.get("file")
        taken = service.take_in(session, signed_in(), sheet=request.form.get("sheet", ""),
                                content=sent.read(service.FILE_MAX + 1) if sent else b"",
                                file_name=(sent.filename or "") if sent else "")
    return redirect(url_for(".one", import_id=taken.public_id), 303)  # type: ignore[return-value]


@bp.get("/<import_id>")
@requires(Permission.PARTY_MANAGE)
def one(import_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_import(import_id))


@bp.post("/<import_id>/request")
@requires(Permission.PARTY_MANAGE)
@once
def ask(import_id: str) -> Response:
    with act(ONE, _import, import_id) as session:
        service.ask(session, signed_in(), bind(service.AskImport, request.form, import_id=import_id))
    return redirect(url_for(".one", import_id=import_id), 303)  # type: ignore[return-value]


def _list() -> dict[str, Any]:
    return {"page": service.page(reader(), signed_in(), cursor=request.args.get("after")), "names": SHEETS,
            "sheets": formats.SHEETS}


def _import(import_id: str) -> dict[str, Any]:
    session = reader()
    checked = service.checked(session, signed_in(), import_id)
    given = {name for row in checked.rows for name in row.cells}
    return {"checked": checked, "taken": checked.taken, "names": SHEETS, "hidden": HIDDEN,
            "columns": [column for column in formats.SHEETS[checked.taken.sheet] if column.name in given],
            "waiting": approvals.waiting_for(session, "import", checked.taken.id)}
