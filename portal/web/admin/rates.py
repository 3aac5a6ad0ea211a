"""Exchange rates: what counts now, how old it is, how it moved in a day; and a rate set by hand, with a reason."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import reference
from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid, NotFound
from portal.reference import rate_board, service
from portal.reference.cache import rate_max_age_s
from portal.reference.commands import SetRate
from portal.reference.models import Rate
from portal.reference.quotes import MANUAL
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import done, redisplay, show

bp = Blueprint("admin_rates", __name__, url_prefix="/admin/rates")
INDEX = "admin/rates/index.html"
SHOWN = timedelta(hours=24)
WIDTH, HEIGHT, EDGE = 600, 120, 6  # of the drawing, in its own units


@bp.get("")
@requires(Permission.REFERENCE_READ)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_board())


@bp.post("")
@requires(Permission.REFERENCE_MANAGE)
@once
def set_first() -> Response:
    """Of any two currencies that are switched on; without one no order of the pair can be priced."""
    with redisplay(INDEX, _board):
        command = bind(SetRate, request.form, source=MANUAL)
        if command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
        with transaction() as session:
            service.set_rate(session, signed_in(), command)
    return redirect(url_for(".one", pair=f"{command.base}-{command.quote}"), 303)  # type: ignore[return-value]


@bp.get("/<pair>")
@requires(Permission.REFERENCE_READ)
def one(pair: str) -> Response:
    return show("admin/rates/one.html", error=None, wrong={}, values={}, **_pair(pair))


@bp.post("/<pair>/manual")
@requires(Permission.REFERENCE_MANAGE)
@once
def set_by_hand(pair: str) -> Response:
    with redisplay("admin/rates/one.html", lambda: _pair(pair)):
        base, quote = _codes(pair)
        command = bind(SetRate, request.form, base=base, quote=quote, source=MANUAL)
        if command.reason is None:
            raise Invalid(fields=[FieldError("/reason", "missing", "Field required")])
        with transaction() as session:
            service.set_rate(session, signed_in(), command)
    return done("admin/rates/one.html", otherwise=url_for(".one", pair=pair), error=None, wrong={}, values={},
                **_pair(pair))


def _board() -> dict[str, Any]:
    known = [one for one in reference.snapshot(reader()).currencies.values() if one.active]
    return {"rates": rate_board.present(reader()), "age_max_s": rate_max_age_s(),
            "bases": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "crypto")],
            "quotes": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "fiat")]}


def _codes(pair: str) -> tuple[str, str]:
    base, dash, quote = pair.partition("-")
    if not dash:
        raise NotFound()
    return base, quote


def _pair(pair: str) -> dict[str, Any]:
    session, (base, quote), now = reader(), _codes(pair), clock.now()
    rows = rate_board.history(session, base, quote, since=now - SHOWN)
    latest = rows[0]
    line = rate_board.RateLine(base, quote, latest.rate, latest.source, latest.at)
    return {"line": line, "rows": rows, "points": _points(rows, now), "age_max_s": rate_max_age_s(), "pair": pair,
            "lowest": min(row.rate for row in rows), "highest": max(row.rate for row in rows)}


def _points(rows: Sequence[Rate], now: datetime) -> str:
    """A step line for an SVG: a rate counts until the next one."""
    lowest, highest = min(row.rate for row in rows), max(row.rate for row in rows)
    room = HEIGHT - 2 * EDGE
    corners: list[tuple[int, int]] = []
    begin = now - SHOWN
    for row in reversed(rows):
        x = round(WIDTH * max((row.at - begin) / SHOWN, 0))
        y = HEIGHT - EDGE - (round(room * (row.rate - lowest) / (highest - lowest)) if highest > lowest else room // 2)
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    corners.append((WIDTH, corners[-1][1]))
    return " ".join(f"{x},{y}" for x, y in corners)
