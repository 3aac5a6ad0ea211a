"""Fault 30 in its nightly form: lists, filters and search over a million orders, and an export of all of them.

`benchmarks/pages.py` fills, measures and judges by the limits of the fault; here it has servers of its own, thrown away
afterwards. What else it judges is for a quiet machine, and not asked here.
"""
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backups.restoring import clear_away
from tests.backups.desks import PERSON
from tests.running import ROOT


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_lists_stay_quick_and_an_export_small_over_a_million_orders(tmp_path: Path) -> None:
    home = tmp_path / "bench"
    try:
        done = subprocess.run([sys.executable, "-m", "benchmarks", "pages", "--rounds", "1", "--dry"], cwd=ROOT,
                              env={**PERSON, "BENCH_HOME": str(home)}, capture_output=True, text=True, check=False)
    finally:
        clear_away(home)
    judged = dict(re.findall(r"^  (F30[ab]) +(\w+)", done.stdout, re.M))
    assert judged.keys() == {"F30a", "F30b"}, done.stdout + done.stderr
    assert set(judged.values()) <= {"pass", "goal"}, done.stdout
