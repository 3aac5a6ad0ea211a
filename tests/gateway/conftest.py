"""Shops that call the gateway over HTTP, each with a payment rail of its own."""
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_hex
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from portal import ledger, reference, tariffs
from portal.core.access import SCOPES, SYSTEM
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.gateway import rate_limits
from portal.parties import keys, merchants, stores
from portal.parties.commands import (
    CreateKey,
    CreateMerchant,
    CreateStore,
    MoveMerchant,
    MoveStore,
    RevokeKey,
    StoreTerms,
)
from portal.parties.models import Store
from portal.reference import service as reference_service
from portal.reference.commands import AddMethod, SetRate
from portal.tariffs.commands import SetFee
from portal.tariffs.service import set_fee
from tests import factories as f
from tests.gateway.street import Street

BASE = "/gateway/v1"
PAYOUT_NUMBER = "2200150000000007"


@dataclass(frozen=True)
class Shop:
    """A store's system with a key: it speaks HTTP and nothing else."""

    app: Flask
    store: Store
    token: str
    key_id: Any
    live: bool = True
    fast: bool = False  # its creates go by the fast road, as far as that takes them
    seen: list[TestResponse] = field(default_factory=list)

    def get(self, path: str, headers: dict[str, str] | None = None, **query: object) -> TestResponse:
        return self._open("GET", path, headers or {}, query_string={k: str(v) for k, v in query.items()} or None)

    def post(self, path: str, body: object = None, key: str | None = None) -> TestResponse:
        sent = b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self.send(path, sent, key=new_id().hex if key is None and path == "/payins" else key)

    def send(self, path: str, body: bytes, key: str | None = "",
             content_type: str = "application/json") -> TestResponse:
        """Raw bytes. `key` None: without a key; empty: a fresh one."""
        headers = {} if key is None else {"Idempotency-Key": key or new_id().hex}
        return self._open("POST", path, headers, data=body, content_type=content_type)

    def _open(self, method: str, path: str, headers: Mapping[str, str | None], **sent: Any) -> TestResponse:
        """`headers`: None leaves one out."""
        if self.fast and (method, path) == ("POST", "/payins"):
            return self._by_the_fast_road(headers, **sent)
        client = self.app.test_client(use_cookies=False)
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        answer = client.open(BASE + path, method=method, **sent,
                             headers={name: value for name, value in headers.items() if value is not None})
        self.seen.append(answer)
        return answer

    def _by_the_fast_road(self, headers: Mapping[str, str | None], data: bytes, content_type: str) -> Any:
        """As a process that serves this one call would: the fast road first, Flask behind it."""
        given = {"content-type": content_type, **{name.lower(): value for name, value in headers.items() if value}}
        with closing(Street(self.app)) as street:
            got = street.send(data, given | {"authorization": f"Bearer {self.token}"})
        answer = Response(got.body, got.status, got.headers)
        self.seen.append(answer)  # type: ignore[arg-type]
        return answer

    def count(self) -> int:
        """Orders of this key's store and mode, up to a page."""
        return len(self.get("/payins", limit=100).json["data"])

    def as_key(self, token: str, key_id: Any = None, live: bool | None = None) -> "Shop":
        return replace(self, token=token, key_id=key_id, live=self.live if live is None else live)

    def with_scopes(self, *scopes: str) -> "Shop":
        return self._with_key(scopes=scopes)

    def with_networks(self, *networks: str) -> "Shop":
        return self._with_key(networks=networks)

    def expiring(self, at: datetime) -> "Shop":
        return self._with_key(expires_at=at)

    def in_test_mode(self) -> "Shop":
        return self._with_key(live=False)

    def revoke(self) -> None:
        with transaction() as session:
            keys.revoke(session, SYSTEM, RevokeKey(key_id=self.key_id))

    def suspend(self, who: str) -> None:
        with transaction() as session:
            if who == "store":
                stores.move(session, SYSTEM, MoveStore(store_id=self.store.id, status="suspended", reason="test"))
            else:
                merchants.move(session, SYSTEM, MoveMerchant(merchant_id=self.store.merchant_id, status="suspended",
                                                             reason="test"))

    def _with_key(self, live: bool | None = None, **facts: Any) -> "Shop":
        live = self.live if live is None else live
        asked = {"store_id": self.store.id, "live": live, "name": "key", "scopes": tuple(SCOPES)} | facts
        with transaction() as session:
            key, token = keys.create(session, SYSTEM, CreateKey(**asked))
        return self.as_key(token, key.id, live)


