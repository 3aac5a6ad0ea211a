"""What the tools of others say of deploy/: Prometheus's own, systemd's own. Where they are installed."""
import http.client
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import free_port, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path for folder in ("systemd", "cluster", "backup") for path in (DEPLOY / folder).iterdir()
               if path.suffix in (".service", ".timer", ".target"))
EXPOSURE_MAX = 3.0
pytestmark = pytest.mark.slow


def run(*command: str, where: Path = DEPLOY) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=where, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_each_alert_fires_by_its_fault_and_clears():
    assert "rules found" in run("promtool", "check", "rules", "rules.yml", where=DEPLOY / "prometheus")
    assert "SUCCESS" in run("promtool", "test", "rules", "rules_test.yml", where=DEPLOY / "prometheus")
    run("promtool", "check", "config", "--syntax-only", "prometheus.yml", where=DEPLOY / "prometheus")
    run("promtool", "check", "config", "--syntax-only", "compose-prometheus.yml")


@pytest.mark.parametrize(("severity", "receiver"), [("page", "whoever-is-on-call"), ("ticket", "by-mail")])
def test_an_alert_goes_where_its_severity_says(severity, receiver):
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    assert f"severity: {severity}" in rules
    assert "SUCCESS" in run("amtool", "check-config", "alertmanager.yml", where=DEPLOY / "prometheus")
    said = run("amtool", "config", "routes", "test", "--config.file", "alertmanager.yml", f"severity={severity}",
               where=DEPLOY / "prometheus")
    assert said.split()[-1] == receiver


def test_what_is_not_told_beside_something_larger_is_an_alert_of_ours():
    named = set(re.findall(r"alertname=~\"([\w|]+)\"", (DEPLOY / "prometheus" / "alertmanager.yml").read_text()))
    alerts = set(re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "rules.yml").read_text()))
    assert named
    assert {name for names in named for name in names.split("|")} <= alerts


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """As somebody would lay them down: one of each that has a number, for this checkout, on one node."""
    for file in UNITS:
        text = file.read_text().replace("/opt/quittance/", f"{DEPLOY.parent}/").replace("${IP}", "127.0.0.1")
        (tmp_path / file.name.replace("@", "@1")).write_text(text)
    return tmp_path


@pytest.mark.parametrize("unit", [file.name.replace("@", "@1") for file in UNITS if file.suffix == ".service"])
def test_systemd_finds_little_exposed(unit, units):
    run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(EXPOSURE_MAX * 10)}",
        str(units / unit))


def test_systemd_understands_each_line_of_the_units(units):
    """A key with a slip in it is a warning and not an error."""
    said = run("systemd-analyze", "verify", "--man=no", *(str(units / file.name.replace("@", "@1")) for file in UNITS))
    assert said == ""


def test_a_browser_is_led_to_https_and_a_program_is_told(tmp_path):
    """Caddy itself, on ports of its own and with a certificate of its own making."""
    if shutil.which("caddy") is None:
        pytest.skip("caddy is not installed")
    port = free_port()
    written = tmp_path / "Caddyfile"
    here = ("local_certs", "skip_install_trust", "admin off", f"http_port {port}", f"https_port {free_port()}",
            f"storage file_system {tmp_path}")
    written.write_text("\n".join(("{", *here, "}\n")) + (DEPLOY / "caddy" / "Caddyfile").read_text())
    caddy = subprocess.Popen(["caddy", "run", "--config", str(written), "--adapter", "caddyfile"],
                             env=os.environ | {"DESK_HOST": "desk.localhost"}, stderr=subprocess.DEVNULL)

    def asked(path: str) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": "desk.localhost"})
            answer = connection.getresponse()
            return answer.status, answer.headers["Location"], answer.read()
        except OSError:
            return 0, None, b""
        finally:
            connection.close()

    try:
        wait_for(lambda: asked("/")[0], "caddy answers")
        assert asked("/login?next=%2F")[:2] == (301, "https://desk.localhost/login?next=%2F")
        status, location, said = asked("/gateway/v1/payins")
        assert (status, location, json.loads(said)["status"]) == (403, None, 403)
    finally:
        caddy.terminate()
        caddy.wait()
