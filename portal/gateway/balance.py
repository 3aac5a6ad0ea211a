"""What a store has, and the statement that explains it."""
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from portal import ledger
from portal.core import clock, ids
from portal.core.access import Permission
from portal.core.db import reader
from portal.gateway import schemas, strict_json
from portal.gateway.auth import caller, home_currency
from portal.gateway.endpoint import call, shown
from portal.gateway.filters import Moment
from portal.ledger import Account, StatementLine
from portal.orders.directions import RULES
from portal.orders.states import Direction

CURRENCY = "^[A-Z0-9]{3,10}$"
# what an entry refers to: an order, else one of ours
PREFIXES = {rules.settle_kind: rules.prefix for rules in RULES.values()} | dict.fromkeys(
    ("payout_hold", "payout_release"), RULES[Direction.PAYOUT].prefix)


class StatementQuery(strict_json.PageQuery):
    """One account's lines, newest first; `created_from` is inclusive, `created_to` exclusive."""

    currency: Annotated[str, Field(pattern=CURRENCY)] | None = None
    purpose: Literal["available", "held"] = "available"
    created_from: Moment | None = None
    created_to: Moment | None = None


@call("GET", "/balance", Permission.BALANCE_READ, summary="Available and held, per currency",
      answer=schemas.Page[schemas.Balance])
def balance() -> Response:
    store = caller()
    found = ledger.balances_of(reader(), "store", store.store_id, bool(store.live))
    return shown({"data": [{"currency": currency, "available": available.text, "held": held.text}
                           for currency, (available, held) in sorted(found.items())], "next_cursor": None})


@call("GET", "/balance/entries", Permission.BALANCE_READ, summary="The statement, newest line first",
      query=StatementQuery, answer=schemas.Page[schemas.BalanceEntry])
def balance_entries() -> Response:
    wanted, store = strict_json.query(StatementQuery), caller()
    account = Account("store", store.store_id, wanted.purpose, wanted.currency or home_currency(), bool(store.live))
    found = ledger.statement(reader(), account, since=wanted.created_from, until=wanted.created_to,
                             cursor=wanted.cursor, limit=wanted.limit)
    return shown({"data": [_line(line, wanted.purpose) for line in found.lines], "next_cursor": found.next_cursor})


def _line(line: StatementLine, purpose: str) -> dict[str, Any]:
    return {"id": f"ent_{line.id}", "kind": line.kind, "purpose": purpose, "currency": line.amount.currency,
            "amount": line.amount.text, "balance": line.balance.text,
            "reference": ids.public(PREFIXES.get(line.kind, "ref"), line.reference), "at": clock.rfc3339(line.at)}
