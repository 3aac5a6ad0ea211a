"""clients/newcomer: from nothing but the README and a key to a completed test payin and its verified webhook."""
import os
import re
import subprocess
import sys
import time

import pytest

from tests.journeys.test_stranger import desk, sign_in
from tests.running import ROOT, Desk

assert desk  # the fixture: all processes with the demo's people

pytestmark = pytest.mark.slow


def test_a_newcomers_first_payin_in_a_minute(desk: Desk) -> None:
    key = desk.flask("keys", "create", "--store", "bookshop", "--mode", "test").splitlines()[-1]
    begun = time.monotonic()
    with subprocess.Popen(
            [sys.executable, "clients/newcomer/first_payin.py", desk.url], cwd=ROOT, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=os.environ | {"QUITTANCE_KEY": key, "PYTHONPATH": "clients/python/src"},
    ) as newcomer:
        assert newcomer.stdout is not None
        said = ""
        for line in newcomer.stdout:
            said += line
            if "payin.paid" in line:
                confirmed_by_staff(desk, re.search(r"pin_\w+", said)[0])
    assert newcomer.returncode == 0, said
    assert time.monotonic() - begun < 60
    assert "the desk says, signed: payin.completed" in said
    assert re.search(r"completed: \d+\.\d{6} USDT", said)


def confirmed_by_staff(desk: Desk, payin_id: str) -> None:
    """Where no robot of the desk plays the trader's bank."""
    staff = sign_in(desk, "admin")
    staff.open(f"/admin/orders/{payin_id}")
    if any(form.action.endswith("/confirmation") for form in staff.forms):
        staff.send("/confirmation", reason="A newcomer's trial")
