"""What the desk is made of: every locked package is free to ship and stands in the list of a release."""
import os
import subprocess
import sys

import pytest

from launcher import supply

GOOD = {"name": "six", "version": "1.17.0", "vulns": []}
WEAK = {"name": "jinja2", "version": "2.4.1", "vulns": [
    {"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": ["CVE-2019-10906"], "description": "…"},
    {"id": "PYSEC-2014-8", "fix_versions": [], "aliases": [], "description": "…"}]}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI and could not be audited: flask (3.1.3)"}


def test_every_locked_package_is_free_to_ship_and_listed_with_its_hashes():
    packages = supply.pinned()
    assert len(packages) > 40
    assert all(one.hashes for one in packages), "hashes everywhere"
    assert list(supply.not_free(packages)) == []
    listed = supply.sbom(packages)["components"]
    assert [(one["name"], one["version"]) for one in listed] == [(one.name, one.version) for one in packages]


def test_one_that_is_not_free_or_says_nothing_is_named(monkeypatch):
    monkeypatch.setattr(supply, "licence_of", {"a": "MIT", "b": "GNU General Public License v3", "c": ""}.get)
    packages = [supply.Pinned(name, "1", []) for name in "abc"]
    assert list(supply.not_free(packages)) == ["b 1: GNU General Public License v3", "c 1: says no licence"]


@pytest.mark.parametrize(("report", "said", "passes"), [
    ([GOOD, GOOD], "2 packages, none known to be weak", True),
    ([GOOD, WEAK], "jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1\n"
                   "jinja2 2.4.1: PYSEC-2014-8, mended in none yet", False),
    ([GOOD, UNKNOWN], "flask: could not be looked up", False),
    ([UNKNOWN, UNKNOWN], "not audited: the index knows nothing about the weaknesses of 2 packages", True),
])
def test_what_could_not_be_looked_up_is_not_called_sound(report, said, passes):
    """As pip-audit writes it. With a mirror for an index it exits 0 and has looked at nothing."""
    assert supply.judged(report) == (said, passes)


@pytest.mark.slow
def test_without_a_network_the_job_passes_and_says_that_nothing_was_audited(tmp_path):
    away = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run([sys.executable, "-m", "launcher.supply", "audit"], cwd=supply.ROOT, env=away,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "not audited: no network\n"), done.stderr
