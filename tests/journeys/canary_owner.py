"""A merchant's person who does everything that makes or uses a secret, and the mail that comes to them."""
import base64
import re
from collections.abc import Callable
from email import message_from_string, policy

import pyotp
from aiosmtpd.controller import Controller

from portal.core import clock
from portal.parties.second_factor import STEP_S
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import PASSWORD, sign_in
from tests.running import Desk, free_port, wait_for

OLD_EMAIL, EMAIL = "merchant1@quittance.example", "zinaida.kanareikina@canary.example"
OWN, WRONG = "canary of a new passphrase 5521", "canary-of-a-wrong-one-8841"
SECRET = re.compile(r'<code class="breakable" id="secret">([^<]+)<')
SEED = re.compile(r'class="id breakable">([A-Z2-7 ]+)<')
CODES = re.compile(r"^(?:.*<code>)?([a-z2-9]{5}-[a-z2-9]{5})", re.M)


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
        assert self.browser.open("/profile/second-factor/app") == 200, "who has just signed in is not asked again"
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
        self.codes = list(dict.fromkeys(CODES.findall(self.browser.html)))
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

    def asks_for_telegram(self) -> None:
        """A code that links whoever sends it to the bot."""
        self.browser.open("/profile/notices")
        self.act("/notices/telegram")
        self.secrets["code for the bot"] = re.search(r"t\.me/\w+\?start=([\w-]+)", self.browser.html)[1]  # type: ignore[index]

    def makes_a_key(self) -> tuple[str, str]:
        """The key, and the secret that its calls may be signed with."""
        self.browser.open("/merchant/developers/keys/new")
        store = re.search(r'<option value="(str_\w+)">Bookshop', self.browser.html)[1]  # type: ignore[index]
        self.act("/keys", name="Canary", store_id=store, live="no", scopes="orders:read", networks="", lives_days="")
        key = SECRET.search(self.browser.html)[1]  # type: ignore[index]
        self.secrets["key made by the page"] = key.rpartition("_")[2]
        self.browser.open("/merchant/developers")
        public_id = re.search(r'/keys/(key_\w+)">Canary<', self.browser.html)[1]  # type: ignore[index]
        self.browser.open(f"/merchant/developers/keys/{public_id}/signing-secret")
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
