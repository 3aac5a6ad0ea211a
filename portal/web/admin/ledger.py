"""The books: totals that come to nothing, every account and its statement, one entry, the last proofs."""
from typing import Any

from flask import Blueprint, Response, request

from portal import approvals, ledger
from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.date_range import Days
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.money import Money
from portal.ledger import findings, proofs
from portal.treasury import ledger_pages, reversals
from portal.web.behind import may_lag
from portal.web.identity import signed_in
from portal.web.locale import time_zone
from portal.web.render import show
from portal.web.statements import files_of, statement_file

bp = Blueprint("admin_ledger", __name__, url_prefix="/admin/ledger")
LINES = 50
ENTRY = "admin/ledger/entry.html"


@bp.get("")
@requires(Permission.LEDGER_READ)
@may_lag
def index() -> Response:
    owner = request.args.get("owner") or None
    if owner is not None and owner not in ledger_pages.OWNERS:
        raise NotFound()
    session = reader()
    page = ledger_pages.accounts(session, signed_in(), owner_kind=owner, cursor=request.args.get("after"))
    return show("admin/ledger/index.html", page=page, owner=owner, sums=_sums(ledger.totals(session)),
                proof=proofs.last(session), standing=findings.count(session))


@bp.get("/accounts/<int:account_id>")
@requires(Permission.LEDGER_READ)
@may_lag
def account(account_id: int) -> Response:
    session, days = reader(), Days.of(request.args)
    line = ledger_pages.account(session, signed_in(), account_id)
    found = ledger.statement(session, line.account, since=days.since, until=days.until,
                             cursor=request.args.get("after"), limit=LINES)
    return show("admin/ledger/account.html", line=line, statement=found, days=days, desk_zone=clock.zone_name(),
                own_zone=time_zone(), files=files_of(days, ".statement", account_id=account_id))


@bp.get("/accounts/<int:account_id>/statement.<kind>")
@requires(Permission.LEDGER_READ)
@may_lag
def statement(account_id: int, kind: str) -> Response:
    """Of any account as a file, as its owner may take it."""
    return statement_file(ledger_pages.account(reader(), signed_in(), account_id).account, kind)


@bp.get("/entries/<int:entry_id>")
@requires(Permission.LEDGER_READ)
def entry(entry_id: int) -> Response:
    return show(ENTRY, error=None, wrong={}, values={}, **entry_page(entry_id))


def entry_page(entry_id: int) -> dict[str, Any]:
    """With what waits to be decided about it."""
    session = reader()
    return {"entry": ledger_pages.entry(session, signed_in(), entry_id),
            "waiting": approvals.waiting_for(session, reversals.TARGET, entry_id)}


def _sums(totals: list[ledger.Total]) -> list[dict[str, Any]]:
    """One table per currency and mode: its sorts of accounts, and what they come to together."""
    tables: dict[tuple[str, bool], list[ledger.Total]] = {}
    for total in totals:
        tables.setdefault((total.currency, total.live), []).append(total)
    return [{"currency": currency, "live": live, "rows": rows,
             "sum": Money(sum(row.balance.minor for row in rows), currency)}
            for (currency, live), rows in sorted(tables.items(), key=lambda item: (not item[0][1], item[0][0]))]
