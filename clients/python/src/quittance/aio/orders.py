"""Payins and payouts."""
import asyncio
from collections.abc import Collection
from datetime import datetime
from time import monotonic
from typing import Literal, Unpack, cast

from quittance.aio.pages import Calls, Page, listed
from quittance.core import Call, Files
from quittance.errors import QuittanceError
from quittance.shapes import (
    CreatePayin,
    CreatePayout,
    Dispute,
    Payin,
    Payout,
    Receipts,
)

Status = Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled",
                 "expired", "failed"]
ENDS: tuple[Status, ...] = ("completed", "cancelled", "expired", "failed")


class Payins(Calls):
    """Payments of your customers."""

    async def create(self, *, idempotency_key: str | None = None, **order: Unpack[CreatePayin]) -> Payin:
        """Take `amount` from a customer; send them to `payment_url`. Keep `idempotency_key` with your own order, so
        that a crash of yours makes no second one. Raises ExternalIdTaken, Invalid, …"""
        return cast(Payin, await self._do("POST", "/payins", idempotency_key, dict(order)))

    async def get(self, payin_id: str, *, wait: int | None = None, version: int | None = None) -> Payin:
        """With the whole number in `requisite` while it is assigned or paid. `wait` up to 30 seconds for a change, from
        the `version` that you know."""
        return cast(Payin, await self._get(f"/payins/{payin_id}", {"wait": wait, "version": version}))

    async def list(self, *, status: Status | None = None, external_id: str | None = None,
                   customer_id: str | None = None, created_from: datetime | None = None,
                   created_to: datetime | None = None, updated_from: datetime | None = None,
                   ids: Collection[str] | None = None, limit: int = 50, cursor: str | None = None) -> Page[Payin]:
        """Newest first; walking through the page goes on to the next ones."""
        return await listed(self._desk, "/payins", {
            "status": status, "external_id": external_id, "customer_id": customer_id, "created_from": created_from,
            "created_to": created_to, "updated_from": updated_from,
            "ids": tuple(ids) if ids is not None else None, "limit": limit, "cursor": cursor})

    async def mark_paid(self, payin_id: str, *, idempotency_key: str | None = None) -> Payin:
        """The customer says that they have paid, where you show the requisite yourself."""
        return cast(Payin, await self._do("POST", f"/payins/{payin_id}/mark-paid", idempotency_key))

    async def advance(self, payin_id: str, *, seconds: int, idempotency_key: str | None = None) -> Payin:
        """Test mode: its clock goes so much forward, and what became due happens before the answer."""
        return cast(Payin, await self._do("POST", f"/payins/{payin_id}/advance", idempotency_key,
                                     {"seconds": seconds}))

    async def cancel(self, payin_id: str, *, idempotency_key: str | None = None) -> Payin:
        """While no money has moved."""
        return cast(Payin, await self._do("POST", f"/payins/{payin_id}/cancel", idempotency_key))

    async def dispute(self, payin_id: str, *, reason: Literal["not_confirmed", "wrong_amount", "other"], text: str,
                      idempotency_key: str | None = None) -> Dispute:
        """Object to how it stands."""
        return cast(Dispute, await self._do("POST", f"/payins/{payin_id}/dispute", idempotency_key,
                                            {"reason": reason, "text": text}))

    async def add_receipts(self, payin_id: str, files: Files, *, idempotency_key: str | None = None) -> Receipts:
        """What shows that the money was sent: (name, bytes, content type) of up to five files."""
        return cast(Receipts, await self._desk.send(Call(
            "POST", f"/payins/{payin_id}/receipts", files=files, key=idempotency_key)))

    async def wait_for(self, payin_id: str, *statuses: Status, timeout_s: float = 60.0, every_s: float = 1.0) -> Payin:
        """Look until it stands so, or has ended. For scripts and tests: a shop is told by webhook.

        Raises QuittanceError when the time is up.
        """
        ends_at = monotonic() + timeout_s
        while (payin := await self.get(payin_id))["status"] not in (*statuses, *ENDS):
            if monotonic() > ends_at:
                raise QuittanceError(f"{payin_id} is still {payin['status']}")
            await asyncio.sleep(every_s)
        return payin


class Payouts(Calls):
    """Payments to somebody, out of the store's balance."""

    async def create(self, *, idempotency_key: str | None = None, **order: Unpack[CreatePayout]) -> Payout:
        """Send `amount` to `destination`. Raises InsufficientFunds, ExternalIdTaken, Invalid, …"""
        return cast(Payout, await self._do("POST", "/payouts", idempotency_key, dict(order)))

    async def get(self, payout_id: str, *, wait: int | None = None, version: int | None = None) -> Payout:
        """`wait`: as of a payin."""
        return cast(Payout, await self._get(f"/payouts/{payout_id}", {"wait": wait, "version": version}))

    async def list(self, *, status: Status | None = None, external_id: str | None = None,
                   customer_id: str | None = None, created_from: datetime | None = None,
                   created_to: datetime | None = None, updated_from: datetime | None = None,
                   ids: Collection[str] | None = None, limit: int = 50, cursor: str | None = None) -> Page[Payout]:
        """Newest first; walking through the page goes on to the next ones."""
        return await listed(self._desk, "/payouts", {
            "status": status, "external_id": external_id, "customer_id": customer_id, "created_from": created_from,
            "created_to": created_to, "updated_from": updated_from,
            "ids": tuple(ids) if ids is not None else None, "limit": limit, "cursor": cursor})

    async def advance(self, payout_id: str, *, seconds: int, idempotency_key: str | None = None) -> Payout:
        """Test mode: its clock goes so much forward, and what became due happens before the answer."""
        return cast(Payout, await self._do("POST", f"/payouts/{payout_id}/advance", idempotency_key,
                                     {"seconds": seconds}))

    async def cancel(self, payout_id: str, *, idempotency_key: str | None = None) -> Payout:
        """Until a trader has taken it on."""
        return cast(Payout, await self._do("POST", f"/payouts/{payout_id}/cancel", idempotency_key))

    async def confirm(self, payout_id: str, *, idempotency_key: str | None = None) -> Payout:
        """The recipient has the money."""
        return cast(Payout, await self._do("POST", f"/payouts/{payout_id}/confirm", idempotency_key))

    async def dispute(self, payout_id: str, *, reason: Literal["not_arrived", "less_arrived", "wrong_recipient",
                                                               "other_payout"], text: str,
                      idempotency_key: str | None = None) -> Dispute:
        return cast(Dispute, await self._do("POST", f"/payouts/{payout_id}/dispute", idempotency_key,
                                            {"reason": reason, "text": text}))

    async def add_receipts(self, payout_id: str, files: Files, *, idempotency_key: str | None = None) -> Receipts:
        """(name, bytes, content type) of up to five files."""
        return cast(Receipts, await self._desk.send(Call(
            "POST", f"/payouts/{payout_id}/receipts", files=files, key=idempotency_key)))
