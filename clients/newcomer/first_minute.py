"""A shop's first minute, in test mode and alone: a payin, a payout and a dispute, each until the desk's signed word for
it; then whatever else stands on the list of what to try before going live.

    QUITTANCE_KEY=qk_test_… python clients/newcomer/first_minute.py [address of the desk]

Needs the package in clients/python and a desk in development, which may send to this machine. Prints what happens; ends
with 0 when all was heard and verified, with 1 when that takes too long.
"""
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from quittance import BadSignature, InvalidTransition, Quittance, Webhook
from quittance.shapes import Payin, Payout, WebhookMessage

WITHIN_S = 50
RECIPIENT = {"method": "card", "bank": "alfa", "number": "2200150000004827", "holder": "I PETROV"}


class Receiver(ThreadingHTTPServer):
    """A shop's server: keeps what the desk signed, and nothing else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.webhook: Webhook | None = None
        self.told: dict[tuple[str, str], WebhookMessage] = {}  # the same message may come twice: it is kept once
        self.news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/quittance"

    def hears(self, order_id: str, type: str) -> WebhookMessage:
        """Wait until the desk has said this of the order. Raises TimeoutError."""
        with self.news:
            if not self.news.wait_for(lambda: (order_id, type) in self.told, WITHIN_S):
                raise TimeoutError(f"no word of {type} for {order_id}: is the worker running?")
        say(f"    the desk says, signed: {type}")
        return self.told[order_id, type]


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
        of = message["data"].get("order_id") or message["data"].get("id", "")  # a dispute names its order
        with self.server.news:
            self.server.told[of, message["type"]] = message
            self.server.news.notify_all()
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
            take(desk, shop)
            payout = send(desk, shop)
            object_to(desk, shop, payout)
            try_the_rest(desk, shop)
        except TimeoutError as late:
            say(str(late))
            return 1
        finally:
            desk.webhook_endpoints.delete(endpoint["id"])
    say("done: everything was heard from the desk and its signature verified")
    return 0


def take(desk: Quittance, shop: Receiver) -> None:
    """Amounts that end in .01 wait in test mode for the customer's word; most of the others need nobody."""
    payin = new_payin(desk, "1500.01")
    say(f"    the customer pays at {payin['payment_url']}")
    shop.hears(payin["id"], "payin.assigned")
    where = desk.payins.get(payin["id"])["requisite"]
    assert where is not None
    say(f"    or, where you show it yourself, to {where['number']}, {where['holder']}")
    desk.payins.mark_paid(payin["id"])
    settlement = shop.hears(payin["id"], "payin.completed")["data"]["settlement"]
    say(f"    {settlement['net']} {settlement['currency']} for the store")


def send(desk: Quittance, shop: Receiver) -> Payout:
    """Out of the test balance, which the payin left."""
    number = new_number()
    payout = desk.payouts.create(external_id=number, amount="500.00", currency="RUB", destination=RECIPIENT,
                                 idempotency_key=number)
    say(f"{payout['id']} of {payout['amount']} {payout['currency']} is {payout['status']}")
    shop.hears(payout["id"], "payout.paid")
    with suppress(InvalidTransition):  # by the store's settings it may be agreed to already
        desk.payouts.confirm(payout["id"])
    total = shop.hears(payout["id"], "payout.completed")["data"]["settlement"]["total"]
    say(f"    it cost the store {total} {payout['settlement']['currency']}")
    return payout


def object_to(desk: Quittance, shop: Receiver, payout: Payout) -> None:
    """The recipient has nothing, says the shop; in test mode an arbiter agrees within seconds."""
    dispute = desk.payouts.dispute(payout["id"], reason="not_arrived", text="The recipient has not received anything.")
    say(f"{dispute['id']} is {dispute['status']}")
    shop.hears(payout["id"], "dispute.opened")
    decided = shop.hears(payout["id"], "dispute.decided")["data"]
    say(f"    decided: {decided['outcome']}; the balance is {desk.balance.get()[0]['available']}")


def try_the_rest(desk: Quittance, shop: Receiver) -> None:
    """Whatever can befall a payin is chosen by the last two digits of its amount; no time need be waited for."""
    nobody_pays = new_payin(desk, "1500.04")
    for amount, end in (("1500.03", "payin.completed"), ("1500.06", "payin.failed"), ("1500.09", "payin.cancelled")):
        shop.hears(new_payin(desk, amount)["id"], end)
    shop.hears(nobody_pays["id"], "payin.assigned")
    desk.payins.advance(nobody_pays["id"], seconds=86_400)
    shop.hears(nobody_pays["id"], "payin.expired")
    number = new_number()
    first, again = (new_payin(desk, "1500.00", number) for _ in range(2))  # as after an answer that was lost
    assert first == again


def new_payin(desk: Quittance, amount: str, number: str | None = None) -> Payin:
    number = number or new_number()
    payin = desk.payins.create(external_id=number, amount=amount, currency="RUB", method="card", idempotency_key=number)
    say(f"{payin['id']} of {payin['amount']} {payin['currency']} is {payin['status']}")
    return payin


def new_number() -> str:
    """Of an order in the shop's own books: the key that makes a second try harmless too."""
    return f"first-{secrets.token_hex(4)}"


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ["QUITTANCE_KEY"], sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
