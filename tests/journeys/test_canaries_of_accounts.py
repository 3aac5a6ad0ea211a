"""What opens an account is found nowhere but with its person: seeds, codes, links by mail, sessions, keys, tokens.

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
from email import message_from_string, policy

import psycopg
import pyotp
import pytest
from aiosmtpd.controller import Controller

from portal.core import clock
from portal.parties.second_factor import STEP_S
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.searching import Sentry, all_of, all_rows, found
from tests.journeys.test_stranger import PASSWORD, Gateway, Shop, shop, sign_in
from tests.running import ROOT, Desk, free_port, running_desk, wait_for

assert shop
OLD_EMAIL, EMAIL = "merchant1@quittance.example", "zinaida.kanareikina@canary.example"
OWN, WRONG = "canary of a new passphrase 5521", "canary-of-a-wrong-one-8841"
SECRET = re.compile(r'<code class="breakable" id="secret">([^<]+)<')
SEED = re.compile(r'class="id breakable">([A-Z2-7 ]+)<')
CODES = re.compile(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b")


class Postbox:
    """A real SMTP server: what it was handed, as (to, text)."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        letter = message_from_string(envelope.content.decode(), policy=policy.default)  # type: ignore[attr-defined]
        self.got.append((letter["To"], letter.get_content()))
        return "250 OK"

    def link(self, to: str, path: str) -> str:
        """The token of the newest letter with such a link to this person."""
        def tokens() -> list[str]:
            return [token[1] for address, text in self.got if address == to
                    for token in re.finditer(rf"/{path}/([\w-]+)", text)]

        wait_for(tokens, f"{to} has a letter with /{path}/…")
        return tokens()[-1]


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
                 "SENTRY_DSN": sentry.dsn, "LOG_LEVEL": "DEBUG", "RATELIMIT_ENABLED": "false"}
    with running_desk(fresh_database, tmp_path / "desk.log", "web", settings=talkative) as desk:
        desk.flask("demo", "load")
        desk.start("worker", "dispatcher")
        yield desk


