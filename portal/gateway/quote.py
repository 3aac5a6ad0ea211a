"""What an order would cost, and whether it could be matched, before it is asked for: nothing is made, held or frozen.
"""
from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from portal.core.access import Permission
from portal.core.commands import Command
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid
from portal.core.money import BadAmount, Money
from portal.gateway import schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.orders.reading.availability import available
from portal.orders.reading.calculator import AskCost, cost
from portal.orders.view import rate_text


class QuoteQuery(Command):
    """As a create would name it."""

    direction: Literal["payin", "payout"]
    currency: Annotated[str, Field(pattern="^[A-Z0-9]{3,10}$")]
    method: Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")]
    amount: Annotated[str, Field(max_length=40)]


class AvailabilityQuery(Command):
    """As a create would name it; `bank` where only one will do."""

    kind: Literal["payin", "payout"]
    currency: Annotated[str, Field(pattern="^[A-Z0-9]{3,10}$")]
    method: Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")]
    amount: Annotated[str, Field(max_length=40)]
    bank: Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")] | None = None


@call("GET", "/quote", Permission.REFERENCE_READ, summary="What an order would cost now", query=QuoteQuery,
      answer=schemas.Quote)
def quote() -> Response:
    wanted, store = strict_json.query(QuoteQuery), caller()
    assert store.store_id is not None
    _exact(wanted.amount, wanted.currency)
    found = cost(reader(), store, AskCost(store_id=store.store_id, **wanted.model_dump()))
    return shown({
        "object": "quote", "direction": wanted.direction, "amount": found.amount.text, "currency": wanted.currency,
        "rate": rate_text(found.rate), "settlement_currency": found.settlement.currency,
        "settlement": found.settlement.text, "fee": found.fee.text, "due": found.due.text})


@call("GET", "/availability", Permission.REFERENCE_READ, summary="Could it be matched now", query=AvailabilityQuery,
      answer=schemas.Availability)
def availability() -> Response:
    wanted, store = strict_json.query(AvailabilityQuery), caller()
    assert store.store_id is not None
    _exact(wanted.amount, wanted.currency)
    found = available(reader(), store, AskCost(
        store_id=store.store_id, direction=wanted.kind, **wanted.model_dump(exclude={"kind", "bank"})),
        bank=wanted.bank)
    return shown({"object": "availability", "kind": wanted.kind, "available": found.yes, "reason": found.reason})


def _exact(amount: str, currency: str) -> None:
    """As a create takes it. Raises Invalid."""
    try:
        Money.parse(amount, currency)
    except BadAmount as error:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", error.sentence, error.params)]) from None
