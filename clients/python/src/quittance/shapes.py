# ruff: noqa: E501
"""What the gateway takes and gives; made of its OpenAPI document by bin/clients. Answers may grow new fields."""
from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AccessToken(TypedDict):
    """As OAuth 2 has it. `scope`: names with spaces between."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class Advance(TypedDict):
    """By how much the order's clock is moved on."""

    seconds: int


class Availability(TypedDict):
    """`reason`: where it could not: `no_requisite`, `limits_reached`, `exposure_reached`, `no_collateral`, or
    what keeps all such orders away just now (`desk_paused`, `partly_paused`, `rate_unavailable`)."""

    object: Literal["availability"]
    kind: Literal["payin", "payout"]
    available: bool
    reason: str | None


class Balance(TypedDict):
    """`held` is for orders and withdrawals under way; `reserved` is kept back of settled payins until its day
    comes."""

    currency: str
    available: str
    held: str
    reserved: str


class BalanceEntry(TypedDict):
    """One line of the statement; `amount` is signed, `balance` is what was there after it."""

    id: str
    kind: str
    purpose: Literal["available", "held", "reserve"]
    currency: str
    amount: str
    balance: str
    reference: str
    at: str


class BankFacts(TypedDict):
    code: str
    name: str
    country: str


class ChangeWebhookEndpoint(TypedDict):
    """What is left out stays as it is."""

    url: NotRequired[str | None]
    events: NotRequired[list[Literal["payin.new", "payin.assigned", "payin.paid", "payin.confirmed", "payin.completed", "payin.corrected", "payin.disputed", "payin.cancelled", "payin.expired", "payin.failed", "payout.new", "payout.assigned", "payout.paid", "payout.confirmed", "payout.completed", "payout.corrected", "payout.disputed", "payout.cancelled", "payout.expired", "payout.failed", "dispute.opened", "dispute.answered", "dispute.decided", "balance.credited", "balance.debited", "test.ping"]] | list[Literal["*"]] | None]
    description: NotRequired[str | None]
    active: NotRequired[bool | None]


class CreateEndpoint(TypedDict):
    """Tell this address of these events; `["*"]` for all of them. An `inbox` is kept by the desk, for test
    orders, and has no address of the store's."""

    kind: NotRequired[Literal["url", "inbox"]]
    url: NotRequired[str | None]
    events: list[Literal["payin.new", "payin.assigned", "payin.paid", "payin.confirmed", "payin.completed", "payin.corrected", "payin.disputed", "payin.cancelled", "payin.expired", "payin.failed", "payout.new", "payout.assigned", "payout.paid", "payout.confirmed", "payout.completed", "payout.corrected", "payout.disputed", "payout.cancelled", "payout.expired", "payout.failed", "dispute.opened", "dispute.answered", "dispute.decided", "balance.credited", "balance.debited", "test.ping"]] | list[Literal["*"]]
    description: NotRequired[str | None]


class CreatePayin(TypedDict):
    """Take `amount` from a customer. `method` may be left out where the store has one only."""

    currency: str
    amount: str
    external_id: str
    customer: NotRequired[CustomerInput | None]
    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    method: NotRequired[str | None]
    bank: NotRequired[str | None]
    return_url: NotRequired[str | None]


class CreatePayout(TypedDict):
    """Send `amount` to `destination`, out of the store's balance."""

    currency: str
    amount: str
    external_id: str
    customer: NotRequired[CustomerInput | None]
    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    destination: Destination


class CreateReplay(TypedDict):
    """Everything since then, oldest first, or what was not taken of it."""

    since: str
    undelivered_only: NotRequired[bool]


class CurrencyFacts(TypedDict):
    code: str
    exponent: int
    kind: Literal["fiat", "crypto"]


class CustomerInput(TypedDict):
    """Who pays, as the store knows them. `ip` is text of an address, v4 or v6, as a server or a proxy writes it."""

    id: NotRequired[str | None]
    name: NotRequired[str | None]
    ip: NotRequired[str | None]


class CustomerOutput(TypedDict):
    id: str | None


