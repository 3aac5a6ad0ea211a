"""Orders as the hot paths carry them: read under lock as rows, moved, and written in the statement of their events.

Matching and settling take fifty orders a time through one step each. As objects of a session they would cost more than
all the rest, in reading, in noting each change and in writing one by one.
"""
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class MovingOrder:
    """A locked order; names and units are those of the columns (see models.Order)."""

    id: UUID
    direction: str
    live: bool
    store_id: UUID
    external_id: str
    status: str
    version: int
    currency: str
    amount_minor: int
    amount_to_pay_minor: int
    amount_received_minor: int | None
    exactness: str | None
    late: bool
    method: str
    bank: str | None
    customer_id: str | None
    description: str | None
    return_url: str | None
    meta: dict[str, Any]
    settlement_currency: str
    settlement_minor: int
    fee_minor: int
    rate: Decimal
    rate_at: datetime
    created_at: datetime
    match_by: datetime
    next_attempt_at: datetime | None
    assigned_at: datetime | None
    expires_at: datetime | None
    paid_at: datetime | None
    confirmed_at: datetime | None
    completed_at: datetime | None
    ended_at: datetime | None
    failure_code: str | None
    assignment_id: UUID | None
    tries: int
    steps: list[list[str]]


_NAMES = tuple("metadata" if field.name == "meta" else field.name for field in fields(MovingOrder))
# What a step of matching or settling may change of an order, besides its status and version.
_CHANGING = {"steps": "jsonb", "tries": "int", "assignment_id": "uuid", "assigned_at": "timestamptz",
             "expires_at": "timestamptz", "next_attempt_at": "timestamptz", "failure_code": "text",
             "completed_at": "timestamptz", "ended_at": "timestamptz"}
WIDTH = len(_NAMES)


def selected(alias: str) -> str:
    """The columns of a SELECT whose rows begin with a moving order: `MovingOrder(*row[:WIDTH])`."""
    return ", ".join(f"{alias}.{name}" for name in _NAMES)


# For `events.statement`: the orders as they have become, one step each.
COLUMNS = "".join(f", {name} {type}" for name, type in _CHANGING.items())
MOVED = f""", moved AS (
        UPDATE orders o SET status = g.to_status, version = g.version, {", ".join(f"{n} = g.{n}" for n in _CHANGING)}
          FROM given g WHERE o.id = g.order_id AND o.id = ANY (%(orders)s)
    )"""


def changed(order: MovingOrder) -> dict[str, Any]:
    """What the row of its event brings along."""
    return {name: getattr(order, name) for name in _CHANGING}
