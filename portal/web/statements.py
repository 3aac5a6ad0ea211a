"""The statement of an account, as a trader and a merchant read it: days of the address, lines, the same as a file."""
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import audit, clock
from portal.core.date_range import Days
from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.ledger import Account, StatementLine
from portal.ledger.statements import lines
from portal.treasury.ledger_pages import orders_behind
from portal.web.exports import KINDS, Column, export, in_batches, zoned
from portal.web.identity import signed_in
from portal.web.labels import entry
from portal.web.refused_forms import sentences

LINES = 50
BATCH = 2_000
Row = tuple[StatementLine, str | None]  # with the public id of its order


def statement_of(account: Account, *, order_endpoint: str, export_endpoint: str, **asked: Any) -> dict[str, Any]:
    """The context of `shared/statement/_statement.html`; `asked`: what else stands in the addresses of the page."""
    session, error = reader(), None
    try:
        days = Days.of(request.args)
    except Invalid as refused:
        days, error = Days(), refused
    found = ledger.statement(session, account, since=days.since, until=days.until, cursor=request.args.get("after"),
                             limit=LINES)
    return {"statement": found, "days": days, "error": error, "wrong": sentences(error) if error else {},
            "typed": request.args, "orders": orders_behind(session, {line.reference for line in found.lines}),
            "order_endpoint": order_endpoint, "periods": _periods(days, asked),
            "files": [(kind.upper(), url_for(export_endpoint, kind=kind, day_from=days.first, day_to=days.last,
                                             **asked)) for kind in KINDS]}


def statement_file(account: Account, kind: str) -> Response:
    """The whole period as a file. Raises Invalid, TooManyExports, TooLong."""
    if kind not in KINDS:
        abort(404)
    days = Days.of(request.args)
    with transaction() as session:
        audit.record(session, signed_in(), "statement.exported", "account", f"{account.owner_kind} {account.purpose}",
                     after={"currency": account.currency, "from": str(days.first or ""), "to": str(days.last or "")})

    def batch(session: Session, before: int | None) -> tuple[Sequence[Row], int | None]:
        found = lines(session, account, since=days.since, until=days.until, before=before, limit=BATCH)
        behind = orders_behind(session, {line.reference for line in found})
        return ([(line, behind.get(line.reference)) for line in found],
                found[-1].id if len(found) == BATCH else None)

    words = {kind: entry(kind) for kind in ledger.entries.KINDS}
    columns: list[Column[Row]] = [
        Column(zoned(gettext("Time")), lambda row: row[0].at),
        Column(gettext("Entry"), lambda row: words.get(row[0].kind, row[0].kind)),
        Column(gettext("Order"), lambda row: row[1]),
        Column(gettext("Amount"), lambda row: row[0].amount),
        Column(gettext("Balance"), lambda row: row[0].balance),
        Column(gettext("Currency"), lambda row: row[0].amount.currency),
    ]
    return export("statement", kind, columns, in_batches(batch))


def _periods(days: Days, asked: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(words, address, chosen) of the periods that people want most."""
    today = clock.today()
    month_before = today.replace(day=1) - timedelta(days=1)
    wanted = ((gettext("All"), Days()), (gettext("Today"), Days(today, today)),
              (gettext("7 days"), Days(today - timedelta(days=6), today)),
              (gettext("This month"), Days(today.replace(day=1), today)),
              (gettext("Last month"), Days(month_before.replace(day=1), month_before)))
    return [(text, url_for(str(request.endpoint), day_from=period.first, day_to=period.last, **asked), period == days)
            for text, period in wanted]
