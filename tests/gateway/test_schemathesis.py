"""A stranger's machine reads our OpenAPI document and tries everything it allows, with every kind of key.

By hand against any desk: `command` says how; more examples and other seeds look deeper.
"""
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from portal import ledger
from portal.core.access import SCOPES
from tests import factories as f
from tests.gateway.conftest import Shop
from tests.running import ROOT, Desk, running_desk, wait_for

EXAMPLES, SEED = 10, 18
WITHIN_S = 900  # a minute alone; several on a machine that others use too


@pytest.fixture(scope="module")
def desk(database, redis_url, tmp_path_factory):
    with running_desk(database, tmp_path_factory.mktemp("desk") / "web.log", "web",
                      settings={"RATELIMIT_ENABLED": "false"}) as desk:
        yield desk


@pytest.fixture
def funded(shop: Shop) -> Shop:
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


def run(desk: Desk, token: str, examples: int, folder: Path, *more: str) -> None:
    """The document is the one that this key is shown: its store's own."""
    wait_for(lambda: b"card-number" in document(desk, token), "the desk has heard of the test's own method")
    (folder / "openapi.json").write_bytes(document(desk, token))
    (folder / "schemathesis.toml").write_text(f'[auth.openapi]\nkey = {{ bearer = "{token}" }}\n')
    surroundings = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default",
                    "SCHEMATHESIS_HOOKS": "tests.gateway.schemathesis_hooks"}
    done = subprocess.run(command(desk, examples, *more), cwd=folder, capture_output=True, text=True, check=False,
                          timeout=WITHIN_S, env=os.environ | surroundings)
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:]


def document(desk: Desk, token: str) -> bytes:
    asked = Request(f"{desk.url}/gateway/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=20) as answer:
        return bytes(answer.read())


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S)
@pytest.mark.parametrize("live", [True, False], ids=["live", "test"])
def test_a_key_that_may_everything(desk: Desk, funded: Shop, live: bool, tmp_path: Path) -> None:
    run(desk, (funded if live else funded.in_test_mode()).token, EXAMPLES, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S)
@pytest.mark.parametrize("live", [True, False], ids=["live", "test"])
@pytest.mark.parametrize("scope", list(SCOPES))
def test_a_key_of_one_scope(desk: Desk, funded: Shop, scope: str, live: bool, tmp_path: Path) -> None:
    key = (funded if live else funded.in_test_mode()).with_scopes(scope)
    run(desk, key.token, 1, tmp_path, "--phases", "examples,fuzzing")
