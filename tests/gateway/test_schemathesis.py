"""A stranger's machine reads our OpenAPI document and tries everything it allows, with every kind of key.

By hand against any desk: `command` says how; more examples and other seeds look deeper.
"""
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from portal import ledger
from portal.core.access import SCOPES
from tests import factories as f
from tests.gateway.conftest import Shop
from tests.gateway.test_signing import signs_payouts, with_secret
from tests.running import ROOT, Desk, running_desk, wait_for

EXAMPLES, SEED = 10, 18
UNAUTHORIZED = 401
ROUNDS = 6  # at most; one is enough in most runs
FEW = 3  # of a kind of key that may what another may
WITHIN_S = 900  # a minute alone; several on a machine that others use too
STATEFUL = "[phases.stateful.generation]\nmax-examples = 15\n"  # with three it follows no link at all
ELSEWHERE = "203.0.113.0/24"
OUR_LINKS = """[phases.stateful]
max-steps = 20
[phases.stateful.generation]
max-examples = 40
[phases.stateful.inference]
algorithms = []  # it guesses a hundred links more, and follows ours a few times at most
"""
KEY = '[auth.openapi]\nkey = {{ bearer = "{key}" }}\n'
KEY_AND_SIGNATURE = KEY + 'signature = {{ api_key = "to-be-signed" }}\ntimestamp = {{ api_key = "0" }}\n'
TOKEN_BY_ITSELF = """[auth.dynamic.openapi.key]
path = "/gateway/v1/token"
payload = {{ grant_type = "client_credentials", client_id = "{id}", client_secret = "{key}" }}
payload_content_type = "application/x-www-form-urlencoded"
extract_selector = "/access_token"
"""


@dataclass(frozen=True)
class Caller:
    """One key, and how schemathesis shows it: its own configuration. `secret`: of signatures, where calls have one."""

    token: str
    shown: str = KEY
    secret: str | None = None
    reads: bytes = b"card-number"  # in the document that it is shown: its store's own, unless it opens nothing
    stateful: str = STATEFUL

    @property
    def configuration(self) -> str:
        return self.shown.format(id=self.token.split("_")[2], key=self.token) + self.stateful


@dataclass(frozen=True)
class Heard:
    """Which answers each call got, and how many times each link found what was made."""

    calls: dict[str, list[int]]
    links: dict[str, int]


def signer(shop: Shop) -> Caller:
    return Caller(shop.token, KEY_AND_SIGNATURE, secret=with_secret(shop, required=True).secret)


def signer_of_payouts(shop: Shop) -> Caller:
    signs_payouts(shop)
    return Caller(shop.token, KEY_AND_SIGNATURE, secret=with_secret(shop).secret)


KINDS: dict[str, Callable[[Shop], Caller]] = {
    "token": lambda shop: Caller(shop.token, TOKEN_BY_ITSELF),
    "bound-here": lambda shop: Caller(shop.with_networks("127.0.0.1/32").token),
    "bound-elsewhere": lambda shop: Caller(shop.with_networks(ELSEWHERE).token, reads=b"openapi"),
    "signs-all": signer,
    "signs-payouts": signer_of_payouts,
}


@pytest.fixture(scope="module")
def desk(database, redis_url, tmp_path_factory):
    with running_desk(database, tmp_path_factory.mktemp("desk") / "web.log", "web",
                      settings={"RATELIMIT_ENABLED": "false"}) as desk:
        yield desk


@pytest.fixture
def funded(shop: Shop) -> Shop:
    return with_money(shop)


def with_money(shop: Shop) -> Shop:
    """A store that has what payouts cost, in both modes."""
    for live in (True, False):
        f.deposit_to(ledger.store_available(shop.store.id, "USDT", live), "20000.000000")
    with f.act() as session:
        f.set_fee(session, f.SYSTEM, f.SetFee(store_id=shop.store.id, direction="payout", fee_bps=250))
    f.forget()
    return shop


