"""The daily close: which days are due, each with its trial balance, what is held, what differs; and signing it."""
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.treasury import closing
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_closing", __name__, url_prefix="/admin/closing")
ONE = "admin/closing/one.html"


@bp.get("")
@requires(Permission.LEDGER_READ)
def index() -> Response:
    return show("admin/closing/index.html", due=sorted(closing.due(reader()).items()),
                closed=closing.closed(reader(), signed_in()))


@bp.get("/<day>/<currency>")
@requires(Permission.LEDGER_READ)
def one(day: str, currency: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_day(day, currency))


@bp.post("/<day>/<currency>/signature")
@requires(Permission.CLOSING_SIGN)
@once
def sign(day: str, currency: str) -> Response:
    """Signed by somebody else meanwhile: a 409 with the day as it is now."""
    with act(ONE, _day, day, currency) as session:
        closing.close(session, signed_in(), bind(closing.CloseDay, request.form, day=_date(day), currency=currency))
    return redirect(url_for(".one", day=day, currency=currency), 303)  # type: ignore[return-value]


def _day(day: str, currency: str) -> dict[str, Any]:
    return {"found": closing.one(reader(), signed_in(), _date(day), currency)}


def _date(day: str) -> date:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise NotFound() from None
    if not 2000 <= found.year < 2200:
        raise NotFound()
    return found
