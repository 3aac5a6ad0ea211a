"""The runbook's page *Install*, word for word, on a bare Debian that systemd has booted: `deploy/newcomer`."""
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOTH = ("", " again, after the machine was switched off")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    os.geteuid() != 0 or not all(shutil.which(name) for name in ("debootstrap", "systemd-nspawn")),
    reason="it boots a machine: root, debootstrap and systemd-container")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """For a gigabyte, which no run leaves behind."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.timeout(1200)
def test_each_command_of_the_page_leads_to_a_desk_that_is_there_again_after_a_restart(place: Path) -> None:
    wheels = place / "wheels"
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes",
                    "-r", "requirements.txt", "-d", str(wheels)], cwd=ROOT, check=True)
    done = subprocess.run([str(ROOT / "deploy" / "newcomer"), str(place / "debian")], capture_output=True, text=True,
                          check=False, env={**os.environ, "BIND": str(wheels), "PIP_NO_INDEX": "1",
                                            "PIP_FIND_LINKS": str(wheels)})
    print(done.stdout)  # noqa: T201
    assert done.returncode == 0, done.stdout + done.stderr
    for time in BOTH:
        assert f"says ready{time}\n" in done.stdout
        assert f"Prometheus has three targets and all are up{time}\n" in done.stdout
        assert f"a backup was restored and proved{time}\n" in done.stdout
        assert f"nothing failed{time}\n" in done.stdout