class Deleted(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    deleted: Literal[True]


class Destination(TypedDict):
    """Whom a payout is for: `number` as the method has it (card, phone, account), `holder` the person named on
    it."""

    method: str
    number: str
    bank: NotRequired[str | None]
    holder: NotRequired[str | None]


class Dispute(TypedDict):
    """An objection to how an order stands. `waits_for` is asked for its word by `answer_by`; `ground` is why it
    was decided so."""

    id: str
    object: Literal["dispute"]
    order_id: str
    external_id: str
    status: Literal["open", "ended"]
    reason: str
    opened_by: Literal["customer", "store", "trader", "staff", "system"]
    waits_for: Literal["store", "trader", "staff"] | None
    answer_by: str | None
    outcome: Literal["complete", "adjust", "cancel", "stands", "correct"] | None
    ground: str | None
    live: bool
    created_at: str
    ended_at: str | None


class DisputePayin(TypedDict):
    """`text`: what happened, for the trader and the desk's staff to read."""

    reason: Literal["not_confirmed", "wrong_amount", "other"]
    text: str


class DisputePayout(TypedDict):
    """`text`: what happened, for the trader and the desk's staff to read."""

    reason: Literal["not_arrived", "less_arrived", "wrong_recipient", "other_payout"]
    text: str


class Empty(TypedDict):
    """No body, or an empty object."""



class Event(TypedDict):
    """Something that was told; `data` as of then, numbers masked."""

    id: str
    object: Literal["event"]
    type: str
    version: int | None
    live: bool
    timestamp: str
    data: dict[str, Any]


class Failure(TypedDict):
    code: Literal["no_requisite", "limits_reached", "exposure_reached", "no_collateral", "refused", "matching_error"]
    message: str


class FieldProblem(TypedDict):
    field: str
    code: str
    message: str


class MethodFacts(TypedDict):
    code: str
    name: str
    number_label: str
    currencies: list[str]


class NewWebhookEndpoint(TypedDict):
    """`secret` is shown this once."""

    id: str
    object: Literal["webhook_endpoint"]
    kind: Literal["url", "inbox"]
    url: str
    events: list[str]
    description: str | None
    status: Literal["active", "disabled"]
    disabled_because: str | None
    live: bool
    created_at: str
    secret: str


class Payin(TypedDict):
    id: str
    object: Literal["payin"]
    status: Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled", "expired", "failed"]
    external_id: str
    amount: str
    amount_to_pay: str
    currency: str
    settlement: Settlement
    method: str | None
    bank: str | None
    payment_url: str | None
    requisite: Requisite | None
    customer: CustomerOutput | None
    metadata: dict[str, Any]
    description: str | None
    return_url: str | None
    amount_received: str | None
    exactness: Literal["exact", "under", "over"] | None
    late: bool
    failure: Failure | None
    live: bool
    version: int
    events: list[Step]
    created_at: str
    expires_at: str | None
    assigned_at: str | None
    paid_at: str | None
    confirmed_at: str | None
    completed_at: str | None
    ended_at: str | None


class Payout(TypedDict):
    id: str
    object: Literal["payout"]
    status: Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled", "expired", "failed"]
    external_id: str
    amount: str
    amount_to_pay: str
    currency: str
    settlement: PayoutSettlement
    destination: PayoutDestination
    customer: CustomerOutput | None
    metadata: dict[str, Any]
    description: str | None
    return_url: None
    amount_received: str | None
    exactness: Literal["exact", "under", "over"] | None
    late: bool
    failure: Failure | None
    live: bool
    version: int
    events: list[Step]
    created_at: str
    expires_at: str | None
    assigned_at: str | None
    paid_at: str | None
    confirmed_at: str | None
    completed_at: str | None
    ended_at: str | None


class PayoutDestination(TypedDict):
    """Whom it is for; the number is masked."""

    method: str
    bank: str | None
    number: str
    holder: str | None


class PayoutSettlement(TypedDict):
    """What it costs the store: `total` is amount and fee, held from creation until the payout ends."""

    currency: str
    amount: str
    fee: str
    total: str
    rate: str
    rate_at: str


class Problem(TypedDict):
    """RFC 9457. `code` is stable; the table of all codes is at /docs/errors."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool
    errors: NotRequired[list[FieldProblem] | None]


class Quote(TypedDict):
    """`due`: what the store gets of a payin, or pays for a payout, in its settlement currency."""

    object: Literal["quote"]
    direction: Literal["payin", "payout"]
    amount: str
    currency: str
    rate: str
    settlement_currency: str
    settlement: str
    fee: str
    due: str


class RateFacts(TypedDict):
    """`rate` quote units for one base unit."""

    base: str
    quote: str
    rate: str
    source: str
    at: str


class Receipt(TypedDict):
    """A file that shows something about an order. `sha256` is of what was sent, `size_bytes` of what is kept of
    it."""

    id: str
    object: Literal["receipt"]
    name: str
    content_type: Literal["image/png", "image/jpeg", "image/webp", "application/pdf"]
    size_bytes: int
    sha256: str
    created_at: str


class Receipts(TypedDict):
    data: list[Receipt]


class ReceivedAnswer(TypedDict):
    """Of the last try; `error`: `no_answer`, `tls_failed`, `broken_answer`, `name_not_opened`,
    `secret_not_opened`."""

    status: int | None
    duration_ms: int | None
    error: str | None
    headers: dict[str, str]
    body: str | None


class Requisite(TypedDict):
    """Where to pay. The number is in full only in `GET /payins/{id}` while the order is assigned or paid."""

    method: str
    bank: RequisiteBank | None
    number: str
    holder: str


class RequisiteBank(TypedDict):
    code: str
    name: str


class SentRequest(TypedDict):
    """`body` exactly as it is signed and sent."""

    url: str
    body: str


class Settlement(TypedDict):
    """What the order comes to in the store's settlement currency; frozen when the order is created."""

    currency: str
    amount: str
    fee: str
    net: str
    rate: str
    rate_at: str


class Step(TypedDict):
    type: str
    at: str


class TokenRequest(TypedDict):
    """What an OAuth 2 client sends; id and secret here, or as HTTP Basic authentication."""

    grant_type: str
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    scope: NotRequired[str | None]


class WebhookDelivery(TypedDict):
    """One event on its way to one endpoint."""

    id: str
    object: Literal["webhook_delivery"]
    event_id: str
    endpoint_id: str
    type: str
    status: Literal["pending", "delivered", "failed", "dropped"]
    attempts: int
    next_attempt_at: str | None
    last_attempt_at: str | None
    response: ReceivedAnswer | None
    live: bool
    created_at: str


class WebhookDeliveryDetail(TypedDict):
    """One delivery with its request and every try."""

    id: str
    object: Literal["webhook_delivery"]
    event_id: str
    endpoint_id: str
    type: str
    status: Literal["pending", "delivered", "failed", "dropped"]
    attempts: int
    next_attempt_at: str | None
    last_attempt_at: str | None
    response: ReceivedAnswer | None
    live: bool
    created_at: str
    request: SentRequest
    tries: list[WebhookTry]


class WebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    kind: Literal["url", "inbox"]
    url: str
    events: list[str]
    description: str | None
    status: Literal["active", "disabled"]
    disabled_because: str | None
    live: bool
    created_at: str


class WebhookMessage(TypedDict):
    """The body of a webhook; `data` is the order as the API shows it, as of this step, numbers masked; of
    `dispute.…` the dispute, of `balance.…` the line of the statement."""

    type: str
    timestamp: str
    data: dict[str, Any]


class WebhookReplay(TypedDict):
    """`queued` events so far, up to `reached`. `bounded`: as many as one replay takes; ask again from `reached`.
    `stopped`: its endpoint was switched off meanwhile."""

    id: str
    object: Literal["webhook_replay"]
    endpoint_id: str
    status: Literal["running", "done", "bounded", "stopped"]
    since: str
    until: str
    undelivered_only: bool
    queued: int
    reached: str
    created_at: str
    ended_at: str | None


class WebhookTry(TypedDict):
    """One request, with what it was answered; `webhook-signature` is not kept, but of an inbox."""

    number: int
    at: str
    url: str
    request_headers: dict[str, str]
    status: int | None
    duration_ms: int | None
    error: str | None
    headers: dict[str, str]
    body: str | None
