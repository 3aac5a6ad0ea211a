"""Help with an order: a trader asks support and reads the answers."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.help import queries, service
from portal.help.commands import AskHelp
from portal.orders import queries as orders
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.locale import language
from portal.web.render import redisplay, show

bp = Blueprint("trader_help", __name__, url_prefix="/trader/help")
PAGE = "trader/help/one.html"


@bp.get("/<order_id>")
@requires(Permission.DISPUTE_OPEN)
def one(order_id: str) -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_help(order_id))


@bp.post("/<order_id>")
@requires(Permission.DISPUTE_OPEN)
@once
def ask(order_id: str) -> Response:
    with redisplay(PAGE, lambda: _help(order_id)), transaction() as session:
        service.ask(session, signed_in(), bind(AskHelp, request.form, order_id=order_id, locale=language()))
    flash(gettext("Sent. Support answers here, and you are told."))
    return redirect(url_for(".one", order_id=order_id), 303)  # type: ignore[return-value]


def _help(order_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    order = orders.find(session, actor, order_id)
    threads = queries.of_order(session, actor, order.id)
    return {"order": order, "said": queries.said(session, threads), "waits": any(
        not one.closed and one.waits_for == "staff" for one in threads)}
