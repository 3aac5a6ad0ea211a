"""Payouts by file, and those that wait for a second person: taken in, looked at, sent, let go, and their end."""
from typing import Any

from flask import Response, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import PortalError
from portal.imports import tables
from portal.parties.models import Store
from portal.payouts import cost, queries, rows, service
from portal.payouts.commands import RefuseImport
from portal.payouts.models import PayoutImport
from portal.web import htmx
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.locale import language
from portal.web.merchant import payout_form
from portal.web.merchant.payouts import bp
from portal.web.render import redisplay, show
from portal.web.request import takes

INDEX, ONE = "merchant/payouts/imports/index.html", "merchant/payouts/imports/one.html"
UPLOAD_MAX = service.FILE_MAX + 256 * 1024  # the file, and what a form takes around it
CSV = "text/csv; charset=utf-8"


@bp.get("/imports")
@requires(Permission.PAYOUT_CREATE)
def imports() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_list())


@bp.get("/imports/template.csv")
@requires(Permission.PAYOUT_CREATE)
def import_template() -> Response:
    return _file("payouts", tables.template(rows.COLUMNS, russian=language() == "ru"))


@bp.post("/imports")
@requires(Permission.PAYOUT_CREATE)
@takes(UPLOAD_MAX)
@once
def take_in() -> Response:
    with redisplay(INDEX, _list), transaction() as session:
        sent = request.files.get("file")
        taken = service.take_in(session, signed_in(), ids.parse("str", request.form.get("store_id", "")),
                                content=sent.read(service.FILE_MAX + 1) if sent else b"",
                                file_name=(sent.filename or "") if sent else "")
    return _to(taken.public_id)


@bp.get("/imports/<payout_import_id>")
@requires(Permission.PAYOUT_CREATE)
def one_import(payout_import_id: str) -> Response:
    shown = _import(payout_import_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(ONE, error=None, wrong={}, values={}, **shown), shown["version"])


@bp.post("/imports/<payout_import_id>/sending")
@requires(Permission.PAYOUT_CREATE, step_up=True)
@once
def send_import(payout_import_id: str) -> Response:
    with redisplay(ONE, lambda: _import(payout_import_id)), transaction() as session:
        service.send(session, signed_in(), payout_import_id)
    return _to(payout_import_id)


@bp.post("/imports/<payout_import_id>/release")
@requires(Permission.PAYOUT_CREATE, step_up=True)
@once
def release_import(payout_import_id: str) -> Response:
    with redisplay(ONE, lambda: _import(payout_import_id)), transaction() as session:
        service.release(session, signed_in(), payout_import_id)
    return _to(payout_import_id)


@bp.post("/imports/<payout_import_id>/refusal")
@requires(Permission.PAYOUT_CREATE)
@once
def refuse_import(payout_import_id: str) -> Response:
    with redisplay(ONE, lambda: _import(payout_import_id)), transaction() as session:
        service.refuse(session, signed_in(), bind(RefuseImport, request.form, import_id=payout_import_id))
    return _to(payout_import_id)


@bp.post("/imports/<payout_import_id>/withdrawal")
@requires(Permission.PAYOUT_CREATE)
@once
def withdraw_import(payout_import_id: str) -> Response:
    with redisplay(ONE, lambda: _import(payout_import_id)), transaction() as session:
        service.withdraw(session, signed_in(), payout_import_id)
    return _to(payout_import_id)


@bp.get("/imports/<payout_import_id>/bad-rows.csv")
@requires(Permission.PAYOUT_CREATE, step_up=True)
def bad_rows(payout_import_id: str) -> Response:
    """What was typed, with what to mend, to be mended and taken in again; who took it is in the audit."""
    with transaction() as session:
        taken = service.note_taken(session, signed_in(), payout_import_id)
        bad = [cells | {rows.REASON.name: "; ".join(_sentence(one) for one in row.wrong)}
               for row, cells in queries.bad_rows(session, taken)]
    return _file("payouts-to-mend", tables.written(rows.READ, bad, russian=language() == "ru"))


def _sentence(wrong: list[Any]) -> str:
    return str(gettext(wrong[2], **wrong[3]))


def _list() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    return {"page": queries.page(session, actor, cursor=request.args.get("after")),
            "waiting": queries.waiting(session, actor), "columns": rows.COLUMNS, "rows_max": rows.ROWS_MAX,
            "stores": payout_form.choices()["stores"]}


def _import(payout_import_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    taken = queries.find(session, actor, payout_import_id)
    after, bad = request.args.get("after", 0, int), "bad" in request.args
    shown, following = queries.rows_of(session, taken, bad=bad, after=after)
    costs, obstacle = _cost(taken, taken.store)
    return {"taken": taken, "rows": shown, "following": following, "bad": bad, "cost": costs, "obstacle": obstacle,
            "names": {column.name: column for column in rows.COLUMNS}, "same": queries.same_file(session, taken),
            "mine": taken.sent_by == actor.id,
            "version": f"{taken.state}-{bool(taken.held_up)}-{taken.made}-{taken.failed}-{after}-{bad}"}


def _cost(taken: PayoutImport, store: Store) -> tuple[cost.Cost | None, PortalError | None]:
    """Of what can still be sent; or what stands in the way of saying it."""
    if taken.state not in ("checked", "waiting") or not taken.right:
        return None, None
    try:
        return cost.of_import(reader(), signed_in(), taken, store), None
    except PortalError as error:
        return None, error


def _file(name: str, content: bytes) -> Response:
    answer = Response(content, content_type=CSV)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _to(payout_import_id: str) -> Response:
    return redirect(url_for(".one_import", payout_import_id=payout_import_id), 303)  # type: ignore[return-value]


