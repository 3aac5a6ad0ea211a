"""The cluster's files as their own programs read them; and the two rehearsals, each in its shortest form."""
import os
import shutil
import subprocess
from pathlib import Path
from string import Template

import pytest

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "deploy" / "cluster"
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
#: where a value's form matters to who reads the file; everything else is a word
VALUES = {"IP": "127.0.0.1", "IP1": "127.0.0.1", "IP2": "127.0.0.2", "IP3": "127.0.0.3", "FRONT": "127.0.0.1:18080",
          "SCHEME": "https", "REPLICAOF": ""}
pytestmark = pytest.mark.slow


def installed(*programs: str) -> bool:
    return all(shutil.which(name, path=f"{SBIN}:{os.environ['PATH']}") for name in programs)


@pytest.mark.skipif(not installed("haproxy"), reason="haproxy is not installed")
@pytest.mark.parametrize("name", ["haproxy.cfg", "front.cfg"])
def test_haproxy_takes_its_files(name, tmp_path):
    text = Template((CLUSTER / name).read_text())
    values = {key: VALUES.get(key, str(tmp_path)) for key in text.get_identifiers()}
    (tmp_path / name).write_text(text.substitute(values))
    done = subprocess.run(["haproxy", "-c", "-f", str(tmp_path / name)], env={"PATH": SBIN}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(900)
@pytest.mark.skipif(not installed("haproxy"), reason="haproxy is not installed")
def test_an_upgrade_under_load_fails_nobody():
    done = subprocess.run([str(ROOT / "deploy" / "rehearse-upgrade"), "--orders", "500", "--streams", "8",
                           "--per-second", "4", "--calm", "1"], capture_output=True, text=True, check=False)
    print(done.stdout)  # noqa: T201
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", failed 0 [];" in done.stdout, "creates"


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0 or not installed("etcd", "etcdctl", "haproxy", "pgbouncer", "ip", "unshare"),
                    reason="the drill wants root, etcd, haproxy and pgbouncer")
def test_a_switchover_a_killed_primary_and_a_dead_machine_lose_nothing():
    done = subprocess.run([str(CLUSTER / "drill"), "switchover", "postgres_killed", "power_off", "--per-second", "5"],
                          capture_output=True, text=True, check=False)
    print(done.stdout)  # noqa: T201
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0" in done.stdout
