"""What the documentation says beyond shapes: what a call is for, and one story of examples that fits together.

The order of the examples is the one of spec and tests: 1500.00 roubles at 92, a fee of 2.5 %.
"""
from typing import Any

TAGS = {"payins": "Payins", "payouts": "Payouts", "balance": "Balance", "webhook-endpoints": "Webhooks",
        "webhook-deliveries": "Webhooks", "webhook-replays": "Webhooks", "events": "Webhooks",
        "currencies": "Reference data",
        "methods": "Reference data", "banks": "Reference data", "rates": "Reference data",
        "token": "Access tokens", "quote": "Reference data", "availability": "Reference data",
        "openapi.json": "This document"}

DESCRIPTIONS = {
    "create_payin": "Makes an order and begins to look for a requisite at once. Send the customer to `payment_url`, or"
                    " show the requisite yourself as soon as the order is `assigned`. Fee and rate are frozen here.",
    "list_payins": "Filters narrow the list; a page ends with `next_cursor`, which the next call sends as `cursor`.",
    "get_payin": "While the order is `assigned` or `paid`, `requisite` has the whole number; before and after it is"
                 " masked or null.",
    "cancel_payin": "Only before the customer says that it is paid. Harmless twice under the same `Idempotency-Key`.",
    "mark_payin_paid": "For stores that show requisites themselves: the trader is asked to look for the money.",
    "advance_payin": "Test keys only. Every deadline of this payin, and the robots' next act, comes that much sooner;"
                     " what became due has happened when the answer comes.",
    "advance_payout": "Test keys only. Every deadline of this payout, and the robots' next act, comes that much sooner;"
                      " what became due has happened when the answer comes.",
    "create_payout": "Holds amount and fee of the store's balance and looks for a trader who sends the money to"
                     " `destination`. `insufficient_funds` says what is missing. Fee and rate are frozen here.",
    "list_payouts": "Filters narrow the list; a page ends with `next_cursor`, which the next call sends as `cursor`.",
    "get_payout": "The number of `destination` is masked, as it is everywhere.",
    "cancel_payout": "Only until a trader has taken it on. What was held is the store's again.",
    "dispute_payin": "The trader is asked for his word, then the desk's staff decide; what is held stays held. A payin"
                     " that is completed stays so unless it is corrected.",
    "dispute_payout": "The trader is asked to show that he sent the money, then the desk's staff decide.",
    "confirm_payout": "Where the store agrees itself, or sooner than its window ends: the trader is paid back.",
    "add_payin_receipts": "What the customer shows of the transfer, in any state from `assigned` on, until thirty days"
                          " after the end. Trader and staff see it; it decides nothing. PNG, JPEG, WebP or PDF.",
    "add_payout_receipts": "What the recipient, or you, have to show about this payout. Staff and the trader who has it"
                           " see it; it decides nothing. PNG, JPEG, WebP or PDF.",
    "balance": "One line for each currency; `held` is reserved for orders and withdrawals under way.",
    "balance_entries": "Every line that moved the balance, with what was there after it and what it refers to.",
    "create_webhook_endpoint": "The answer has `secret` this once: keep it, signatures are verified with it. The"
                               " address must be https on port 443 and lead to the public internet.",
    "list_webhook_endpoints": "Those of the key's store and mode. Secrets are never shown again.",
    "change_webhook_endpoint": "What is left out stays as it is; `active` false pauses the endpoint, true turns it on"
                               " again.",
    "delete_webhook_endpoint": "Nothing more is sent to it, what waits for it included. Its deliveries stay on record.",
    "rotate_webhook_secret": "The answer has the new `secret` this once. For a day messages carry two signatures, with"
                             " the old and the new one.",
    "test_webhook_endpoint": "Sends `test.ping` to this endpoint alone, whatever types it wants.",
    "get_webhook_endpoint": "With its state; the secret is never shown again.",
    "get_webhook_delivery": "With the body as it is sent, and headers and first kilobyte of each answer.",
    "replay_webhooks": "Each event goes under the `webhook-id` it always had, at most 10,000 in one replay, oldest"
                       " first. Asked again while it runs, it is the same replay.",
    "get_webhook_replay": "`bounded` says that there was more: begin another one from `reached`.",
    "list_events": "What endpoints wanted to be told in the last thirty days, whether it reached them or not.",
    "get_event": "With `data` as it was told: the order as of that step, numbers masked.",
    "list_webhook_deliveries": "Each event on its way to each endpoint, with the answer to its last attempt; thirty"
                               " days.",
    "redeliver_webhook": "The same event under the same `webhook-id`, once more and at once.",
    "currencies": "Amounts have exactly `exponent` digits after the point.",
    "methods": "How customers can pay; `code` is what orders name.",
    "banks": "An order may ask for one bank by its `code`; else any will do.",
    "rates": "The newest rate of each pair. An order's own rate is frozen in its `settlement`.",
    "quote": "By the rate and the store's fees of now. Nothing is made or frozen: the order has its own.",
    "availability": "By the rules of matching, this moment: a no may be a yes in a minute, and a yes is no promise."
                    " Nothing is made or counted.",
    "token": "OAuth 2 client credentials (RFC 6749): the client id is the key's id, as in `qk_live_<id>_…`, the secret"
             " the whole key, by HTTP Basic or in the body. A token opens what its key does, for fifteen minutes, or"
             " less where `scope` says so. Refusals have OAuth's `error` beside ours.",
    "openapi": "OpenAPI 3.1, made from the code that answers. No key is needed; with one it is narrowed to its store:"
               " its currencies, methods, amounts and hosts.",
}

