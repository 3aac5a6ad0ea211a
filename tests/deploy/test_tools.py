"""What the tools of others say of deploy/: Prometheus's own, systemd's own. Where they are installed."""
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
EXPOSURE_MAX = 3.0
pytestmark = pytest.mark.slow


def run(*command: str, where: Path = DEPLOY) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=where, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_alert_fires_by_its_fault_and_clears():
    assert "rules found" in run("promtool", "check", "rules", "rules.yml", where=DEPLOY / "prometheus")
    assert "SUCCESS" in run("promtool", "test", "rules", "rules_test.yml", where=DEPLOY / "prometheus")
    run("promtool", "check", "config", "--syntax-only", "prometheus.yml", where=DEPLOY / "prometheus")
    run("promtool", "check", "config", "--syntax-only", "compose-prometheus.yml")


@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").glob("*.service")))
def test_systemd_finds_little_exposed(unit, tmp_path):
    (tmp_path / unit.replace("@", "@1")).write_text((DEPLOY / "systemd" / unit).read_text())
    run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(EXPOSURE_MAX * 10)}",
        str(tmp_path / unit.replace("@", "@1")))
