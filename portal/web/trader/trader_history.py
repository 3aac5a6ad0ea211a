"""A trader's orders as a file."""
from flask import Response, abort, request
from flask_babel import gettext

from portal import reference
from portal.core import audit
from portal.core.db import reader, transaction
from portal.orders.reading import trader_history
from portal.orders.reading.trader_queue import Queued
from portal.web.exports import KINDS, Column, export, in_batches, zoned
from portal.web.identity import signed_in


def exported(kind: str) -> Response:
    """Who took it is in the audit. Raises Invalid, TooManyExports, TooLong."""
    if kind not in KINDS:
        abort(404)
    actor, filters = signed_in(), trader_history.Filters.of(request.args)
    with transaction() as session:
        audit.record(session, actor, "orders.exported", "export", kind, after=filters.asked)
    rows = in_batches(lambda session, after: trader_history.batch(session, actor, filters, after))
    return export("orders", kind, _columns(), rows)


def _columns() -> list[Column[Queued]]:
    banks = {code: one.name for code, one in reference.snapshot(reader()).banks.items()}
    return [
        Column(zoned(gettext("Given to you")), lambda row: row.created_at),
        Column(gettext("Order"), lambda row: row.public_order_id),
        Column(gettext("Amount"), lambda row: row.amount_to_pay),
        Column(gettext("Currency"), lambda row: row.currency),
        Column(gettext("Held collateral"), lambda row: row.hold),
        Column(gettext("Settlement currency"), lambda row: row.settlement_currency),
        Column(gettext("Bank"), lambda row: banks.get(row.bank or "", row.bank)),
        Column(gettext("Method"), lambda row: row.method),
        Column(gettext("Last four digits"), lambda row: row.number_last4),
        Column(gettext("Payer"), lambda row: None if row.lost else row.customer_name),
        Column(gettext("Status"), lambda row: str(row.end_reason if row.lost else row.status)),
        Column(zoned(gettext("Ended")), lambda row: row.ended_at if not row.lost else None),
    ]