PAYIN_ID, ENDPOINT_ID = "pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB", "whk_01JD9W1C5N3B7H2F8K4P6S9TQD"
PAYOUT_ID = "pout_01JD9W6M0Q8Z6T1V5R2X7Y3KAB"
REPLAY_ID = "rpl_01JD9X2B6K4M8N1P3R5T7V9W0Y"
EVENT_ID, DELIVERY_ID = "evt_01JD9W4M7A2C4E6G8J0M3P5R7T", "dlv_01JD9W4M7D1F3H5K7N9Q2S4V6X"
PARAMETERS = {"payin_id": PAYIN_ID, "payout_id": PAYOUT_ID, "endpoint_id": ENDPOINT_ID, "event_id": EVENT_ID,
              "delivery_id": DELIVERY_ID, "replay_id": REPLAY_ID, "Idempotency-Key": "order-1042-try-1"}
QUERIES = {
    "limit": "rows of a page, 1 to 100; 50 unless told", "cursor": "`next_cursor` of the page before",
    "status": "only these", "external_id": "the shop's own number, whole", "customer_id": "the shop's customer, whole",
    "created_from": "from then on", "created_to": "before then", "updated_from": "with a step from then on",
    "ids": "up to 100 of them, with commas between",
    "currency": "the store's own unless told",
    "purpose": "what can be used, or what is reserved", "type": "events of this type only",
    "kind": "what would be asked for", "bank": "where only one will do",
    "wait": "seconds to wait for the order to change, 0 to 30; 0 unless told",
    "version": "answered at once when the order's is another; as it is now unless told",
    "direction": "what would be asked for", "method": "how it would be paid", "amount": "as a create would name it",
    "endpoint_id": "to this endpoint only", "event_id": "of this event only"}
_AT = {"new": "2026-11-22T10:11:12.345Z", "assigned": "2026-11-22T10:11:12.401Z", "paid": "2026-11-22T10:15:02.118Z",
       "confirmed": "2026-11-22T10:17:45.920Z", "completed": "2026-11-22T10:17:45.987Z",
       "cancelled": "2026-11-22T10:12:30.006Z", "expired": "2026-11-22T10:41:12.402Z",
       "failed": "2026-11-22T10:14:13.007Z", "disputed": "2026-11-22T10:17:45.920Z",
       "corrected": "2026-11-23T09:40:00.120Z"}
_PATHS = {"new": ("new",), "assigned": ("new", "assigned"), "paid": ("new", "assigned", "paid"),
          "confirmed": ("new", "assigned", "paid", "confirmed"),
          "completed": ("new", "assigned", "paid", "confirmed", "completed"), "cancelled": ("new", "cancelled"),
          "expired": ("new", "assigned", "expired"), "failed": ("new", "failed"),
          "disputed": ("new", "assigned", "paid", "disputed"),
          "corrected": ("new", "assigned", "paid", "confirmed", "completed", "corrected")}
