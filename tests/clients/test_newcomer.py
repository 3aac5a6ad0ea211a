"""clients/newcomer: what the README says to a newcomer, done word for word on a desk that bin/run started."""
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import PASSWORD
from tests.launcher.conftest import Desk, clear_away
from tests.running import ROOT, free_port, wait_for

WITHIN_S = 60
READY_S = 300  # servers, migrations and the demo's days, on a machine that others use too
PLACE = "var/shop"

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """This checkout with data of its own; nothing of the test's own servers reaches it."""
    desk = Desk(ROOT)
    desk.home = tmp_path / "var"
    desk.start(ready_s=READY_S, demo=True, PORT=str(free_port()))
    yield desk
    clear_away(desk)


@pytest.mark.timeout(READY_S * 2)
def test_a_newcomers_first_minute(desk: Desk, tmp_path: Path) -> None:
    assert "no" in going_live(desk)
    *before, last = commands()
    key = sh(desk, tmp_path, *before, 'echo "$QUITTANCE_KEY"').strip()
    begun = time.monotonic()
    said = sh(desk, tmp_path, f"export QUITTANCE_KEY={key}", f"{last} {address(desk)}")
    took = time.monotonic() - begun
    assert took < WITHIN_S, said
    for word in ("payin.completed", "payout.completed", "dispute.opened", "dispute.decided", "payin.expired"):
        assert f"the desk says, signed: {word}" in said
    assert re.search(r"\d+\.\d{6} USDT for the store", said)
    assert "decided: correct" in said, "what the recipient did not get is the store's again"
    assert said.rstrip().endswith("its signature verified")
    wait_for(lambda: set(going_live(desk)) == {"yes"}, "nothing is left to try before going live")


def commands() -> list[str]:
    """The README's, of the section for shops."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## A shop in a minute")[2]
    return re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1].splitlines()


def sh(desk: Desk, tmp_path: Path, *lines: str) -> str:
    """By a shell; the shop's own packages lie in the test's folder."""
    text = "\n".join(["set -e", *lines]).replace(PLACE, shlex.quote(str(tmp_path / "shop")))
    person = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in ("HOME", "PATH")}
    done = subprocess.run(["/bin/sh", "-c", text], cwd=ROOT, env=desk.environment(person), capture_output=True,
                          text=True, timeout=READY_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def address(desk: Desk) -> str:
    line = next(line for line in desk.lines if "is open at" in line)
    return line.rpartition(" ")[2]


def going_live(desk: Desk) -> list[str]:
    """The list under Developers, as the bookshop's merchant sees it."""
    browser = PlainBrowser(address(desk))
    browser.open("/login")
    assert browser.send("/login", email="merchant1@quittance.example", password=PASSWORD) == 200
    browser.open("/merchant/developers")
    return re.findall(r'data-step="[\w.]+" data-done="(\w+)"', browser.html)
