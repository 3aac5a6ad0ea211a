"""Numbers and secrets sent through everything are found nowhere they do not belong.

The whole desk runs with the demo's people; a requisite, a key, an endpoint, sessions and payments are made; then every
row of every table, all of Redis, every log line, what Sentry was sent and the pages of everybody else are searched.
"""
import base64
import gzip
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import psycopg
import pytest
from redis import Redis
from sqlalchemy import select

from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.demo import cast
from portal.demo.load import _number as number_of
from portal.parties.models import Trader
from portal.requisites import service as requisites
from portal.requisites.commands import AddRequisite
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import PASSWORD, Gateway, Shop, desk, shop, sign_in, trader_of
from tests.running import ROOT, wait_for

assert desk
assert shop
HOLDER, NEW_NUMBER, WRONG_PASSWORD = "Zinaida Kanareikina", "2200700799887749", "canary-of-a-password-7731"
SECRETS = ("SECRET_KEY", "MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY")


def spellings(canary: str) -> set[str]:
    """In clear, as a URL, as bytes in hex and in base64 at any of its three offsets."""
    raw = canary.encode()
    shifted = {base64.b64encode(b"x" * skip + raw).decode()[4 if skip else 0:-4].rstrip("=") for skip in range(3)}
    return {canary, quote(canary, safe=""), raw.hex(), *(part for part in shifted if len(part) > 8)}


def found(canaries: dict[str, str], where: str) -> list[str]:
    """Which of them are in a text; numbers also as people group them."""
    joined = re.sub(r"(?<=\d)(?:[ \u00a0-]|&nbsp;)(?=\d)", "", where)
    return sorted(name for name, canary in canaries.items()
                  if any(spelled in text for spelled in spellings(canary) for text in (where, joined)))


def all_rows(url: str) -> dict[str, str]:
    """Every table as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute("""SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')""").fetchall()
        return {name: "\n".join(str(row[0]) for row in connection.execute(f"SELECT t::text FROM {name} t"))  # type: ignore[arg-type]
                for (name,) in names}


def all_of(redis_url: str) -> str:
    with Redis.from_url(redis_url) as valkey:
        kinds = {b"string": valkey.get, b"list": lambda key: valkey.lrange(key, 0, -1), b"hash": valkey.hgetall,
                 b"set": valkey.smembers, b"zset": lambda key: valkey.zrange(key, 0, -1)}
        return "\n".join(f"{key!r} {kinds[valkey.type(key)](key)!r}" for key in valkey.scan_iter())


@pytest.fixture
def added(fresh_app, desk) -> str:
    """A requisite with a number and a holder that nobody else has; its approval is asked for."""
    with transaction() as session:
        trader = session.scalars(select(Trader).where(Trader.name == "Ivan Petrov")).one()
        made = requisites.add(session, SYSTEM, AddRequisite(
            trader_id=trader.id, method="card", bank="sber", currency="RUB", holder=HOLDER, number=NEW_NUMBER,
            min_amount="50.00", max_amount="90000.00"))
        public_id = made.public_id
    reader().rollback()
    return public_id


def test_nothing_that_must_stay_hidden_is_found(added, desk, shop: Shop, url_of, fresh_database, redis_url):
    gateway = Gateway(desk)
    secret = gateway.post("/webhook-endpoints", {"url": shop.url, "events": ["*"]}, key="canary-endpoint")["secret"]
    order = gateway.post("/payins", {"external_id": "canary-1", "amount": "1777.00", "currency": "RUB",
                                     "method": "card"}, key="canary-key-1")
    wait_for(lambda: gateway.get(f"/payins/{order['id']}")["status"] == "assigned", "the order is matched")
    shown = gateway.get(f"/payins/{order['id']}")["requisite"]["number"]
    payer, liar = PlainBrowser(desk.url), PlainBrowser(desk.url)
    payer.open(order["payment_url"])
    liar.open("/login")
    liar.send("/login", email="trader1@quittance.example", password=WRONG_PASSWORD)
    payer.send("/claim")
    trader = trader_of(desk, order["id"])
    trader.send("/confirmation")
    wait_for(lambda: any(b"payin.completed" in body for _, body in shop.received), "a webhook came")
    merchant, staff, viewer = (sign_in(desk, who) for who in ("merchant1", "admin", "viewer"))
    sids = {f"session of {who}": browser.cookie("sid")
            for who, browser in (("trader", trader), ("merchant", merchant), ("admin", staff))}

    numbers = {f"number {part.number}": number_of(part) for person in cast.TRADERS for part in person.requisites}
    numbers |= {"the new number": NEW_NUMBER, "its holder": HOLDER}
    secrets = {"API key": gateway.key.rpartition("_")[2], "webhook secret": secret.removeprefix("whsec_"),
               "payment token": order["payment_url"].rpartition("/")[2][26:], "wrong password": WRONG_PASSWORD,
               "password": PASSWORD, **sids, **{name: desk.environment[name] for name in SECRETS}}
    assert found(numbers, payer.html + shown), "the search finds what is there"
    hidden = numbers | secrets

    leaks = {f"table {name}": found(hidden, text) for name, text in all_rows(url_of(fresh_database, "owner")).items()}
    leaks["redis"] = found(hidden, all_of(redis_url))
    leaks["log"] = found(hidden, desk.log.read_text())
    own = {name: canary for name, canary in hidden.items() if name != "payment token"}  # the store has the link
    leaks["webhooks"] = found(own, "".join(body.decode() + json.dumps(headers) for headers, body in shop.received))
    for who, browser, paths in (
            ("merchant", merchant, ("/merchant/orders", f"/merchant/orders/{order['id']}")),
            ("admin", staff, ("/admin/", "/admin/orders", f"/admin/orders/{order['id']}", "/admin/approvals")),
            ("viewer", viewer, ("/admin/orders", f"/admin/orders/{order['id']}", "/admin/approvals")),
            ("trader", trader, ("/trader/orders",))):
        for path in paths:
            assert browser.open(path) == 200, (who, path)
            leaks[f"{who} {path}"] = found(hidden, browser.html)
    assert leaks.pop("admin /admin/approvals") == ["its holder"], "who decides sees the person, never the number"
    assert {where: what for where, what in leaks.items() if what} == {}


def test_sentry_is_told_of_errors_and_of_nothing_else():
    """The real SDK against a real server: an error whose words and surroundings are full of canaries."""
    told: list[bytes] = []

    class Ingest(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fails = f"""
import logging, sentry_sdk
from portal.core import logging as ours, request_log
ours.configure()
request_log.start_sentry("http://key@127.0.0.1:{server.server_port}/1", "test")
sentry_sdk.get_client().options["auto_enabling_integrations"] = False
def pay(number, password):
    logging.getLogger("web").warning("card %s at /pay/01ARZ3NDEKTSV4RRFFQ69G5FAVcanarytoken", number)
    raise ValueError(f"card {{number}} refused, qk_live_Ab3dEfGhIjKl_canarysecret")
try:
    pay("{NEW_NUMBER}", "{WRONG_PASSWORD}")
except ValueError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush(5)
"""
    done = subprocess.run([sys.executable, "-c", fails], cwd=ROOT, capture_output=True, text=True, check=False)
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    sent = "\n".join((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode() for body in told)
    assert "ValueError" in sent
    canaries = {"number": NEW_NUMBER, "password": WRONG_PASSWORD, "token": "canarytoken", "key": "canarysecret"}
    assert found(canaries, sent) == []
    assert found(canaries, done.stderr) == []
