"""A merchant's developer at the browser, a stranger's beside, and a receiver of webhooks to speak to."""
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask

from portal.core import ids, jobs
from portal.core.db import transaction
from portal.parties.models import Store
from portal.webhooks import Announcement, announce
from portal.webhooks.announce import KIND
from tests import people

PAGES = "/merchant/developers"


@dataclass
class Desk:
    """One merchant's store and somebody who may manage its keys and endpoints."""

    app: Flask
    store: Store
    person: people.Person
    seat: people.Seat

    def page(self, path: str = "", status: int = 200, **more: Any) -> str:
        answer = self.seat.get(PAGES + path, **more)
        assert answer.status_code == status, (path, answer.status_code)
        return str(answer.get_data(as_text=True))

    def send(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return self.seat.send(PAGES + path, form)

    def key_form(self, **changed: Any) -> dict[str, Any]:
        """As the page gives it, filled in."""
        form_key = re.search(r'name="idempotency_key" value="(\w+)"', self.page("/keys/new"))
        assert form_key
        return {"idempotency_key": form_key[1], "store_id": self.store.public_id, "name": "The shop's server",
                "live": "no", "scopes": ["orders:read", "orders:write"], "networks": "", **changed}

    def endpoint_form(self, url: str, **changed: Any) -> dict[str, Any]:
        form_key = re.search(r'name="idempotency_key" value="(\w+)"', self.page("/endpoints/new"))
        assert form_key
        return {"idempotency_key": form_key[1], "store_id": self.store.public_id, "url": url, "description": "",
                "live": "yes", "events": ["*"], **changed}

    def make_key(self, **changed: Any) -> tuple[str, str]:
        """(id, token)"""
        answer = self.send("/keys", self.key_form(**changed))
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return newest("key", self.page()), shown(answer)

    def make_endpoint(self, url: str, **changed: Any) -> tuple[str, str]:
        """(id, secret)"""
        answer = self.send("/endpoints", self.endpoint_form(url, **changed))
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return newest("whk", self.page("/endpoints")), shown(answer)

    def tell(self, type: str = "payin.completed", **payload: object) -> None:
        with transaction() as session:
            announce(session, [Announcement(store_id=self.store.id, live=True, type=type, order_id=ids.new_id(),
                                            version=3, payload={"id": "pin_1", "note": "<b>Ж</b>", **payload})])

    def delivery(self) -> str:
        """The id of the newest."""
        return newest("dlv", self.page("/deliveries"))


def newest(prefix: str, html: str) -> str:
    found = re.search(rf"{prefix}_[0-9A-Z]{{26}}", html)
    assert found, f"no {prefix} on the page"
    return found[0]


def shown(answer: Any) -> str:
    found = re.search(r'id="secret">([^<]+)</code>', answer.get_data(as_text=True))
    assert found
    return unescape(found[1])


def desk_of(app: Flask, template: str = "merchant_developer") -> Desk:
    person = people.person(template)
    assert person.merchant_id is not None
    return Desk(app, people.store(person.merchant_id), person, people.seat(app, person))


@pytest.fixture
def desk(app: Flask) -> Desk:
    return desk_of(app)


@pytest.fixture
def stranger(app: Flask) -> Desk:
    return desk_of(app)


@pytest.fixture
def send(app: Flask) -> Callable[[], int]:
    """What a woken worker does, until nothing is due."""
    import tasks.webhooks  # noqa: F401

    with transaction() as session:
        session.query(jobs.Job).filter_by(kind=KIND).delete()
    return lambda: sum(iter(lambda: jobs.run(KIND), 0))
