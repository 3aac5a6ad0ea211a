"""clients/python as it is given away: a wheel that is whole, typed, and leans on httpx alone."""
import subprocess
import sys
import zipfile

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.slow  # its builder comes from the package index


def test_the_wheel_is_whole(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT / "clients/python"],
                   check=True, timeout=300)
    (wheel,) = tmp_path.glob("quittance-*.whl")
    sources = {str(path.relative_to(ROOT / "clients/python/src"))
               for path in (ROOT / "clients/python/src").rglob("*.py")}
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = opened.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert sources | {"quittance/py.typed"} <= names
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: httpx<1,>=0.27"]
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site)
    used = ("import sys; sys.path.insert(0, sys.argv[1]); import quittance; "
            "assert quittance.__file__.startswith(sys.argv[1]); quittance.Quittance('qk_test_x', 'http://127.0.0.1:9')")
    subprocess.run([sys.executable, "-c", used, site], check=True, timeout=60)
