"""mypy, strict, on everything the desk runs."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_types_hold():
    found = subprocess.run([sys.executable, "-m", "mypy", "--no-error-summary"], cwd=ROOT, capture_output=True,
                           text=True)
    assert found.returncode == 0, found.stdout


def test_ruff_is_content():
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "portal", "tasks", "tests", "launcher", "backups"],
                           cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
