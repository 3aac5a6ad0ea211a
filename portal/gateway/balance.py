"""What a store has, and the statement that explains it."""
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, WithJsonSchema

from portal import ledger
from portal.core.access import Permission
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid
from portal.core.money import EXPONENTS
from portal.gateway import pages, patterns, schemas, strict_json
from portal.gateway.auth import caller, home_currency
from portal.gateway.endpoint import call, shown
from portal.gateway.filters import Moment
from portal.ledger import Account
from portal.treasury.booking import line_shown

CURRENCY = "^[A-Z0-9]{3,10}$"


class StatementQuery(strict_json.PageQuery):
    """One account's lines, newest first; `created_from` is inclusive, `created_to` exclusive."""

    cursor: Annotated[str, WithJsonSchema({"type": "string", "pattern": patterns.LINE_CURSOR})] | None = None
    currency: Annotated[str, Field(pattern=CURRENCY)] | None = None
    purpose: Literal["available", "held", "reserve"] = "available"
    created_from: Moment | None = None
    created_to: Moment | None = None


@call("GET", "/balance", Permission.BALANCE_READ, summary="Available, held and reserved, per currency",
      answer=schemas.Page[schemas.Balance])
def balance() -> Response:
    store = caller()
    found = ledger.balances_of(reader(), "store", store.store_id, bool(store.live))
    return shown({"data": [{"currency": currency, "available": available.text, "held": held.text,
                            "reserved": reserved.text}
                           for currency, (available, held, reserved) in sorted(found.items())], "next_cursor": None})


@call("GET", "/balance/entries", Permission.BALANCE_READ, summary="The statement, newest line first",
      query=StatementQuery, answer=schemas.Page[schemas.BalanceEntry])
def balance_entries() -> Response:
    wanted, store = strict_json.query(StatementQuery), caller()
    if wanted.currency is not None and wanted.currency not in EXPONENTS:
        raise Invalid(fields=[FieldError("/currency", "unknown_currency", "The desk does not know this currency.")])
    account = Account("store", store.store_id, wanted.purpose, wanted.currency or home_currency(), bool(store.live))
    found = ledger.statement(reader(), account, since=wanted.created_from, until=wanted.created_to,
                             cursor=wanted.cursor, limit=wanted.limit)
    return pages.listed([line_shown(line, wanted.purpose) for line in found.lines], found.next_cursor)
