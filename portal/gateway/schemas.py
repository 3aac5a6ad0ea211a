"""The shapes of the answers, for the OpenAPI document and for the tests that hold real answers against it.

Answers themselves are made by the nouns (`orders/view.py`); nothing is validated on the way out.
"""
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from portal.core.commands import Command
from portal.gateway.filters import Moment as Since
from portal.gateway.order_schemas import Amount, Answer, Currency, Moment, Payin, Payout
from portal.webhooks.commands import Description, Types, Url

__all__ = ["Payin", "Payout"]  # beside what is written here
T = TypeVar("T")


class Page(Answer, Generic[T]):
    """Newest first. `next_cursor` is null on the last page."""

    data: list[T]
    next_cursor: str | None


class Empty(Command):
    """No body, or an empty object."""


class AccessToken(Answer):
    """As OAuth 2 has it. `scope`: names with spaces between."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="seconds")]
    scope: Annotated[str, Field(examples=["orders:read orders:write"])]


class Receipt(Answer):
    """A file that shows something about an order. `sha256` is of what was sent, `size_bytes` of what is kept of it."""

    id: Annotated[str, Field(pattern="^fil_")]
    object: Literal["receipt"]
    name: str
    content_type: Literal["image/png", "image/jpeg", "image/webp", "application/pdf"]
    size_bytes: int
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    created_at: Moment


class Receipts(Answer):
    data: list[Receipt]


class Balance(Answer):
    """`held` is for orders and withdrawals under way; `reserved` is kept back of settled payins until its day comes."""

    currency: Currency
    available: Amount
    held: Amount
    reserved: Amount


class BalanceEntry(Answer):
    """One line of the statement; `amount` is signed, `balance` is what was there after it."""

    id: str
    kind: Annotated[str, Field(examples=["payin_settle"])]
    purpose: Literal["available", "held", "reserve"]
    currency: Currency
    amount: Amount
    balance: Amount
    reference: str
    at: Moment


class Dispute(Answer):
    """An objection to how an order stands. `waits_for` is asked for its word by `answer_by`; `ground` is why it was
    decided so."""

    id: str
    object: Literal["dispute"]
    order_id: str
    external_id: str
    status: Literal["open", "ended"]
    reason: Annotated[str, Field(examples=["not_confirmed"])]
    opened_by: Literal["customer", "store", "trader", "staff", "system"]
    waits_for: Literal["store", "trader", "staff"] | None
    answer_by: Moment | None
    outcome: Literal["complete", "adjust", "cancel", "stands", "correct"] | None
    ground: str | None
    live: bool
    created_at: Moment
    ended_at: Moment | None


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


class Quote(Answer):
    """`due`: what the store gets of a payin, or pays for a payout, in its settlement currency."""

    object: Literal["quote"]
    direction: Literal["payin", "payout"]
    amount: Amount
    currency: Currency
    rate: str
    settlement_currency: Currency
    settlement: Amount
    fee: Amount
    due: Amount


class Availability(Answer):
    """`reason`: where it could not: `no_requisite`, `limits_reached`, `exposure_reached`, `no_collateral`,
    or what keeps all such orders
    away just now (`desk_paused`, `partly_paused`, `rate_unavailable`)."""

    object: Literal["availability"]
    kind: Literal["payin", "payout"]
    available: bool
    reason: str | None


class WebhookEndpoint(Answer):
    id: Annotated[str, Field(pattern="^whk_")]
    object: Literal["webhook_endpoint"]
    kind: Annotated[Literal["url", "inbox"], Field(description="an inbox is kept by the desk, for test orders")]
    url: Annotated[str, Field(description="of an inbox: the page where it is read")]
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
    """Of the last try; `error`: `no_answer`, `tls_failed`, `broken_answer`, `name_not_opened`, `secret_not_opened`."""

    status: int | None
    duration_ms: int | None
    error: str | None
    headers: Annotated[dict[str, str], Field(description="its first kilobyte of them, names in lower case")]
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


class SentRequest(Answer):
    """`body` exactly as it is signed and sent."""

    url: str
    body: str


class WebhookTry(Answer):
    """One request, with what it was answered; `webhook-signature` is not kept, but of an inbox."""

    number: int
    at: Moment
    url: str
    request_headers: dict[str, str]
    status: int | None
    duration_ms: int | None
    error: str | None
    headers: Annotated[dict[str, str], Field(description="of the answer, its first kilobyte of them")]
    body: Annotated[str | None, Field(description="of the answer, its first kilobyte")]


class WebhookDeliveryDetail(WebhookDelivery):
    """One delivery with its request and every try."""

    request: SentRequest
    tries: list[WebhookTry]


class CreateReplay(Command):
    """Everything since then, oldest first, or what was not taken of it."""

    since: Since
    undelivered_only: bool = False


class WebhookReplay(Answer):
    """`queued` events so far, up to `reached`. `bounded`: as many as one replay takes; ask again from `reached`.
    `stopped`: its endpoint was switched off meanwhile."""

    id: Annotated[str, Field(pattern="^rpl_")]
    object: Literal["webhook_replay"]
    endpoint_id: Annotated[str, Field(pattern="^whk_")]
    status: Literal["running", "done", "bounded", "stopped"]
    since: Moment
    until: Moment
    undelivered_only: bool
    queued: int
    reached: Moment
    created_at: Moment
    ended_at: Moment | None


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
    """The body of a webhook; `data` is the order as the API shows it, as of this step, numbers masked; of
    `dispute.…` the dispute, of `balance.…` the line of the statement."""

    type: str
    timestamp: Moment
    data: dict[str, Any]
