"""Disputes at the doors of merchants and traders: the list, a new one, its thread, giving in."""
from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.db import transaction
from portal.web import dispute_pages as pages
from portal.web import htmx
from portal.web.form_keys import once
from portal.web.owners.area import OwnerArea, to
from portal.web.render import redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX, brought

AREA = OwnerArea("disputes", __name__)


@AREA.get("")
@requires(Permission.ORDER_READ)
def index() -> Response:
    return show(pages.INDEX, **pages.index())


@AREA.get("/new")
@requires(Permission.DISPUTE_OPEN)
def new() -> Response:
    """`?order=`: what it is about."""
    return show(pages.NEW, error=None, wrong={}, values={}, **pages.new(request.args.get("order", "")))


@AREA.post("")
@requires(Permission.DISPUTE_OPEN)
@takes(UPLOAD_MAX)
@once
def open_one() -> Response:
    return opened(request.args.get("order", ""))


@AREA.get("/<dispute_id>")
@requires(Permission.ORDER_READ)
def one(dispute_id: str) -> Response:
    shown = pages.one(dispute_id)
    return htmx.unless_known(shown["version"]) or htmx.tagged(
        show(pages.ONE, error=None, wrong={}, values={}, **shown), shown["version"])


@AREA.post("/<dispute_id>/statements")
@requires(Permission.DISPUTE_OPEN)
@takes(UPLOAD_MAX)
@once
def say(dispute_id: str) -> Response:
    with redisplay(pages.ONE, lambda: pages.one(dispute_id)), brought(pages.FIELD) as sent, transaction() as session:
        pages.said(session, dispute_id, sent)
    flash(gettext("Said. The other side and support see it."))
    return to(".one", dispute_id=dispute_id)


@AREA.post("/<dispute_id>/concession")
@requires(Permission.DISPUTE_OPEN)
@once
def give_in(dispute_id: str) -> Response:
    with redisplay(pages.ONE, lambda: pages.one(dispute_id)), transaction() as session:
        pages.given_in(session, dispute_id)
    return to(".one", dispute_id=dispute_id)


def opened(order_id: str) -> Response:
    """Also from the order's own address."""
    with redisplay(pages.NEW, lambda: pages.new(order_id)), brought(pages.FIELD) as sent, transaction() as session:
        public_id = pages.opened(session, order_id, sent).public_id
    return redirect(url_for(f"{_door()}.one", dispute_id=public_id), 303)  # type: ignore[return-value]


def _door() -> str:
    return AREA.trader.name if request.path.startswith("/trader/") else AREA.merchant.name
