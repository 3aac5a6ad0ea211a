"""From an empty desk to the first completed payment: two administrators, everything by pages, each step ticked off.

In a browser without JavaScript, on a desk that really runs; only the shop's own call is the gateway's.
"""
import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.journeys.plain_browser import PlainBrowser
from tests.running import Desk, running_desk, wait_for

PASSWORD = "a sentence that nobody guesses"
GIVEN = re.compile(r'class="id large">([a-z0-9-]+)<')
TICKED = re.compile(r'<li id="step-(\w+)"><span class="badge ok">')
CARD = "4000000000000002"  # of nobody: Luhn holds


@pytest.fixture
def desk(fresh_database, redis_url, tmp_path) -> Iterator[Desk]:
    with running_desk(fresh_database, tmp_path / "desk.log", "web") as desk:
        for name in ("anna", "boris"):
            desk.flask("users", "create", "--email", f"{name}@desk.example", "--template", "super_admin",
                       "--password", PASSWORD)
        desk.start("worker", "dispatcher")
        yield desk


class Staff:
    """Anna asks, Boris decides; what the first-hour page ticks off is looked at after each step."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.anna, self.boris = (sign_in(desk, f"{name}@desk.example", PASSWORD) for name in ("anna", "boris"))

    def ask(self, path: str, ending: str, **typed: str) -> str:
        """Anna fills in the form of a page; returns where she is then."""
        assert self.anna.open(path) == 200, path
        assert self.anna.send(ending, **typed) in (200, 201), self.anna.text
        return self.anna.url.removeprefix(self.desk.url)

    def decide(self) -> None:
        """Boris approves what waits, one after the other, each on its own page."""
        self.boris.open("/admin/approvals")
        waiting = sorted(set(re.findall(r"/admin/approvals/(apr_\w+)\"", self.boris.html)))
        assert waiting, "nothing waits for a second person"
        for one in waiting:
            assert self.boris.open(f"/admin/approvals/{one}") == 200
            assert self.boris.send("/decision", decision="approve") == 200, self.boris.text
            assert "Approved" in self.boris.text

    def person(self, path: str, company: str, template: str, email: str) -> PlainBrowser:
        """Anna adds somebody, Boris agrees, they choose a password of their own."""
        self.ask(f"/admin/users/new?{company}={path.rpartition('/')[2]}", "/admin/users", email=email,
                 name="Nina Orlova", template=template, locale="en", reason="Works there")
        given = GIVEN.search(self.anna.html)
        assert given, self.anna.text
        self.decide()
        theirs = sign_in(self.desk, email, given[1])
        theirs.open("/profile")
        assert theirs.send("/password", current=given[1], password=PASSWORD) == 200, theirs.text
        return theirs

    def ticked(self) -> set[str]:
        self.anna.open("/admin/first-hour")
        return set(TICKED.findall(self.anna.html))


def test_an_empty_desk_takes_its_first_payment_by_pages_alone(desk: Desk) -> None:
    staff = Staff(desk)
    staff.anna.open("/admin/")
    assert "The first hour" in staff.anna.text
    assert "second_person" in staff.ticked()
    assert not staff.ticked() & {"rate", "store", "trader", "collateral", "requisite", "shift", "key", "live_order"}

    staff.ask("/admin/rates", "/admin/rates", base="USDT", quote="RUB", rate="92", reason="Today's")
    assert {"settlement", "rate"} <= staff.ticked()

    merchant = staff.ask("/admin/merchants/new", "/admin/merchants", name="Northwind")
    staff.ask(merchant, "/onboarding", reason="Papers seen")
    staff.decide()
    store = staff.ask(f"{merchant}/stores/new", "/stores", name="Bookshop", slug="bookshop",
                      settlement_currency="USDT")
    staff.ask(store, "/terms", currency="RUB", min_amount="50.00", max_amount="100000.00", methods="card",
              reason="Agreed")
    staff.ask(store, "/fees", direction="payin", method="", fee_percent="2.5", reason="Agreed")
    staff.decide()
    assert "store" in staff.ticked()

    nina = staff.person(merchant, "merchant", "merchant_owner", "nina@desk.example")
    trial = buy(desk, key_of(nina, store, live="no"))  # its robots came with the store's terms: they pay it themselves
    assert "key" in staff.ticked()

    trader = staff.ask("/admin/traders/new", "/admin/traders", name="Ivan", tier="1", open_orders_max="10",
                       settlement_currency="USDT")
    staff.ask(trader, "/rewards", direction="payin", method="", reward_percent="1", reason="Agreed")
    staff.ask(trader, "/onboarding", reason="Known")
    staff.decide()
    staff.ask(trader, "/deposits", amount="500.000000", reason="Came in")
    staff.decide()
    assert {"trader", "collateral"} <= staff.ticked()

    ivan = staff.person(trader, "trader", "trader", "ivan@desk.example")
    ivan.open("/trader/requisites/new")
    assert ivan.send("/requisites", method="card", bank="alfa", currency="RUB", number=CARD, holder="Ivan Petrov",
                     payin="yes", payout="", min_amount="50.00", max_amount="50000.00", open_orders_max="5",
                     cooldown_s="0") == 200, ivan.text
    staff.decide()
    ivan.open("/trader/orders")
    assert ivan.send("/shift", on="yes") == 200
    assert {"requisite", "shift"} <= staff.ticked()

    order = buy(desk, key_of(nina, store, live="yes"))
    claim(desk, order)
    assert ivan.open(f"/trader/orders/{order['id']}") == 200
    assert ivan.send("/confirmation") == 200, ivan.text
    wait_for(lambda: nina.open(f"/merchant/orders/{order['id']}") == 200 and "Completed" in nina.text, "it is settled")
    assert staff.ticked() >= {"second_person", "settlement", "rate", "store", "trader", "collateral", "requisite",
                              "shift", "key", "live_order"}

    assert trial["live"] is False
    wait_for(lambda: "test_order" in staff.ticked(), "the robots have settled the test order")
    assert "All is done" in staff.anna.text
    staff.anna.open("/admin/")
    assert "The first hour" not in staff.anna.text, "it is over"
    assert "0 differences" in desk.flask("ledger", "verify")


def sign_in(desk: Desk, email: str, password: str) -> PlainBrowser:
    browser = PlainBrowser(desk.url)
    browser.open("/login")
    assert browser.send("/login", email=email, password=password) == 200
    assert "/login" not in browser.url, browser.text
    return browser


def claim(desk: Desk, order: dict) -> None:
    """The payer says that it is paid. Looked for with its key: a payment link may be opened sixty times a minute."""
    wait_for(lambda: call(desk, order["key"], f"/payins/{order['id']}")["status"] == "assigned", "it has a requisite")
    payer = PlainBrowser(desk.url)
    assert payer.open(order["payment_url"]) == 200
    assert payer.send("/claim") == 200


def key_of(owner: PlainBrowser, store: str, *, live: str) -> str:
    owner.open("/merchant/developers/keys/new")
    status = owner.send("/keys", name="Shop", store_id=store.rpartition("/")[2], live=live,
                        scopes=["orders:read", "orders:write"], networks="")
    assert status in (200, 201), owner.text
    found = re.search(r"qk_(live|test)_\w+", owner.html)
    assert found, owner.text
    return found[0]


def buy(desk: Desk, key: str) -> dict:
    asked = {"external_id": "order-1", "amount": "1500.00", "currency": "RUB", "method": "card"}
    return call(desk, key, "/payins", asked) | {"key": key}


def call(desk: Desk, key: str, path: str, asked: dict | None = None) -> dict:
    with urllib.request.urlopen(urllib.request.Request(
            f"{desk.url}/gateway/v1{path}", data=json.dumps(asked).encode() if asked else None, headers={
                "Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": "first"}),
            timeout=10) as answer:
        return json.load(answer)