def command(desk: Desk, examples: int, *more: str) -> list[str]:
    return [str(Path(sys.executable).with_name("st")), "run", "openapi.json", "--url", desk.url,
            "--checks", "all", "--max-examples", str(examples), "--seed", str(SEED), "--continue-on-failure",
            "--generation-database", "none", "--no-color", "--request-timeout", "20",
            "--suppress-health-check", "all", *more]


def run(desk: Desk, caller: Caller, examples: int, folder: Path, *more: str) -> Heard:
    """The document is the one that this key is shown. No call of it may know nothing but 401: the key is a good one."""
    wait_for(lambda: caller.reads in document(desk, caller.token), "the desk has heard of the test's own method")
    (folder / "openapi.json").write_bytes(document(desk, caller.token))
    (folder / "schemathesis.toml").write_text(caller.configuration)
    surroundings = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default",
                    "SCHEMATHESIS_HOOKS": "tests.gateway.schemathesis_hooks", "HEARD": str(folder / "heard.json")}
    surroundings |= {"SIGNING_SECRET": caller.secret} if caller.secret else {}
    done = subprocess.run(command(desk, examples, *more), cwd=folder, capture_output=True, text=True, check=False,
                          timeout=WITHIN_S, env=os.environ | surroundings)
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:]
    heard = Heard(**json.loads((folder / "heard.json").read_bytes()))
    assert heard.calls, done.stdout[-30_000:]
    assert [call for call, answers in heard.calls.items() if answers == [UNAUTHORIZED]] == []
    return heard


def document(desk: Desk, token: str) -> bytes:
    asked = Request(f"{desk.url}/gateway/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=20) as answer:
        return bytes(answer.read())


def declared(paths: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Every link, spelled as schemathesis does."""
    calls = [(f"{method.upper()} {path}", call) for path, methods in paths.items() for method, call in methods.items()]
    labels = {call["operationId"]: label for label, call in calls}
    for label, call in calls:
        for status, answer in call["responses"].items():
            for name, link in answer.get("links", {}).items():
                yield f"{label} -> [{status}] {name} -> {labels[link['operationId']]}"


def in_mode(shop: Shop, live: bool) -> Shop:
    return shop if live else shop.in_test_mode()


pytestmark = [pytest.mark.slow, pytest.mark.timeout(WITHIN_S),
              pytest.mark.parametrize("live", [True, False], ids=["live", "test"])]


def test_a_key_that_may_everything(desk: Desk, funded: Shop, live: bool, tmp_path: Path) -> None:
    run(desk, Caller(in_mode(funded, live).token), EXAMPLES, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_another_kind(desk: Desk, funded: Shop, kind: str, live: bool, tmp_path: Path) -> None:
    run(desk, KINDS[kind](in_mode(funded, live)), FEW, tmp_path)


@pytest.mark.parametrize("scope", list(SCOPES))
def test_a_key_of_one_scope(desk: Desk, funded: Shop, scope: str, live: bool, tmp_path: Path) -> None:
    run(desk, Caller(in_mode(funded, live).with_scopes(scope).token), 1, tmp_path, "--phases",
        "examples,fuzzing,stateful")


def test_every_link_finds_what_was_made(desk: Desk, open_shop: Callable[[], Shop], live: bool, tmp_path: Path) -> None:
    """Which may be refused then, as a receipt of what is settled is.

    A round may end early: schemathesis stops where a desk answers otherwise than before. Each has another store, which
    has but sixteen endpoints.
    """
    links: set[str] = set()
    found: set[str] = set()
    for seed in range(SEED, SEED + ROUNDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        heard = run(desk, Caller(in_mode(with_money(open_shop()), live).token, stateful=OUR_LINKS), EXAMPLES, folder,
                    "--phases", "stateful", "--mode", "positive", "--seed", str(seed))
        links = set(declared(json.loads((folder / "openapi.json").read_bytes())["paths"]))
        found |= set(heard.links)
        if links <= found:
            break
    assert links
    assert links == found
