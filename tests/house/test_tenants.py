"""Another tenant's record does not exist: every id in every address, swapped, answers as an unknown one does.

Generic over the addresses of the application: a route that is added is covered, and one that names a record of a new
kind fails until `RECORDS` says how such a record is made.
"""
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal import ledger, notices
from portal.core import clock, ids
from portal.core.access import SCOPES, SYSTEM, Actor, ActorKind
from portal.core.db import reader, transaction
from portal.notices import announcements
from portal.notices import queries as notice_queries
from portal.notices.models import PushBrowser
from portal.orders.models import Order
from portal.parties import keys, sessions
from portal.parties.commands import CreateKey
from portal.parties.factor_models import Passkey
from portal.webhooks import replays
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint, Ping, ReplayEvents
from tests import people
from tests.disputes import acts as disputes
from tests.factories import (
    Cast,
    assigned_payin,
    assigned_payout,
    assignment_of,
    deposit_to,
    new_cast,
    paid_payin,
    payout_import,
    picture,
    saved_recipient,
    staff,
    upload,
    work_off,
)
from tests.treasury import acts
from tests.web.developers.sample import logged_call

STAFF = ("admin",)  # staff see every tenant's
AMOUNTS = itertools.count()
# files, docs; a link is a key of its own
NO_RECORD = {"application_token", "cart", "filename", "group", "invitation_token", "kind", "name", "purpose", "tag",
             "token"}
OWN_ID = re.compile(r"[a-z]{3,4}_[0-9A-Z]{26}|req_\w+")
CHANGING = re.compile(r'nonce-\S+|data-now="\d+"|"request_id": ?"[^"]*"|[0-9A-Za-z_.-]{60,}')


