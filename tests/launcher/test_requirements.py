"""The locks: everything pinned and hashed, tests on the very versions that run, no address of anybody's registry."""
import re
from pathlib import Path

import pytest

from tests.launcher.conftest import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-traces.txt")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)( ; .+)? \\$")


def pins(lock: str) -> dict[str, str]:
    found = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            pin = PIN.match(line)
            assert pin, f"{lock}: not pinned with a hash: {line}"
            found[pin[1]] = pin[2]
    return found


def test_tests_run_on_the_versions_that_run() -> None:
    running, tested, traces = map(pins, LOCKS)
    assert running.items() <= tested.items()
    assert traces.items() <= tested.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock: str) -> None:
    assert not re.search(r"://|--index|--find-links|--trusted-host| /", re.sub(r"#.*", "", (ROOT / lock).read_text()))


def test_everything_asked_for_is_locked() -> None:
    for lock in LOCKS:
        asked = Path(ROOT / lock.replace(".txt", ".in")).read_text().splitlines()
        names = {re.sub(r"\[.*", "", line).strip() for line in asked if line and not line.startswith(("#", "-"))}
        assert names <= pins(lock).keys()
