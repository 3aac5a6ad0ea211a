"""The desk's own result: by day, store, trader or method, over the operator's days; the same as a file."""
from typing import Any, get_args
from uuid import UUID

from flask import Blueprint, Response, abort, request, url_for
from flask_babel import gettext

from portal.core import audit, ids
from portal.core.access import Permission, requires
from portal.core.date_range import Days
from portal.core.db import reader, transaction
from portal.core.errors import Invalid, NotFound
from portal.parties import queries
from portal.treasury import result, suspense
from portal.treasury.result import By, Line, Period
from portal.web.behind import may_lag
from portal.web.exports import KINDS, Column, export
from portal.web.identity import signed_in
from portal.web.refused_forms import sentences
from portal.web.render import show

bp = Blueprint("admin_result", __name__, url_prefix="/admin/result")


@bp.get("")
@requires(Permission.RESULT_READ)
@may_lag
def index() -> Response:
    session, actor, error = reader(), signed_in(), None
    asked: dict[str, Any] = dict(request.args)
    try:
        period = _period()
    except Invalid as refused:
        period, error = Period.of(None, None), refused
    found = result.lines(session, actor, period, _by(), **_which())
    return show("admin/result/index.html", lines=found, totals=result.totals(found), period=period, by=_by(),
                most=result.LINES_MAX, computed_to=result.computed_to(session, actor), about=_about(),
                suspense=[one for one in suspense.balances(session, actor) if one], error=error,
                wrong=sentences(error) if error else {}, typed=request.args,
                files=[(kind.upper(), url_for(".export", kind=kind, **asked)) for kind in KINDS])


@bp.get("/export.<kind>", endpoint="export")
@requires(Permission.RESULT_READ)
@may_lag
def export_lines(kind: str) -> Response:
    if kind not in KINDS:
        abort(404)
    by, period = _by(), _period()
    found = result.lines(reader(), signed_in(), period, by, **_which())
    with transaction() as session:
        audit.record(session, signed_in(), "result.exported", "desk", "result",
                     after={"by": by, "from": str(period.first), "to": str(period.last)})
    columns: list[Column[Line]] = [
        Column(gettext(_WORDS[by]), lambda line: line.name or ""),
        Column(gettext("Orders"), lambda line: line.orders),
        Column(gettext("Turnover"), lambda line: line.turnover), Column(gettext("Fees"), lambda line: line.fee),
        Column(gettext("Rewards"), lambda line: line.reward),
        Column(gettext("Other gains and losses"), lambda line: line.other),
        Column(gettext("Result"), lambda line: line.result),
        Column(gettext("Currency"), lambda line: line.result.currency)]
    return export("result", kind, columns, found)


def _by() -> By:
    wanted = request.args.get("by", "day")
    if wanted not in get_args(By):
        raise NotFound()
    return wanted  # type: ignore[return-value]


def _period() -> Period:
    days = Days.of(request.args)
    return Period.of(days.first, days.last)


def _which() -> dict[str, UUID]:
    """The one store or trader that the address names. Raises NotFound."""
    return {f"{noun}_id": ids.parse(prefix, request.args[noun])
            for noun, prefix in (("store", "str"), ("trader", "trd")) if request.args.get(noun)}


def _about() -> list[tuple[str, str]]:
    """(name, address without it) of what the page is narrowed to. Raises NotFound."""
    found, session, actor = [], reader(), signed_in()
    for noun, read in (("store", queries.store), ("trader", queries.trader)):
        if wanted := request.args.get(noun):
            rest: dict[str, Any] = {name: value for name, value in request.args.items() if name != noun}
            found.append((read(session, actor, wanted).name, url_for(".index", **rest)))
    return found


_WORDS = {"day": "Day", "store": "Store", "trader": "Trader", "method": "Method"}