@dataclass
class Tenant:
    """A merchant with a store, its key and an order, and the trader who has that order."""

    app: Flask
    cast: Cast
    order: Order

    @cached_property
    def payout(self) -> Order:
        self.cast.requisite(self.cast.traders[0], payout=True)
        return assigned_payout(self.cast)

    def file_id(self) -> str:
        return upload(Actor(kind=ActorKind.USER, id=self.trader.id), picture()).public_id

    @cached_property
    def owner(self) -> people.Person:
        return people.person("merchant_owner", merchant_id=self.cast.merchant.id)

    @cached_property
    def trader(self) -> people.Person:
        return people.person("trader", trader_id=assignment_of(self.order).trader_id)

    @cached_property
    def seats(self) -> dict[str, people.Seat]:
        return {"merchant": people.seat(self.app, self.owner), "trader": people.seat(self.app, self.trader)}

    @cached_property
    def token(self) -> str:
        with transaction() as session:
            return keys.create(session, SYSTEM, CreateKey(store_id=self.cast.store.id, live=True, name="k",
                                                          scopes=tuple(SCOPES)))[1]

    def endpoint_id(self) -> str:
        command = CreateEndpoint(url="http://127.0.0.1:9/hook", events=["*"])
        with transaction() as session:
            return webhooks.create_endpoint(session, self.cast.key, command)[0].public_id

    def key_id(self) -> str:
        command = CreateKey(store_id=self.cast.store.id, live=False, name="k", scopes=("orders:read",))
        with transaction() as session:
            return ids.public("key", keys.create(session, self.cast.owner, command)[0].id)

    def request_id(self) -> str:
        command = CreateKey(store_id=self.cast.store.id, live=False, name="k", scopes=("orders:read",))
        with transaction() as session:
            key, _ = keys.create(session, self.cast.owner, command)
        return logged_call(key)

    def delivery_id(self) -> str:
        asked = Ping(endpoint_id=self.endpoint_id())
        with transaction() as session:
            return webhooks.ping(session, self.cast.key, asked).public_id

    def event_id(self) -> str:
        asked = Ping(endpoint_id=self.endpoint_id())
        with transaction() as session:
            return webhooks.ping(session, self.cast.key, asked).event.public_id

    def requisite_id(self) -> str:
        return ids.public("rqs", assignment_of(self.order).requisite_id)

    def session_id(self) -> str:
        assert self.seats
        return ids.public("ses", sessions.of_user(reader(), self.trader.id, "trader")[0].id)

    def passkey_id(self) -> str:
        with transaction() as session:
            made = Passkey(user_id=self.trader.id, name="Phone", credential_id=ids.new_id().bytes, public_key=b"k",
                           sign_count=1)
            session.add(made)
        return made.public_id

    def notice_id(self) -> str:
        with transaction() as session:
            notices.notify(session, "account.password_changed", notices.user(self.trader.id))
        work_off("tell_people")
        return notice_queries.page(reader(), self.trader.actor).rows[0].public_id

    @cached_property
    def replayed(self) -> str:
        """The endpoint of replays: one runs at a time, and is the same when it is asked for again."""
        return self.endpoint_id()

    def replay_id(self) -> str:
        command = ReplayEvents(endpoint_id=self.replayed, since=clock.now() - timedelta(hours=1))
        with transaction() as session:
            return replays.replay(session, self.cast.key, command).public_id

    def browser_id(self) -> str:
        with transaction() as session:
            made = PushBrowser(id=ids.new_id(), user_id=self.trader.id, endpoint=f"https://push.example/{ids.new_id()}",
                               public=b"p", auth=b"a")
            session.add(made)
        return made.public_id

    def announcement_id(self) -> str:
        """For merchants: a trader opens its address in vain."""
        with transaction() as session:
            return announcements.announce(session, staff("admin"), announcements.Announce(
                audience="merchant", text_en="Rest on Friday", text_ru="В пятницу отдых")).public_id

    def actor(self, area: str) -> Actor:
        return self.owner.actor if area == "merchant" else self.trader.actor

    def withdrawal_id(self, area: str) -> str:
        deposit_to(ledger.store_available(self.cast.store.id, "USDT", True), "1.000000")
        return acts.ask(self.actor(area), self.cast, "1").public_id

    def payout_import_id(self) -> str:
        return payout_import(self.cast, self.owner.actor, {}, {"amount": "nothing"}).public_id

    def open(self, endpoint: str, method: str, address: str) -> TestResponse:
        """As this tenant's own person or program would, with a form or body that asks for nothing."""
        if endpoint.startswith("gateway"):
            return people.Browser(self.app).open(address, method=method, json=None if method == "GET" else {}, headers={
                "Authorization": f"Bearer {self.token}", "Idempotency-Key": ids.new_id().hex})
        seat = self.seats[visitor_of(endpoint)]
        if method == "GET":
            answer: TestResponse = seat.take(address)
            return answer
        return seat.open(address, method=method, data={
            "csrf_token": seat.token, "proof_password": people.PASSWORD})


RECORDS: dict[str, Callable[[Tenant], str]] = {
    "order_id": lambda tenant: tenant.order.public_id,
    "payin_id": lambda tenant: tenant.order.public_id,
    "payout_id": lambda tenant: tenant.payout.public_id,
    "file_id": Tenant.file_id,
    "endpoint_id": Tenant.endpoint_id,
    "key_id": Tenant.key_id,
    "delivery_id": Tenant.delivery_id,
    "request_id": Tenant.request_id,
    "event_id": Tenant.event_id,
    "requisite_id": Tenant.requisite_id,
    "session_id": Tenant.session_id,
    "passkey_id": Tenant.passkey_id,
    "notice_id": Tenant.notice_id,
    "browser_id": Tenant.browser_id,
    "replay_id": Tenant.replay_id,
    "store_id": lambda tenant: tenant.cast.store.public_id,
    **{f"{area}.deposit_id": lambda tenant, area=area: acts.tell(tenant.actor(area), tenant.cast).public_id
       for area in ("trader", "merchant")},
    **{f"{area}.address_id": lambda tenant, area=area: acts.usable(tenant.actor(area), tenant.cast).public_id
       for area in ("trader", "merchant")},
    **{f"{area}.withdrawal_id": lambda tenant, area=area: tenant.withdrawal_id(area)
       for area in ("trader", "merchant")},
    "dispute_id": lambda tenant: disputes.open_by(
        tenant.cast.key, paid_payin(tenant.cast, f"{2000 + next(AMOUNTS)}.00"), "not_confirmed").public_id,
    "payout_import_id": Tenant.payout_import_id,
    "announcement_id": lambda tenant: tenant.announcement_id(),
    "recipient_id": lambda tenant: saved_recipient(tenant.cast, tenant.owner.actor).public_id,
    "kind": lambda _: "csv",  # no record: of which form an export is
}


