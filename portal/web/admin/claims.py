"""What owners owe the desk: claims that are open, and those that were paid."""
from flask import Response, request

from portal import ledger
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.treasury import queries
from portal.web.admin.treasury import bp, tabs
from portal.web.render import show


@bp.get("/claims")
@requires(Permission.TREASURY_READ)
def owed() -> Response:
    session, paid = reader(), request.args.get("view") == "paid"
    page = ledger.claims.page(session, still_open=not paid, cursor=request.args.get("after"))
    return show("admin/treasury/claims.html", page=page, tabs=tabs("claims"), paid=paid,
                totals=ledger.claims.outstanding(session), names=queries.names(session, page.rows))