_SETTLED = {"currency": "USDT", "amount": "16.304348", "fee": "0.407609", "net": "15.896739"}
_CORRECTED = {"currency": "USDT", "amount": "13.043478", "fee": "0.326087", "net": "12.717391"}  # 1200.00 arrived
_BODY: dict[str, Any] = {  # as any store may send it: a `return_url` wants a host that the desk has listed for it
    "external_id": "order-1042", "amount": "1500.00", "currency": "RUB", "method": "card", "bank": "alfa",
    "customer": {"id": "u-77"}, "description": "Order 1042", "metadata": {"cart": "9"}}


def payin(step: str = "new") -> dict[str, Any]:
    """The payin of the story at one of its steps, as webhooks and lists show it: the number masked."""
    path = _PATHS[step]
    at = {one: _AT[one] for one in path}
    status = "completed" if step == "corrected" else step
    less = step in ("disputed", "corrected")
    received = "1200.00" if less else "1500.00"
    paid = less or status in ("confirmed", "completed")
    ended = status in ("completed", "cancelled", "expired", "failed")
    return {
        "id": PAYIN_ID, "object": "payin", "status": status, "external_id": "order-1042", "amount": "1500.00",
        "amount_to_pay": "1500.00", "currency": "RUB",
        "settlement": {**(_CORRECTED if step == "corrected" else _SETTLED),
                       "rate": "92.000000", "rate_at": "2026-11-22T10:00:00.000Z"},
        "method": "card", "bank": "alfa", "payment_url": "https://desk.example/pay/u1J8…",
        "requisite": {"method": "card", "bank": {"code": "alfa", "name": "Alfa-Bank"}, "number": "220015******4821",
                      "holder": "IVAN P"} if status in ("assigned", "paid") else None,
        "customer": {"id": "u-77"}, "metadata": {"cart": "9"}, "description": "Order 1042",
        "return_url": None, "amount_received": received if paid else None,
        "exactness": ("under" if less else "exact") if paid else None, "late": False,
        "failure": {"code": "no_requisite", "message": "No requisite could take this payment."}
        if status == "failed" else None,
        "live": True, "version": len(path), "events": [{"type": f"payin.{one}", "at": at[one]} for one in path],
        "created_at": at["new"], "expires_at": "2026-11-22T10:26:12.401Z" if "assigned" in path else None,
        "assigned_at": at.get("assigned"), "paid_at": at.get("paid"), "confirmed_at": at.get("confirmed"),
        "completed_at": at.get("completed"), "ended_at": _AT[status] if ended else None}


_PAYOUT_BODY: dict[str, Any] = {
    "external_id": "po-7", "amount": "1500.00", "currency": "RUB",
    "destination": {"method": "card", "bank": "alfa", "number": "2200150000004827", "holder": "I PETROV"},
    "customer": {"id": "c-7"}, "description": "Prize of order 1042", "metadata": {}}


def payout(step: str = "new") -> dict[str, Any]:
    """The payout of the story at one of its steps."""
    told = payin(step)
    shared = {name: told[name] for name in told if name not in ("method", "bank", "payment_url", "requisite")}
    settlement = {name: value for name, value in told["settlement"].items() if name != "net"}
    return shared | {
        "id": PAYOUT_ID, "object": "payout", "external_id": "po-7", "customer": {"id": "c-7"}, "metadata": {},
        "description": "Prize of order 1042",
        "settlement": settlement | {"total": "13.369565" if step == "corrected" else "16.711957"},
        "destination": {"method": "card", "bank": "alfa", "number": "220015******4827", "holder": "I PETROV"},
        "events": [{"type": f"payout.{one['type'].partition('.')[2]}", "at": one["at"]} for one in told["events"]]}


_RECEIPT: dict[str, Any] = {
    "id": "fil_01JD9W4N5Q8Z6T1V5R2X7Y3KAB", "object": "receipt", "name": "receipt.png", "content_type": "image/png",
    "size_bytes": 214303, "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "created_at": "2026-11-22T10:15:02.118Z"}
_ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID, "object": "webhook_endpoint", "kind": "url", "url": "https://shop.example/quittance",
    "events": ["payin.completed", "payin.expired"], "description": "the shop's server", "status": "active",
    "disabled_because": None, "live": True, "created_at": "2026-11-22T10:02:00.512Z"}
