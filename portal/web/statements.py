"""The statement of an account, as a trader and a merchant read it: days of the address, lines, the same as a file."""
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response, abort, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import audit, clock
from portal.core.access import Permission
from portal.core.date_range import Days
from portal.core.db import give_back, reader, transaction
from portal.core.errors import Invalid
from portal.ledger import Account, StatementLine
from portal.ledger.statements import lines
from portal.treasury import owners, queries
from portal.treasury.ledger_pages import OrderBehind, orders_behind
from portal.web.exports import KINDS, Column, document, export, in_batches, zoned
from portal.web.filters import day, moment_exact
from portal.web.identity import signed_in
from portal.web.labels import entry
from portal.web.locale import time_zone
from portal.web.refused_forms import sentences
from portal.web.treasury_labels import account_owner

if TYPE_CHECKING:
    from portal.web.statement_pdf import Head

LINES = 50
FILES = (*KINDS, "pdf")
BATCH = 2_000
Row = tuple[StatementLine, OrderBehind | None]  # with its order


def statement_of(account: Account, *, order_endpoint: str, export_endpoint: str, **asked: Any) -> dict[str, Any]:
    """The context of `shared/statement/_statement.html`; `asked`: what else stands in the addresses of the page."""
    session, error = reader(), None
    try:
        days = Days.of(request.args)
    except Invalid as refused:
        days, error = Days(), refused
    found = ledger.statement(session, account, since=days.since, until=days.until, cursor=request.args.get("after"),
                             limit=LINES)
    about = {line.reference for line in found.lines}
    return {"statement": found, "treasury": _treasury(session, about), "days": days, "error": error,
            "wrong": sentences(error) if error else {}, "typed": request.args, "orders": orders_behind(session, about),
            "order_endpoint": order_endpoint, "periods": _periods(days, asked), "desk_zone": clock.zone_name(),
            "own_zone": time_zone(), "files": files_of(days, export_endpoint, **asked)}


def files_of(days: Days, endpoint: str, **asked: Any) -> list[tuple[str, str]]:
    """(words, address) of a period's files."""
    return [(kind.upper(), url_for(endpoint, kind=kind, day_from=days.first, day_to=days.last, **asked))
            for kind in FILES]


def statement_file(account: Account, kind: str) -> Response:
    """The whole period as a file. Raises Invalid, TooManyExports, TooLong, PdfTooLong."""
    if kind not in FILES:
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

    words = {kind: entry(kind) for kind in (*ledger.entries.KINDS, "kept_back")}
    columns: list[Column[Row]] = [
        Column(zoned(gettext("Time")), lambda row: row[0].at),
        Column(gettext("Day of the desk (%(zone)s)", zone=clock.zone_name()),
               lambda row: clock.day_of(row[0].at).isoformat()),
        Column(gettext("Entry"), lambda row: words.get(row[0].event, row[0].event)),
        Column(gettext("Order"), lambda row: row[1] and row[1].public_id),
        *(_of_stores() if account.owner_kind == "store" else ()),
        Column(gettext("Amount"), lambda row: row[0].amount),
        Column(gettext("Balance"), lambda row: row[0].balance),
        Column(gettext("Currency"), lambda row: row[0].amount.currency),
    ]
    if kind == "pdf":
        give_back()
        from portal.web.statement_pdf import statement_pdf  # 24 MB: for who asks for such a file

        return document("statement", lambda: statement_pdf(_head(account, days), columns, in_batches(batch)))
    return export("statement", kind, columns, in_batches(batch))


def _head(account: Account, days: Days) -> "Head":
    """Whose account this is and of which days, in words."""
    from portal.web.statement_pdf import Head

    session, last = reader(), day(min(days.last or clock.today(), clock.today()))
    found = ledger.statement(session, account, since=days.since, until=days.until, limit=1)
    owner = (owners.of(session, account.owner_kind, account.owner_id).name if account.owner_id else
             account_owner(account.owner_kind))
    period = (gettext("%(first)s to %(last)s", first=day(days.first), last=last) if days.first else
              gettext("until %(last)s", last=last))
    mode = "" if account.live else f" · {gettext('Test mode')}"
    return Head(title=gettext("Account statement"), opening=found.opening, closing=found.closing, facts=(
        (gettext("Owner"), owner),
        (gettext("Balance"), f"{purpose_of(account)} · {account.currency}{mode}"),
        (gettext("Period"), gettext("%(days)s, days of the desk (%(zone)s)", days=period, zone=clock.zone_name())),
        (gettext("Times"), time_zone()),
        (gettext("Made on"), moment_exact(clock.now()))))


def purpose_of(account: Account) -> str:
    words: dict[str, str] = {"available": gettext("Available"), "held": gettext("Held"), "reserve": gettext("Reserve"),
                             "fees": gettext("Fees"), "suspense": gettext("Suspense"),
                             "external": gettext("Outside world")}
    return words[account.purpose]


def _of_stores() -> list[Column[Row]]:
    """What a store's books want: its own number of the order, and what the order came to. In the settlement currency;
    empty where an entry is about no order."""
    return [Column(gettext("External id"), lambda row: row[1] and row[1].external_id),
            Column(gettext("Gross"), lambda row: row[1] and row[1].gross),
            Column(gettext("Fee"), lambda row: row[1] and row[1].fee),
            Column(gettext("Net"), lambda row: row[1] and row[1].net)]


def _treasury(session: Session, references: set[UUID]) -> dict[UUID, tuple[str, str]]:
    """(public id, page) of the deposits and withdrawals that entries are about, where the reader may open them."""
    if not signed_in().may(Permission.WITHDRAWAL_REQUEST):
        return {}
    pages: dict[UUID, tuple[str, str]] = {}
    for reference, (noun, public_id) in queries.behind(session, references).items():
        named: dict[str, Any] = {f"{noun}_id": public_id}
        pages[reference] = public_id, url_for(f"{signed_in().role}_{noun}s.one", **named)
    return pages


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
