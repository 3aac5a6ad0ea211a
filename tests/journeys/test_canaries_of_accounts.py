"""What opens an account is found nowhere but with its person: seeds, codes, links, sessions, keys, tokens.

One person of a merchant does everything that makes or uses a secret, by pages and by the gateway, with mail and
Sentry switched on and the log at its most talkative; then the desk's tables break under the same acts. After that
every row, all of Redis, the log, Sentry, each mail and each page and file of everybody else are searched.
"""
import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pyotp
import pytest

from tests.journeys.canary_owner import EMAIL, OLD_EMAIL, OWN, Owner, Postbox
from tests.journeys.canary_stranger import is_let_in
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.searching import Sentry, all_of, all_rows, found
from tests.journeys.test_stranger import PASSWORD, Gateway, Shop, shop, sign_in
from tests.running import ROOT, Desk, running_desk, wait_for

assert shop
MONTH = re.compile(r"_p\d{6,8}$")  # of a table's part
MAIL = ["mail address"]
BOT = "7700112233:canaryOfABotThatWritesToPeople"
MAY = {  # what is where it belongs, and nothing else is anywhere
    "table users": MAIL, "table audit_rows": MAIL,  # by which they sign in; who did what, for who may read that
    "table recovery_links": MAIL, "table email_changes": MAIL,  # until upkeep forgets them
    "admin /admin/users": MAIL, "admin /admin/notices": MAIL, "admin /admin/audit": MAIL,
    f"mail to {OLD_EMAIL}": ["link of the old address", *MAIL],
    f"mail to {EMAIL}": ["link of recovery", "link of the new address", *MAIL],
    "webhooks": ["payment link"],  # the store's own
}


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    yield box
    box.controller.stop()


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    server = Sentry()
    yield server
    server.close()


@pytest.fixture
def desk(fresh_database, redis_url, tmp_path, postbox, sentry) -> Iterator[Desk]:
    talkative = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(postbox.port), "SMTP_SECURITY": "none",
                 "SENTRY_DSN": sentry.dsn, "LOG_LEVEL": "DEBUG", "RATELIMIT_ENABLED": "false",
                 "TELEGRAM_BOT_TOKEN": BOT, "TELEGRAM_BOT_NAME": "canary_bot", "TELEGRAM_API_URL": "http://127.0.0.1:9"}
    with running_desk(fresh_database, tmp_path / "desk.log", "web", settings=talkative) as desk:
        desk.flask("demo", "load")
        desk.start("worker", "dispatcher")
        yield desk