_DELIVERY: dict[str, Any] = {
    "id": DELIVERY_ID, "object": "webhook_delivery", "event_id": EVENT_ID, "endpoint_id": ENDPOINT_ID,
    "type": "payin.completed", "status": "delivered", "attempts": 1, "next_attempt_at": None,
    "last_attempt_at": "2026-11-22T10:17:46.204Z",
    "response": {"status": 204, "duration_ms": 87, "error": None, "headers": {"date": "Sun, 22 Nov 2026 10:17:46 GMT"},
                 "body": None}, "live": True,
    "created_at": "2026-11-22T10:17:45.987Z"}
_TOLD = f'{{"type":"payin.completed","timestamp":"2026-11-22T10:17:45.987Z","data":{{"id":"{PAYIN_ID}"}}}}'
_TRY: dict[str, Any] = {
    "number": 1, "at": "2026-11-22T10:17:46.204Z", "url": "https://shop.example/quittance",
    "request_headers": {"content-type": "application/json", "webhook-id": EVENT_ID, "webhook-timestamp": "1795342666"},
    **_DELIVERY["response"]}
_REPLAY: dict[str, Any] = {
    "id": REPLAY_ID, "object": "webhook_replay", "endpoint_id": ENDPOINT_ID, "status": "running",
    "since": "2026-11-22T08:00:00.000Z", "until": "2026-11-22T11:30:00.000Z", "undelivered_only": True, "queued": 200,
    "reached": "2026-11-22T09:12:44.031Z", "created_at": "2026-11-22T11:30:00.000Z", "ended_at": None}

EXAMPLES: dict[str, dict[str, Any]] = {
    "CreatePayin": _BODY, "Payin": payin(), "CreatePayout": _PAYOUT_BODY, "Payout": payout(),
    "TokenRequest": {"grant_type": "client_credentials", "client_id": "1hZ8kQm3TzXa",
                     "client_secret": "qk_test_1hZ8kQm3TzXa_…", "scope": "orders:read orders:write"},
    "AccessToken": {"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900,
                    "scope": "orders:read orders:write"},
    "Receipt": _RECEIPT, "Receipts": {"data": [_RECEIPT]},
    "Balance": {"currency": "USDT", "available": "812.300000", "held": "40.000000",
                "reserved": "15.000000"},
    "BalanceEntry": {"id": "ent_1042", "kind": "payin_settle", "purpose": "available", "currency": "USDT",
                     "amount": "15.896739", "balance": "812.300000", "reference": PAYIN_ID, "at": _AT["completed"]},
    "CurrencyFacts": {"code": "RUB", "exponent": 2, "kind": "fiat"},
    "MethodFacts": {"code": "card", "name": "Bank card", "number_label": "Card number", "currencies": []},
    "BankFacts": {"code": "alfa", "name": "Alfa-Bank", "country": "RU"},
    "Quote": {"object": "quote", "direction": "payin", "amount": "1500.00", "currency": "RUB", "rate": "92",
              "settlement_currency": "USDT", "settlement": "16.304348", "fee": "0.407609", "due": "15.896739"},
    "Availability": {"object": "availability", "kind": "payin", "available": False, "reason": "no_requisite"},
    "RateFacts": {"base": "USDT", "quote": "RUB", "rate": "92.000000", "source": "manual",
                  "at": "2026-11-22T10:00:00.000Z"},
    "CreateEndpoint": {name: _ENDPOINT[name] for name in ("url", "events", "description")},
    "ChangeWebhookEndpoint": {"events": ["*"], "active": True},
    "WebhookEndpoint": _ENDPOINT, "Deleted": {"id": ENDPOINT_ID, "object": "webhook_endpoint", "deleted": True},
    "NewWebhookEndpoint": {**_ENDPOINT, "secret": "whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZSE="},
    "Event": {"id": EVENT_ID, "object": "event", "type": "payin.completed", "version": 5, "live": True,
              "timestamp": _AT["completed"], "data": payin("completed")},
    "WebhookDelivery": _DELIVERY,
    "WebhookDeliveryDetail": {**_DELIVERY, "request": {"url": _ENDPOINT["url"], "body": _TOLD}, "tries": [_TRY]},
    "CreateReplay": {"since": "2026-11-22T08:00:00Z", "undelivered_only": True}, "WebhookReplay": _REPLAY,
    "Problem": {"type": "/docs/errors#invalid", "title": "Please correct the marked fields.", "status": 422,
                "detail": "Please correct the marked fields.", "code": "invalid",
                "request_id": "req_01JD9W4M0Q8Z6T1V5R2X7Y3KAB", "retryable": False,
                "errors": [{"field": "/amount", "code": "invalid_amount",
                            "message": "Write the amount with exactly 2 digits after the point."}]},
}


