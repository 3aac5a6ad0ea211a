"""A stranger's path: a key, a payin, the payment page, the claim, the trader's word, the books, the webhook.

By the gateway and a browser without JavaScript, on a desk that really runs, with the demo's accounts.
"""
import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook

from tests.journeys.plain_browser import PlainBrowser
from tests.running import Desk, running_desk, wait_for

PASSWORD = "quittance-demo-password"


@pytest.fixture
def desk(fresh_database, redis_url, tmp_path) -> Iterator[Desk]:
    with running_desk(fresh_database, tmp_path / "desk.log", "web") as desk:
        desk.flask("demo", "load")
        desk.start("worker", "dispatcher")
        yield desk


@pytest.fixture
def shop() -> Iterator["Shop"]:
    shop = Shop()
    yield shop
    shop.close()


class Shop:
    """A merchant's server: keeps every webhook it is sent, as it came."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Gateway:
    """As a merchant's system calls it."""

    def __init__(self, desk: Desk, store: str = "bookshop", mode: str = "live") -> None:
        self.base = f"{desk.url}/gateway/v1"
        self.key = desk.flask("keys", "create", "--store", store, "--mode", mode).splitlines()[-1]

    def get(self, path: str) -> dict:
        return self._call(urllib.request.Request(self.base + path))

    def post(self, path: str, body: dict, key: str) -> dict:
        return self._call(urllib.request.Request(self.base + path, data=json.dumps(body).encode(), headers={
            "Content-Type": "application/json", "Idempotency-Key": key}))

    def _call(self, request: urllib.request.Request) -> dict:
        request.add_header("Authorization", f"Bearer {self.key}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def sign_in(desk: Desk, who: str) -> PlainBrowser:
    browser = PlainBrowser(desk.url)
    browser.open("/login")
    assert browser.send("/login", email=f"{who}@quittance.example", password=PASSWORD) == 200
    assert "/login" not in browser.url, browser.text
    return browser


def trader_of(desk: Desk, order_id: str) -> PlainBrowser:
    """Whoever got the order: for the other traders it does not exist."""
    for number in range(1, 6):
        browser = sign_in(desk, f"trader{number}")
        if browser.open(f"/trader/{'payouts' if order_id.startswith('pout') else 'orders'}/{order_id}") == 200:
            return browser
    raise AssertionError("nobody got the order")


def test_a_payin_from_the_first_call_to_the_books(desk, shop):
    gateway = Gateway(desk)
    before = gateway.get("/balance")["data"][0]
    secret = gateway.post("/webhook-endpoints", {"url": shop.url, "events": ["*"]}, key="endpoint")["secret"]
    order = gateway.post("/payins", {"external_id": "order-1042", "amount": "1500.00", "currency": "RUB",
                                     "method": "card", "customer": {"id": "u-77", "name": "I. Petrov"}}, key="k-1042")
    assert order["status"] == "new"
    wait_for(lambda: gateway.get(f"/payins/{order['id']}")["status"] == "assigned", "the order is matched")

    payer = PlainBrowser(desk.url)
    number = gateway.get(f"/payins/{order['id']}")["requisite"]["number"]
    assert payer.open(order["payment_url"]) == 200
    assert number in payer.html.replace("\N{NO-BREAK SPACE}", "").replace("&nbsp;", "")
    assert payer.send("/claim") == 200
    assert gateway.get(f"/payins/{order['id']}")["status"] == "paid"

    trader = trader_of(desk, order["id"])
    assert trader.send("/confirmation") == 200
    wait_for(lambda: gateway.get(f"/payins/{order['id']}")["status"] == "completed", "the order is settled")

    wait_for(lambda: any(json.loads(body)["type"] == "payin.completed" for _, body in shop.received), "a webhook came")
    for headers, body in shop.received:
        Webhook(secret).verify(body, headers)
    told = next(json.loads(body) for _, body in shop.received if json.loads(body)["type"] == "payin.completed")
    assert told["data"]["id"] == order["id"]
    assert number not in json.dumps(told)

    after = gateway.get("/balance")["data"][0]
    earned = int(after["available"].replace(".", "")) - int(before["available"].replace(".", ""))
    assert earned == int(order["settlement"]["net"].replace(".", ""))
    assert "0 differences" in desk.flask("ledger", "verify")

    merchant = sign_in(desk, "merchant1")
    assert merchant.open(f"/merchant/orders/{order['id']}") == 200
    assert "Completed" in merchant.text
    staff = sign_in(desk, "admin")
    assert staff.open(f"/admin/orders/{order['id']}") == 200
    assert "Order settled" in staff.text
    assert sign_in(desk, "merchant2").open(f"/merchant/orders/{order['id']}") == 404
