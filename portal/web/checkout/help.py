"""`/pay/<token>/help`: a payer asks the desk's support, and reads its answers. Works without a script."""
from typing import Any

from flask import Response, redirect, request, url_for

from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.help import queries, service
from portal.help.commands import AskHelp
from portal.orders import queries as orders
from portal.orders.reading.checkout_page import open_checkout
from portal.web.checkout.orders import bp, payer_of
from portal.web.locale import language
from portal.web.render import redisplay, show

PAGE = "checkout/help.html"


@bp.get("/<token>/help")
def help_of(token: str) -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_help(token))


@bp.post("/<token>/help")
def ask_help(token: str) -> Response:
    payer = payer_of(token)
    with redisplay(PAGE, lambda: _help(token)), transaction() as session:
        service.ask(session, payer, bind(AskHelp, request.form, locale=language(),
                                         order_id=orders.public_id_of(session, payer)))
    return redirect(url_for(".help_of", token=token), 303)  # type: ignore[return-value]


def _help(token: str) -> dict[str, Any]:
    session, payer = reader(), payer_of(token)
    pay = open_checkout(session, payer)
    threads = queries.of_order(session, payer, pay.order.id)
    return {"pay": pay, "token": token, "said": queries.said(session, threads),
            "waits": any(not one.closed and one.waits_for == "staff" for one in threads)}
