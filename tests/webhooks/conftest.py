"""A store with a key, and what a worker does about webhooks."""
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from uuid import UUID

import pytest
from flask import Flask

from portal.core import crypto, ids, jobs
from portal.core.access import TEMPLATES, Actor, ActorKind, Role
from portal.core.db import db, transaction
from portal.parties.models import Merchant, Store
from portal.webhooks import Announcement, announce, service
from portal.webhooks.announce import KIND
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Delivery, Endpoint


@dataclass
class Shop:
    """A store, its live key, its owner; everything committed."""

    store: Store
    key: Actor
    owner: Actor

    def endpoint(self, url: str, events: list[str] | None = None) -> tuple[Endpoint, str]:
        with transaction() as session:
            return service.create_endpoint(session, self.key, CreateEndpoint(url=url, events=events or ["*"]))

    def tell(self, count: int = 1, type: str = "payin.completed", **payload: object) -> None:
        with transaction() as session:
            announce(session, [self.step(type, number, **payload) for number in range(count)])

    def step(self, type: str, number: int = 0, **payload: object) -> Announcement:
        return Announcement(store_id=self.store.id, live=True, type=type, order_id=ids.new_id(), version=number + 1,
                            payload={"id": f"pin_{number}", "name": "Ж\u2028 «&» \U0001f600", **payload})

    def deliveries(self) -> list[Delivery]:
        db.session.expire_all()
        return db.session.query(Delivery).filter_by(store_id=self.key.store_id).order_by(Delivery.id).all()


def open_shop(merchant_id: UUID | None = None) -> Shop:
    """Of a merchant of its own, or another of theirs."""
    with transaction() as session:
        if merchant_id is None:
            merchant = Merchant(name="Books", status="active")
            session.add(merchant)
            session.flush()
            merchant_id = merchant.id
        store = Store(merchant_id=merchant_id, slug=f"s-{token_hex(6)}", name="Bookshop", settlement_currency="USDT",
                      data_key=crypto.new_data_key("stores|data_key|test"))
        session.add(store)
    return Shop(store, Actor(kind=ActorKind.KEY, id=ids.new_id(), store_id=store.id, live=True, name="key"),
                Actor(kind=ActorKind.USER, id=ids.new_id(), role=Role.MERCHANT, merchant_id=merchant_id, name="owner",
                      permissions=TEMPLATES["merchant_owner"]))


@pytest.fixture(autouse=True)
def _nothing_waits(request: pytest.FixtureRequest) -> None:
    """Deliveries that an earlier test left waiting would be due under a moved clock."""
    if "app" in request.fixturenames:
        request.getfixturevalue("app")
        with transaction() as session:
            session.query(jobs.Job).filter_by(kind=KIND).delete()


@pytest.fixture
def shop(app: Flask) -> Shop:
    return open_shop()


@pytest.fixture
def stranger(app: Flask) -> Shop:
    return open_shop()


@pytest.fixture
def send(app: Flask) -> Callable[[], int]:
    """What a woken worker does, until nothing is due."""
    import tasks.webhooks  # noqa: F401

    return lambda: sum(iter(lambda: jobs.run(KIND), 0))