def record(tenant: Tenant, rule: Rule, argument: str) -> str:
    """What stands in an address: some arguments name a record of whoever's area it is."""
    return RECORDS.get(f"{visitor_of(rule.endpoint)}.{argument}", RECORDS.get(argument, lambda _: ""))(tenant)


def visitor_of(endpoint: str) -> str:
    return "merchant" if endpoint.startswith("merchant") else "trader"


def addresses(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """(rule, method, name of the id to swap)"""
    for rule in app.url_map.iter_rules():
        for name in sorted(rule.arguments - NO_RECORD):
            if rule.endpoint.startswith(STAFF):
                continue
            known = {name, f"{visitor_of(rule.endpoint)}.{name}"} & RECORDS.keys()
            assert known, f"{rule}: say in RECORDS how another tenant's {name} is made"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, name


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """A desk of its own: what other tests left to be told would be told here."""
    return fresh_app


@pytest.fixture
def tenants(app: Flask) -> tuple[Tenant, Tenant]:
    made = []
    for _ in range(2):
        cast = new_cast()
        made.append(Tenant(app, cast, assigned_payin(cast)))
    return made[0], made[1]


def test_what_is_anothers_does_not_exist(app: Flask, tenants: tuple[Tenant, Tenant],
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "ENDPOINTS_MAX", 1000)  # one is made for each address
    mine, theirs = tenants
    seen = 0
    for rule, method, name in addresses(app):
        own = {argument: record(mine, rule, argument) for argument in rule.arguments}
        foreign = record(theirs, rule, name)
        unknown = ids.public(foreign.rpartition("_")[0], ids.new_id())
        swapped = mine.open(rule.endpoint, method, _built(app, rule, method, own | {name: foreign}))
        missing = mine.open(rule.endpoint, method, _built(app, rule, method, own | {name: unknown}))
        unseen = 403 if str(rule).endswith("/advance") else 404  # of a live key, whatever it asks of whichever order
        assert swapped.status_code == missing.status_code == unseen, (method, str(rule), swapped.status_code)
        assert _plain(swapped) == _plain(missing), (method, str(rule))
        seen += 1
    assert seen >= 8


def test_ones_own_is_there(app: Flask, tenants: tuple[Tenant, Tenant]) -> None:
    """Else the test above would pass on a desk that shows nothing to anybody."""
    mine, _ = tenants
    for rule, method, _ in addresses(app):
        if method == "GET":
            own = {argument: record(mine, rule, argument) for argument in rule.arguments}
            assert mine.open(rule.endpoint, method, _built(app, rule, method, own)).status_code == 200, str(rule)


def test_an_id_spelled_otherwise_is_no_other_record(app: Flask, tenants: tuple[Tenant, Tenant]) -> None:
    mine, _ = tenants
    for wrong in ("x", "pin_", "pin_" + "0" * 25, "pin_" + "Z" * 26, mine.order.public_id.lower(), "asg_" + "0" * 26,
                  mine.order.public_id + "%00", str(mine.order.id)):
        for endpoint, start in (("trader_orders.one", "/trader/orders/"), ("merchant_orders.one", "/merchant/orders/"),
                                ("gateway.get_payin", "/gateway/v1/payins/")):
            assert mine.open(endpoint, "GET", start + wrong).status_code == 404, wrong


def _built(app: Flask, rule: Rule, method: str, values: dict[str, str]) -> str:
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, method))


def _plain(answer: TestResponse) -> str:
    """The answer without what differs between any two requests."""
    return CHANGING.sub("", OWN_ID.sub("ID", answer.get_data(as_text=True)))
