"""A merchant moves money between its stores: one form, done at once, and what was moved lately."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.treasury import owners, transfers
from portal.treasury.commands import MakeTransfer
from portal.treasury.holdings import holdings, settlement_of
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("merchant_transfers", __name__, url_prefix="/merchant/transfers")
PAGE = "merchant/transfers/index.html"


@bp.get("")
@requires(Permission.TRANSFER_CREATE)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_page())


@bp.post("")
@requires(Permission.TRANSFER_CREATE)
@once
def make() -> Response:
    with redisplay(PAGE, _page), transaction() as session:
        transfers.make(session, signed_in(), bind(MakeTransfer, request.form))
    flash(gettext("Done: the money is in the other store."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _page() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    stores = owners.own(session, actor)
    return {"stores": stores, "names": {store.id: store.name for store in stores},
            "has": holdings(session, actor, "store", settlement_of(stores)),
            "moved": transfers.lately(session, [store.id for store in stores])}