@pytest.fixture
def method(app: Flask) -> str:
    """A rail of this test alone: no other test's requisite is ever a candidate."""
    code = f"m{token_hex(6)}"
    with transaction() as session:
        reference_service.add_method(session, SYSTEM, AddMethod(code=code, name="Card", number_label="Card number",
                                                               validator="luhn16"))
        if ("USDT", "RUB") not in reference.snapshot(session).rates:
            reference_service.set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate="92"))
    reference.forget()
    return code


@pytest.fixture
def open_shop(app: Flask, method: str) -> Callable[[], Shop]:
    def opened() -> Shop:
        with transaction() as session:
            merchant = merchants.create(session, SYSTEM, CreateMerchant(name="Books"))
            merchants.move(session, SYSTEM, MoveMerchant(merchant_id=merchant.id, status="active", reason="test"))
            store = stores.create(session, SYSTEM, CreateStore(
                merchant_id=merchant.id, slug=f"s{token_hex(6)}", name="Bookshop", settlement_currency="USDT",
                return_hosts=("shop.example",), currencies=(StoreTerms(
                    currency="RUB", min_minor=50_00, max_minor=100_000_00, methods=(method,)),)))
            set_fee(session, SYSTEM, SetFee(store_id=store.id, direction="payin", fee_bps=250))
        tariffs.forget()
        return Shop(app, store, "", None)._with_key()

    return opened


@pytest.fixture
def shop(open_shop: Callable[[], Shop]) -> Shop:
    return open_shop()


@pytest.fixture(params=["flask", "fast"])
def either_road(request: pytest.FixtureRequest, open_shop: Callable[[], Shop]) -> Shop:
    """For a module whose every test is to hold whichever road a create takes: `FAST_CREATE` on and off."""
    return replace(open_shop(), fast=request.param == "fast")


@pytest.fixture
def other_shop(open_shop: Callable[[], Shop]) -> Shop:
    """A stranger: another merchant's."""
    return open_shop()


@pytest.fixture
def test_shop(shop: Shop) -> Shop:
    """The same store, in test mode."""
    return shop.in_test_mode()


@pytest.fixture
def payin(method: str) -> Callable[..., dict[str, Any]]:
    """A well-formed request with an external id of its own."""
    return lambda **changes: {"external_id": f"order-{token_hex(6)}", "amount": "1500.00", "currency": "RUB",
                              "method": method} | changes


@pytest.fixture
def payout(method: str) -> Callable[..., dict[str, Any]]:
    """A well-formed request, the same each time."""
    return lambda **changes: {
        "external_id": "po-7", "amount": "1500.00", "currency": "RUB",
        "destination": {"method": method, "bank": "alfa", "number": PAYOUT_NUMBER, "holder": "I Petrov"},
        "customer": {"id": "c-7"}} | changes


@pytest.fixture
def funded(shop: Shop) -> Shop:
    """The shop with 20 USDT to pay out of, at a fee of 2.5 %."""
    f.deposit_to(ledger.store_available(shop.store.id, "USDT", True), "20.000000")
    with f.act() as session:
        f.set_fee(session, f.SYSTEM, f.SetFee(store_id=shop.store.id, direction="payout", fee_bps=250))
    f.forget()
    return shop


@pytest.fixture
def limited_shop(app: Flask, shop: Shop, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """With limits on, whatever the environment says."""
    monkeypatch.setitem(app.extensions, rate_limits.EXTENSION, rate_limits.Counter(redis_url))
    return shop
