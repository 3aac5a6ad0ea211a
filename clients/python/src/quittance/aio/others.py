"""The balance, webhooks, and what orders may name."""
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Unpack, cast

from quittance.aio.pages import Calls, Page, listed
from quittance.shapes import (
    Availability,
    BalanceEntry,
    BankFacts,
    ChangeWebhookEndpoint,
    CreateEndpoint,
    CurrencyFacts,
    Deleted,
    Event,
    MethodFacts,
    NewWebhookEndpoint,
    Quote,
    RateFacts,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookEndpoint,
    WebhookReplay,
)
from quittance.shapes import Balance as BalanceLine

Direction = Literal["payin", "payout"]


class Balance(Calls):
    """What the store has."""

    async def get(self) -> list[BalanceLine]:
        """One line for each currency."""
        return cast(list[BalanceLine], (await self._get("/balance"))["data"])

    async def entries(self, *, currency: str | None = None,
                      purpose: Literal["available", "held", "reserve"] | None = None,
                      created_from: datetime | None = None, created_to: datetime | None = None, limit: int = 50,
                      cursor: str | None = None) -> Page[BalanceEntry]:
        """The statement, newest line first."""
        return await listed(self._desk, "/balance/entries", {
            "currency": currency, "purpose": purpose, "created_from": created_from, "created_to": created_to,
            "limit": limit, "cursor": cursor})


class WebhookEndpoints(Calls):
    """Where you are told."""

    async def create(self, *, idempotency_key: str | None = None,
                     **endpoint: Unpack[CreateEndpoint]) -> NewWebhookEndpoint:
        """`secret` of the answer is shown this once: `Webhook(secret)` verifies with it."""
        return cast(NewWebhookEndpoint, await self._do("POST", "/webhook-endpoints", idempotency_key, dict(endpoint)))

    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        return cast(WebhookEndpoint, await self._get(f"/webhook-endpoints/{endpoint_id}"))

    async def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[WebhookEndpoint]:
        return await listed(self._desk, "/webhook-endpoints", {"limit": limit, "cursor": cursor})

    async def change(self, endpoint_id: str, *, idempotency_key: str | None = None,
                     **changes: Unpack[ChangeWebhookEndpoint]) -> WebhookEndpoint:
        """What is left out stays; `active=False` pauses."""
        return cast(WebhookEndpoint, await self._do("PATCH", f"/webhook-endpoints/{endpoint_id}", idempotency_key,
                                                    dict(changes)))

    async def delete(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Deleted:
        return cast(Deleted, await self._do("DELETE", f"/webhook-endpoints/{endpoint_id}", idempotency_key))

    async def rotate_secret(self, endpoint_id: str, *, idempotency_key: str | None = None) -> NewWebhookEndpoint:
        """For a day messages carry two signatures, with the old secret and the new one."""
        return cast(NewWebhookEndpoint, await self._do("POST", f"/webhook-endpoints/{endpoint_id}/rotate-secret",
                                                       idempotency_key))

    async def replay(self, endpoint_id: str, *, since: datetime, undelivered_only: bool = False,
                     idempotency_key: str | None = None) -> WebhookReplay:
        """Everything since then once more, under the same `webhook-id`s; ask `replayed` how far it is."""
        return cast(WebhookReplay, await self._do("POST", f"/webhook-endpoints/{endpoint_id}/replay", idempotency_key, {
            "since": since.isoformat(timespec="milliseconds"), "undelivered_only": undelivered_only}))

    async def replayed(self, replay_id: str) -> WebhookReplay:
        return cast(WebhookReplay, await self._get(f"/webhook-replays/{replay_id}"))

    async def test(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Mapping[str, Any]:
        """Send `test.ping` to it."""
        return cast(Mapping[str, Any], await self._do("POST", f"/webhook-endpoints/{endpoint_id}/test",
                                                      idempotency_key))


class WebhookDeliveries(Calls):
    """Each event on its way to each endpoint; thirty days."""

    async def list(self, *, endpoint_id: str | None = None, event_id: str | None = None,
                   status: Literal["pending", "delivered", "failed", "dropped"] | None = None, limit: int = 50,
                   cursor: str | None = None) -> Page[WebhookDelivery]:
        return await listed(self._desk, "/webhook-deliveries", {
            "endpoint_id": endpoint_id, "event_id": event_id, "status": status, "limit": limit, "cursor": cursor})

    async def get(self, delivery_id: str) -> WebhookDeliveryDetail:
        """With what was sent, and what came back at each try."""
        return cast(WebhookDeliveryDetail, await self._get(f"/webhook-deliveries/{delivery_id}"))

    async def redeliver(self, delivery_id: str, *, idempotency_key: str | None = None) -> WebhookDelivery:
        """The same event under the same `webhook-id`, once more and at once."""
        return cast(WebhookDelivery, await self._do("POST", f"/webhook-deliveries/{delivery_id}/redeliver",
                                                    idempotency_key))


class Events(Calls):
    """What was or should have been told; thirty days."""

    async def list(self, *, type: str | None = None, created_from: datetime | None = None,
                   created_to: datetime | None = None, limit: int = 50, cursor: str | None = None) -> Page[Event]:
        return await listed(self._desk, "/events", {
            "type": type, "created_from": created_from, "created_to": created_to, "limit": limit, "cursor": cursor})

    async def get(self, event_id: str) -> Event:
        return cast(Event, await self._get(f"/events/{event_id}"))


class ReferenceData(Calls):
    """What orders may name, and what they would cost."""

    async def currencies(self) -> list[CurrencyFacts]:
        return cast(list[CurrencyFacts], (await self._get("/currencies"))["data"])

    async def methods(self) -> list[MethodFacts]:
        return cast(list[MethodFacts], (await self._get("/methods"))["data"])

    async def banks(self) -> list[BankFacts]:
        return cast(list[BankFacts], (await self._get("/banks"))["data"])

    async def rates(self) -> list[RateFacts]:
        return cast(list[RateFacts], (await self._get("/rates"))["data"])

    async def quote(self, *, direction: Direction, method: str, amount: str, currency: str) -> Quote:
        """By the rate and fees of now; nothing is frozen."""
        return cast(Quote, await self._get("/quote", {
            "direction": direction, "method": method, "amount": amount, "currency": currency}))

    async def availability(self, *, kind: Direction, method: str, amount: str, currency: str,
                           bank: str | None = None) -> Availability:
        """Could it be matched now? A yes is no promise."""
        return cast(Availability, await self._get("/availability", {
            "kind": kind, "method": method, "amount": amount, "currency": currency, "bank": bank}))
