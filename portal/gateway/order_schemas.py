"""The shapes of payins and payouts, and what all shapes share."""
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", examples=["1500.00"],
                              description="a decimal text with exactly the currency's digits after the point")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
                              examples=["2026-11-22T10:11:12.345Z"],
                              description="RFC 3339 in UTC with milliseconds")]
Currency = Annotated[str, Field(examples=["RUB", "USDT"])]


class Answer(BaseModel):
    """New fields may appear: a reader ignores what it does not know."""

    model_config = ConfigDict(extra="allow", defer_build=True, json_schema_extra={"additionalProperties": True})


class Settlement(Answer):
    """What the order comes to in the store's settlement currency; frozen when the order is created."""

    currency: Currency
    amount: Amount
    fee: Amount
    net: Amount
    rate: Annotated[str, Field(examples=["92.000000"])]
    rate_at: Moment


class RequisiteBank(Answer):
    code: str
    name: str


class Requisite(Answer):
    """Where to pay. The number is in full only in `GET /payins/{id}` while the order is assigned or paid."""

    method: str
    bank: RequisiteBank | None
    number: str
    holder: str


class Customer(Answer):
    id: str | None


class Failure(Answer):
    code: Literal["no_requisite", "limits_reached", "exposure_reached", "no_collateral", "refused", "matching_error"]
    message: str


class Step(Answer):
    type: Annotated[str, Field(examples=["payin.assigned"])]
    at: Moment


class Payin(Answer):
    id: Annotated[str, Field(pattern="^pin_", examples=["pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB"])]
    object: Literal["payin"]
    status: Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled",
                    "expired", "failed"]
    external_id: str
    amount: Amount
    amount_to_pay: Amount
    currency: Currency
    settlement: Settlement
    method: str | None
    bank: str | None
    payment_url: str | None = Field(description="null for a key without orders:write: the link opens cancel and claim")
    requisite: Requisite | None
    customer: Customer | None
    metadata: dict[str, Any]
    description: str | None
    return_url: str | None
    amount_received: Amount | None
    exactness: Literal["exact", "under", "over"] | None
    late: bool
    failure: Failure | None
    live: bool
    version: int
    events: list[Step]
    created_at: Moment
    expires_at: Moment | None
    assigned_at: Moment | None
    paid_at: Moment | None
    confirmed_at: Moment | None
    completed_at: Moment | None
    ended_at: Moment | None


class PayoutSettlement(Answer):
    """What it costs the store: `total` is amount and fee, held from creation until the payout ends."""

    currency: Currency
    amount: Amount
    fee: Amount
    total: Amount
    rate: str
    rate_at: Moment


class PayoutDestination(Answer):
    """Whom it is for; the number is masked."""

    method: str
    bank: str | None
    number: str
    holder: str | None


class Payout(Answer):
    id: Annotated[str, Field(pattern="^pout_", examples=["pout_01JD9W6M0Q8Z6T1V5R2X7Y3KAB"])]
    object: Literal["payout"]
    status: Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled",
                    "expired", "failed"]
    external_id: str
    amount: Amount
    amount_to_pay: Amount
    currency: Currency
    settlement: PayoutSettlement
    destination: PayoutDestination
    customer: Customer | None
    metadata: dict[str, Any]
    description: str | None
    return_url: None
    amount_received: Amount | None
    exactness: Literal["exact", "under", "over"] | None
    late: bool
    failure: Failure | None
    live: bool
    version: int
    events: list[Step]
    created_at: Moment
    expires_at: Moment | None
    assigned_at: Moment | None
    paid_at: Moment | None
    confirmed_at: Moment | None
    completed_at: Moment | None
    ended_at: Moment | None