def call(desk: Desk, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"{desk.url}/gateway/v1{path}", data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode()


def takes_a_token(desk: Desk, key: str) -> str:
    """As a program does; then it uses key and token rightly, wrongly, and where they have no business."""
    sent = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": key.split("_")[2],
                                   "client_secret": key}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, said = call(desk, "POST", "/token", form, sent)
    assert status == 200, said
    token: str = json.loads(said)["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert call(desk, "GET", "/payins", bearer)[0] == 200
    assert call(desk, "GET", "/payins", {"Authorization": f"Bearer {key}"})[0] == 200
    for secret in (key, token):
        call(desk, "GET", f"/payins?cursor={secret}&access_token={secret}", bearer)
        call(desk, "GET", f"/payins/{secret}", bearer)
        call(desk, "POST", "/payins", bearer | {"Content-Type": "application/json", "Idempotency-Key": "k"},
             json.dumps({"external_id": secret, "note": secret, secret: 1}).encode())
        call(desk, "GET", "/payins", {"Authorization": f"Bearer {secret}x"})
        call(desk, "GET", "/payins", {"Authorization": "Basic " + base64.b64encode(f"{secret}:".encode()).decode()})
    return token


@contextmanager
def broken(url: str, *tables: str) -> Iterator[None]:
    """These tables are away: what needs them is a bug, with a stack and a 500."""
    def rename(ending: str, other: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for table in tables:
                connection.execute(f"ALTER TABLE {table}{ending} RENAME TO {table}{other}")  # type: ignore[arg-type]

    rename("", "_away")
    try:
        yield
    finally:
        rename("_away", "")


def fails_everywhere(desk: Desk, owner: Owner, url: str, key: str, token: str) -> None:
    """The same acts once more, on a desk that breaks under them."""
    half = PlainBrowser(desk.url)
    half.open("/login")
    half.send("/login", email=EMAIL, password=OWN)
    owner.secrets["half a session"] = half.cookie("sid")
    stranger = PlainBrowser(desk.url)
    with broken(url, "recovery_codes"):
        assert half.send("/second-factor", code=owner.codes[-1]) == 500
    with broken(url, "recovery_links"):
        assert stranger.open(f"/recovery/{owner.secrets['link of recovery']}") == 500
    with broken(url, "email_changes"):
        assert stranger.open(f"/email/{owner.secrets['link of the new address']}") == 500
    stranger.open("/recovery")
    with broken(url, "recovery_asks"):
        assert stranger.send("/recovery", email=EMAIL) == 500
    stranger.open("/login")
    with broken(url, "users"):
        assert stranger.send("/login", email=EMAIL, password=OWN) == 500
        assert owner.browser.open("/merchant/developers") == 500
    with broken(url, "orders"):
        for secret in (key, token):
            sent = {"Authorization": f"Bearer {secret}", "User-Agent": secret, "Referer": f"https://shop.example/{secret}"}
            assert call(desk, "GET", "/payins", sent)[0] == 500


def pages_of(role: str) -> list[str]:
    """Every page that has an address of its own, of those that anybody of the role may open."""
    lines = [line.split() for line in (ROOT / "tests" / "house" / "routes.txt").read_text().splitlines() if line]
    return [path for method, path, *_, who in lines if method == "GET" and "<" not in path and role in who.split(",")
            and path not in ("/live", "/profile/second-factor/app")]


EXPORTS = {"merchant_owner": ("/merchant/orders/export", "/merchant/payouts/export"),
           "trader": ("/trader/orders/history/export",), "super_admin": ("/admin/orders/export",),
           "support_readonly": ("/admin/orders/export",)}


def seen_by(browser: PlainBrowser, role: str, proof: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Every page of a role, and every list it may take home; a workbook holds the same rows."""
    seen = {}
    for path in pages_of(role):
        browser.open(path)
        assert browser.status in (200, 404, 409, 428), (path, browser.status)
        seen[path] = browser.html
    for path in EXPORTS[role]:
        if browser.open(f"{path}.csv") == 428:
            assert browser.send("/step-up", **proof()) == 200, browser.text
        seen[f"{path}.csv"] = browser.html
    return seen


@pytest.mark.slow
@pytest.mark.timeout(600)  # some two hundred pages
def test_what_opens_an_account_is_found_with_its_person_only(desk, shop: Shop, postbox, sentry, url_of,
                                                             fresh_database, redis_url):
    owner, database = Owner(desk, postbox), url_of(fresh_database, "owner")
    owner.changes_address()
    owner.forgets_password()
    owner.sets_up_an_app()
    owner.signs_in(lambda: pyotp.TOTP(owner.secrets["seed"]).now())
    owner.new_codes()
    owner.signs_in(owner.codes.pop)
    owner.asks_for_telegram()
    owner.secrets["bot's token"] = BOT.partition(":")[2]
    owner.secrets |= is_let_in(desk)
    key, _ = owner.makes_a_key()
    owner.makes_an_endpoint(shop.url)
    token = owner.secrets["token"] = takes_a_token(desk, key)
    owner.secrets["token's signature"] = token.rpartition(".")[2]
    gateway = Gateway(desk)
    owner.secrets["key made by command"] = gateway.key.rpartition("_")[2]
    order = gateway.post("/payins", {"external_id": "canary-2", "amount": "1778.00", "currency": "RUB",
                                     "method": "card"}, key="canary-key-2")
    owner.secrets["payment link"] = order["payment_url"].rpartition("/")[2][26:]
    wait_for(lambda: any(b"payin." in body for _, body in shop.received), "a webhook came")
    owner.secrets["password given out"] = desk.flask("users", "password", "trader5@quittance.example", "--reason",
                                                     "Lost").splitlines()[-1]
    fails_everywhere(desk, owner, database, key, token)
    wait_for(lambda: sentry.told.count('"exception"') >= 8, "Sentry heard of what broke")
    wait_for(lambda: all_rows(database)["public.logged_calls"].count("/payins") >= 8, "the log of calls is written")
    hidden = owner.secrets
    everything = hidden | {"mail address": EMAIL}
    assert found(everything, f"{EMAIL} {hidden['seed']} {token}"), "the search finds what is there"

    leaks: dict[str, set[str]] = {}

    def look(where: str, text: str, hidden: dict[str, str] = everything) -> None:
        leaks.setdefault(where, set()).update(found(hidden, text))

    seats = [("merchant2", "merchant_owner"), ("trader1", "trader"), ("admin", "super_admin"),
             ("viewer", "support_readonly")]
    for who, role in seats:
        for path, html in seen_by(sign_in(desk, who), role, lambda: {"proof_password": PASSWORD}).items():
            look(f"{who} {path}", html)
    for path, html in seen_by(owner.browser, "merchant_owner", lambda: {"proof_code": owner.codes.pop()}).items():
        look(f"own {path}", html, hidden)
    for table, rows in all_rows(database).items():
        look(f"table {MONTH.sub('', table.removeprefix('public.'))}", rows)
    look("redis", all_of(redis_url))
    look("log", desk.log.read_text())
    look("sentry", sentry.told)
    for headers, body in shop.received:
        look("webhooks", body.decode() + json.dumps(headers))
    for to, text in postbox.got:
        look(f"mail to {to}", text)
    assert {where: sorted(what) for where, what in leaks.items() if what} == MAY
