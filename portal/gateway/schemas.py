"""The shapes of the answers, for the OpenAPI document and for the tests that hold real answers against it.

Answers themselves are made by the nouns (`orders/view.py`); nothing is validated on the way out.
"""
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from portal.core.commands import Command
from portal.webhooks.commands import Description, Types, Url

T = TypeVar("T")
Amount = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", examples=["1500.00"],
                              description="a decimal text with exactly the currency's digits after the point")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
                              examples=["2026-11-22T10:11:12.345Z"],
                              description="RFC 3339 in UTC with milliseconds")]
Currency = Annotated[str, Field(examples=["RUB", "USDT"])]


class Answer(BaseModel):
    """New fields may appear: a reader ignores what it does not know."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})


class Page(Answer, Generic[T]):
    """Newest first. `next_cursor` is null on the last page."""

    data: list[T]
    next_cursor: str | None


class Empty(Command):
    """No body, or an empty object."""


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
    code: Literal["no_requisite", "limits_reached", "no_collateral", "refused", "matching_error"]
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


class Balance(Answer):
    """`held` is reserved for orders and withdrawals under way."""

    currency: Currency
    available: Amount
    held: Amount


class BalanceEntry(Answer):
    """One line of the statement; `amount` is signed, `balance` is what was there after it."""

    id: str
    kind: Annotated[str, Field(examples=["payin_settle"])]
    purpose: Literal["available", "held"]
    currency: Currency
    amount: Amount
    balance: Amount
    reference: str
    at: Moment


class CurrencyFacts(Answer):
    code: Currency
    exponent: int
    kind: Literal["fiat", "crypto"]


class MethodFacts(Answer):
    code: Annotated[str, Field(examples=["card"])]
    name: str
    number_label: str
    currencies: Annotated[list[str], Field(description="for which it is; none: for all")]


class BankFacts(Answer):
    code: Annotated[str, Field(examples=["alfa"])]
    name: str
    country: str


class RateFacts(Answer):
    """`rate` quote units for one base unit."""

    base: Currency
    quote: Currency
    rate: str
    source: str
    at: Moment


class WebhookEndpoint(Answer):
    id: Annotated[str, Field(pattern="^whk_")]
    object: Literal["webhook_endpoint"]
    url: str
    events: list[str]
    description: str | None
    status: Literal["active", "disabled"]
    disabled_because: str | None
    live: bool
    created_at: Moment


class NewWebhookEndpoint(WebhookEndpoint):
    """`secret` is shown this once."""

    secret: Annotated[str, Field(pattern="^whsec_")]


class ChangeWebhookEndpoint(Command):
    """What is left out stays as it is."""

    url: Url | None = None
    events: Types | None = None
    description: Description | None = None
    active: bool | None = None


class Deleted(Answer):
    id: str
    object: Literal["webhook_endpoint"]
    deleted: Literal[True]


class Event(Answer):
    """Something that was told; `data` as of then, numbers masked."""

    id: Annotated[str, Field(pattern="^evt_")]
    object: Literal["event"]
    type: str
    version: Annotated[int | None, Field(description="the order's after this step")]
    live: bool
    timestamp: Moment
    data: dict[str, Any]


class ReceivedAnswer(Answer):
    """Of the last attempt; `error` says why none came: `no_answer`, `tls_failed` or `broken_answer`."""

    status: int | None
    duration_ms: int | None
    error: str | None
    body: Annotated[str | None, Field(description="its first kilobyte")]


class WebhookDelivery(Answer):
    """One event on its way to one endpoint."""

    id: Annotated[str, Field(pattern="^dlv_")]
    object: Literal["webhook_delivery"]
    event_id: Annotated[str, Field(pattern="^evt_")]
    endpoint_id: Annotated[str, Field(pattern="^whk_")]
    type: str
    status: Literal["pending", "delivered", "failed", "dropped"]
    attempts: int
    next_attempt_at: Moment | None
    last_attempt_at: Moment | None
    response: ReceivedAnswer | None
    live: bool
    created_at: Moment


class FieldProblem(Answer):
    field: Annotated[str, Field(description="a JSON pointer", examples=["/customer/ip"])]
    code: str
    message: str


class Problem(Answer):
    """RFC 9457. `code` is stable; the table of all codes is at /docs/errors."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool
    errors: list[FieldProblem] | None = None


class WebhookMessage(Answer):
    """The body of a webhook; `data` is the order as the API shows it, as of this step, numbers masked."""

    type: str
    timestamp: Moment
    data: dict[str, Any]