FILES: dict[str, Any] = {
    "type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": {
        "type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string", "format": "binary"},
        "description": "one part for each file; 6 MB in all, 5 MB each"}}}
"""The body of calls that take files."""
FILE_TYPES = "image/png, image/jpeg, image/webp, application/pdf"
FIELDS: dict[str, dict[str, str]] = {
    "TokenRequest": {
        "grant_type": "always `client_credentials`", "client_id": "the key's id, where Basic does not say it",
        "client_secret": "the whole key, where Basic does not say it",
        "scope": "names with spaces between; all that the key has unless told"},
    "CreatePayin": {
        "currency": "what the customer pays in", "amount": "with exactly the currency's digits, as `1500.00`",
        "external_id": "your own number for it, unique for each store and mode",
        "method": "its `code`; may be left out where the store has one only",
        "bank": "its `code`, where only one will do",
        "return_url": "where the customer goes afterwards, on a host that the desk has listed for your store",
        "description": "a sentence for people", "metadata": "texts of yours, in every answer and message again"},
    "CreatePayout": {
        "currency": "what the recipient gets", "amount": "with exactly the currency's digits, as `1500.00`",
        "external_id": "your own number for it, unique for each store and mode",
        "destination": "whom it is for: the number as its method has it, and the person named on it",
        "description": "a sentence for people", "metadata": "texts of yours, in every answer and message again"},
    "CreateReplay": {"since": "of what is kept, which is thirty days",
                     "undelivered_only": "leave out what the endpoint has taken before"},
    "CreateEndpoint": {"kind": "`inbox`: the desk keeps what test orders tell, and has no `url`",
                       "url": "https on port 443", "events": "types of events, or `*` alone for all",
                       "description": "a sentence for people"},
    "ChangeWebhookEndpoint": {"url": "https on port 443", "events": "types of events, or `*` alone for all",
                              "description": "a sentence for people; null takes it away",
                              "active": "false pauses it, true turns it on again"},
}


_DISPUTE = {
    "id": "dsp_01JD9W7M0Q8Z6T1V5R2X7Y3KAB", "object": "dispute", "order_id": PAYIN_ID, "external_id": "order-1042",
    "status": "open", "reason": "not_confirmed", "opened_by": "store", "waits_for": "trader",
    "answer_by": _AT["completed"], "outcome": None, "ground": None, "live": True, "created_at": _AT["completed"],
    "ended_at": None}
_SAID = {"opened": _DISPUTE, "answered": _DISPUTE | {"waits_for": "staff"},
         "decided": _DISPUTE | {"status": "ended", "waits_for": None, "answer_by": None, "outcome": "complete",
                                "ground": "The statement shows the money.", "ended_at": _AT["completed"]}}
_MOVED = {
    "credited": {"id": "ent_10413", "kind": "deposit", "purpose": "available", "currency": "USDT",
                 "amount": "250.000000", "balance": "1062.300000", "reference": "ref_01J8ZQ5V9K3M7N2P4R6T8W0Y1A",
                 "at": _AT["completed"]},
    "debited": {"id": "ent_10414", "kind": "withdrawal_hold", "purpose": "available", "currency": "USDT",
                "amount": "-200.000000", "balance": "862.300000", "reference": "wdr_01J8ZQ5V9K3M7N2P4R6T8W0Y1B",
                "at": _AT["completed"]},
}


def message(type: str) -> dict[str, Any]:
    """A webhook's body as it is sent at one step."""
    object, _, step = type.partition(".")
    if object == "dispute":
        return {"type": type, "timestamp": _AT["completed"], "data": _SAID[step]}
    if object == "balance":
        return {"type": type, "timestamp": _AT["completed"], "data": _MOVED[step]}
    return {"type": type, "timestamp": _AT[step], "data": {"payin": payin, "payout": payout}[object](step)}


def illustrate(schemas: dict[str, Any]) -> None:
    """Put the examples into the schemas they belong to."""
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    for name, fields in FIELDS.items():
        for field, words in fields.items():
            schemas[name]["properties"][field]["description"] = words
