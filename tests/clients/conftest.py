"""A desk that runs, with a store of its own, for the clients to speak to over a socket."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest
from flask import Flask

from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.parties import key_signing
from portal.parties.commands import MakeSigningSecret, RequireSigning
from tests.clients.front import Front
from tests.gateway.conftest import Shop, method, open_shop
from tests.running import Desk, running_desk

assert method  # the fixture: a rail of a test's own
assert open_shop  # the fixture: a store


@dataclass(frozen=True)
class Customer:
    """What a shop knows: a key, an address, and how to write an order."""

    key: str
    url: str
    method: str
    signing_secret: str | None = None

    def order(self, **changes: Any) -> dict[str, Any]:
        return {"external_id": f"order-{token_hex(6)}", "amount": "1500.00", "currency": "RUB",
                "method": self.method} | changes


@pytest.fixture(scope="module")
def desk(worker_app: Flask, database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(database, tmp_path_factory.mktemp("desk") / "web.log", "web") as running:
        yield running


@pytest.fixture
def customer(open_shop: Callable[[], Shop], desk: Desk, method: str) -> Customer:
    """A new store with a test key."""
    return Customer(open_shop().in_test_mode().token, desk.url, method)


@pytest.fixture
def signing_customer(open_shop: Callable[[], Shop], desk: Desk, method: str) -> Customer:
    """One whose key takes no call without a signature."""
    shop = open_shop().in_test_mode()
    with transaction() as session:
        _, secret = key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))
        key_signing.require(session, SYSTEM, RequireSigning(key_id=shop.key_id, required=True))
    return Customer(shop.token, desk.url, method, secret)


@pytest.fixture
def front(desk: Desk) -> Iterator[Front]:
    """A load balancer before the desk, which can be told to fail."""
    with Front(desk.port) as front:
        yield front