class Owner:
    """The merchant's person: what they are shown is kept in `secrets`, what it is by its name."""

    def __init__(self, desk: Desk, postbox: Postbox) -> None:
        self.desk, self.postbox = desk, postbox
        self.secrets: dict[str, str] = {"wrong password": WRONG, "first password": PASSWORD, "new password": OWN}
        self.codes: list[str] = []
        self.browser = sign_in(desk, "merchant1")
        self.note_session()

    def note_session(self) -> None:
        self.secrets[f"session {len(self.secrets)}"] = self.browser.cookie("sid")

    def changes_address(self) -> None:
        self.browser.open("/profile")
        assert self.browser.send("/profile/email", email=EMAIL) == 200, self.browser.text
        for name, address in (("old", OLD_EMAIL), ("new", EMAIL)):
            token = self.secrets[f"link of the {name} address"] = self.postbox.link(address, "email")
            assert self.browser.open(f"/email/{token}") == 200
            assert self.browser.send(f"/email/{token}") == 200, self.browser.text

    def forgets_password(self) -> None:
        stranger = PlainBrowser(self.desk.url)
        stranger.open("/recovery")
        assert stranger.send("/recovery", email=EMAIL) == 200
        token = self.secrets["link of recovery"] = self.postbox.link(EMAIL, "recovery")
        assert stranger.open(f"/recovery/{token}") == 200
        assert stranger.send(f"/recovery/{token}", password="short") == 422
        assert stranger.send(f"/recovery/{token}", password=OWN) == 200, stranger.text
        assert stranger.open(f"/recovery/{token}") == 409

    def sets_up_an_app(self) -> None:
        """By the code of the half minute before, so that the next sign-in has one of its own."""
        self.signs_in()
        assert self.browser.open("/profile/second-factor/app") == 428
        assert self.browser.send("/step-up", proof_password=OWN) == 200
        seed = self.secrets["seed"] = SEED.search(self.browser.html)[1].replace(" ", "")  # type: ignore[index]
        self.secrets["seed as bytes"] = base64.b32decode(seed).hex()
        assert self.browser.send("/app", code="000000") == 422
        assert self.browser.send("/app", code=pyotp.TOTP(seed).at(clock.now().timestamp() - STEP_S)) == 200
        self.note_codes()
        self.note_session()

    def signs_in(self, code: Callable[[], str] | None = None) -> None:
        self.browser = PlainBrowser(self.desk.url)
        self.browser.open("/login")
        assert self.browser.send("/login", email=EMAIL, password=WRONG) == 422
        assert self.browser.send("/login", email=EMAIL, password=OWN) == 200, self.browser.text
        self.note_session()
        if code is not None:
            assert self.browser.send("/second-factor", code="aaaaa-aaaaa") == 422
            assert self.browser.send("/second-factor", code=code()) == 200, self.browser.text
            self.note_session()

    def note_codes(self) -> None:
        self.codes = CODES.findall(self.browser.html)
        assert len(self.codes) == 10
        for code in self.codes:
            self.secrets[f"recovery code {code}"] = code
            self.secrets[f"recovery code {code}, plain"] = code.replace("-", "")

    def new_codes(self) -> None:
        self.browser.open("/profile")
        self.act("/second-factor/codes")
        self.note_codes()

    def act(self, ending: str, **typed: str) -> None:
        """A form whose act asks who sits there: a recovery code each time."""
        form = next(one for one in self.browser.forms if one.action.endswith(ending))
        assert self.browser.send(form.action, **typed, proof_code=self.codes.pop()) in (200, 201), self.browser.text

    def makes_a_key(self) -> tuple[str, str]:
        """The key, and the secret that its calls may be signed with."""
        self.browser.open("/merchant/developers/keys/new")
        store = re.search(r'<option value="(str_\w+)">Bookshop', self.browser.html)[1]  # type: ignore[index]
        self.act("/keys", name="Canary", store_id=store, live="no", scopes="orders:read", networks="", lives_days="")
        key = SECRET.search(self.browser.html)[1]  # type: ignore[index]
        public_id = re.search(r"/keys/(key_\w+)", self.browser.html)  # type: ignore[assignment]
        self.secrets["key made by the page"] = key.rpartition("_")[2]
        self.browser.open("/merchant/developers")
        public_id = re.search(r'/keys/(key_\w+)"[^>]*>[^<]*Canary', self.browser.html)
        assert public_id, self.browser.html
        self.browser.open(f"/merchant/developers/keys/{public_id[1]}/signing-secret")
        self.act("/signing-secret")
        signing = SECRET.search(self.browser.html)[1]  # type: ignore[index]
        self.secrets["signing secret"] = signing.removeprefix("qsign_")
        return key, signing

    def makes_an_endpoint(self, url: str) -> None:
        self.browser.open("/merchant/developers/endpoints/new")
        store = re.search(r'<option value="(str_\w+)">Bookshop', self.browser.html)[1]  # type: ignore[index]
        self.act("/endpoints", url=url, description="", events="*", store_id=store, live="yes")
        secret = SECRET.search(self.browser.html)[1]  # type: ignore[index]
        self.secrets["endpoint's secret"] = secret.removeprefix("whsec_")


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
            assert call(desk, "GET", f"/payins?external_id={secret}", {"Authorization": f"Bearer {secret}"})[0] == 500


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


def test_what_opens_an_account_is_found_with_its_person_only(desk, shop: Shop, postbox, sentry, url_of,
                                                             fresh_database, redis_url):
    owner, database = Owner(desk, postbox), url_of(fresh_database, "owner")
    owner.changes_address()
    owner.forgets_password()
    owner.sets_up_an_app()
    owner.signs_in(lambda: pyotp.TOTP(owner.secrets["seed"]).now())
    owner.new_codes()
    owner.signs_in(owner.codes.pop)
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
    fails_everywhere(desk, owner, database, key, token)
    wait_for(lambda: sentry.told.count('"exception"') >= 8, "Sentry heard of what broke")
    hidden = owner.secrets
    everything = hidden | {"mail address": EMAIL}
    assert found(everything, f"{EMAIL} {hidden['seed']} {token}"), "the search finds what is there"

    leaks = {f"table {name}": found(everything, text) for name, text in all_rows(database).items()}
    leaks["redis"] = found(everything, all_of(redis_url))
    leaks["log"] = found(everything, desk.log.read_text())
    leaks["sentry"] = found(everything, sentry.told)
    leaks["webhooks"] = found(everything, "".join(body.decode() + json.dumps(headers) for headers, body in shop.received))
    for to, text in postbox.got:
        leaks.setdefault(f"mail to {to}", []).extend(found(everything, text))
    seats = [("merchant2", "merchant_owner"), ("trader1", "trader"), ("admin", "super_admin"),
             ("viewer", "support_readonly")]
    for who, role in seats:
        pages = seen_by(sign_in(desk, who), role, lambda: {"proof_password": PASSWORD})
        leaks |= {f"{who} {path}": found(everything, html) for path, html in pages.items()}
    own = seen_by(owner.browser, "merchant_owner", lambda: {"proof_code": owner.codes.pop()})
    leaks |= {f"own {path}": found(hidden, html) for path, html in own.items()}
    assert {where: what for where, what in leaks.items() if what} == {}
