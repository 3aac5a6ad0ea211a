"""Numbers and secrets sent through everything are found nowhere they do not belong.

The whole desk runs with the demo's people; a requisite, a key, an endpoint, sessions and payments are made; then every
row of every table, all of Redis, every log line, what Sentry was sent and the pages of everybody else are searched.
"""
import json
import subprocess
import sys

import pytest
from sqlalchemy import select

from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.demo import cast
from portal.demo.load import _number as number_of
from portal.parties.models import Trader
from portal.requisites import service as requisites
from portal.requisites.commands import AddRequisite
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.searching import Sentry, all_of, all_rows, found
from tests.journeys.test_stranger import PASSWORD, Gateway, Shop, desk, shop, sign_in, trader_of
from tests.running import ROOT, wait_for

assert desk
assert shop
HOLDER, NEW_NUMBER, WRONG_PASSWORD = "Zinaida Kanareikina", "2200700799887749", "canary-of-a-password-7731"
SECRETS = ("SECRET_KEY", "MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY")


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
    where = gateway.get(f"/payins/{order['id']}")["requisite"]
    shown, holder = where["number"], where["holder"]
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

    tables = all_rows(url_of(fresh_database, "owner"))
    leaks = {f"table {name}": found(hidden, text) for name, text in tables.items()}
    leaks["redis"] = found(hidden, all_of(redis_url))
    leaks["log"] = found(hidden, desk.log.read_text())
    own = {name: canary for name, canary in hidden.items() if name != "payment token"}  # the store has the link
    sent = "".join(body.decode() + json.dumps(headers) for headers, body in shop.received)
    leaks["webhooks"] = found(own, sent)
    # in the demo he has the name of his trader, whom other tables name
    assert [name for name, text in tables.items() if "_events" in name and found({"holder": holder}, text)] == []
    assert found({"holder": holder}, sent) == ["holder"]
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
    sentry = Sentry()
    fails = f"""
import logging, sentry_sdk
from portal.core import logging as ours, request_log
ours.configure()
request_log.start_sentry("{sentry.dsn}", "test")
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
    sentry.close()
    assert done.returncode == 0, done.stderr
    sent = sentry.told
    assert "ValueError" in sent
    canaries = {"number": NEW_NUMBER, "password": WRONG_PASSWORD, "token": "canarytoken", "key": "canarysecret"}
    assert found(canaries, sent) == []
    assert found(canaries, done.stderr) == []
