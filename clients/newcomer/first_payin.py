"""A shop's first minute: an endpoint, a payin in test mode, and the signed message that it is completed.

    QUITTANCE_KEY=qk_test_… python clients/newcomer/first_payin.py [address of the desk]

Needs the package in clients/python and a desk in development, which may send to this machine. Prints what happens; ends
with 0 when the order is completed and the desk's word for it was verified, with 1 when that takes too long.
"""
import os
import queue
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from quittance import BadSignature, Quittance, Webhook
from quittance.shapes import WebhookMessage

WITHIN_S = 50


class Receiver(ThreadingHTTPServer):
    """A shop's server: takes what the desk signed, once, and nothing else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.webhook: Webhook | None = None
        self.seen: set[str] = set()
        self.messages: queue.Queue[WebhookMessage] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/quittance"


class Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            assert self.server.webhook is not None
            message = self.server.webhook.verify(body, dict(self.headers))
        except BadSignature:
            self._answer(400)
            return
        if self.headers["webhook-id"] not in self.server.seen:  # the same message may come twice
            self.server.seen.add(self.headers["webhook-id"])
            self.server.messages.put(message)
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def main(key: str, address: str) -> int:
    with Quittance(key, address) as desk, receiving() as shop:
        endpoint = desk.webhook_endpoints.create(url=shop.url, events=["*"])
        shop.webhook = Webhook(endpoint["secret"])
        try:
            return buy(desk, shop)
        finally:
            desk.webhook_endpoints.delete(endpoint["id"])


def buy(desk: Quittance, shop: Receiver) -> int:
    """Amounts that end in .01 wait in test mode for the customer's word; everything else happens by itself."""
    number = f"first-{secrets.token_hex(4)}"
    payin = desk.payins.create(external_id=number, amount="1500.01", currency="RUB", method="card",
                               idempotency_key=number)
    say(f"{payin['id']} is {payin['status']}; the customer pays at {payin['payment_url']}")
    assigned = desk.payins.wait_for(payin["id"], "assigned", timeout_s=WITHIN_S, every_s=0.5)
    assert assigned["requisite"] is not None, assigned["failure"]
    say(f"it is to be paid to {assigned['requisite']['number']}, {assigned['requisite']['holder']}")
    desk.payins.mark_paid(payin["id"])
    told, version = "", 0
    while told != "payin.completed":
        try:
            message = shop.messages.get(timeout=WITHIN_S)
        except queue.Empty:
            say("nothing more was heard: is the worker running?")
            return 1
        if message["data"].get("id") != payin["id"] or message["data"]["version"] < version:
            continue  # of another order, or older than what we know
        version, told = message["data"]["version"], message["type"]
        say(f"the desk says, signed: {told}")
    say(f"completed: {message['data']['settlement']['net']} {message['data']['settlement']['currency']} for the store")
    return 0


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ["QUITTANCE_KEY"], sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
