"""The virtual environment: made once, filled from the locked requirements, filled again when they change."""
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from launcher.home import ROOT
from launcher.say import Trouble, say

FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"


def ensure(requirements: str) -> Path:
    """Make sure that `.venv` holds what the file locks, and give its site-packages back.

    Raises Trouble when this Python cannot make one, or pip cannot install.
    """
    wanted = _stamp(requirements)
    if not _has(requirements, wanted):
        if not os.access(ROOT, os.W_OK):
            raise Trouble(f"cannot write to {ROOT}: let its owner run bin/run or bin/test once")
        with open(ROOT / ".venv.lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _has(requirements, wanted):  # another command may have done it while we waited
                _make()
                _install(requirements, wanted)
    return site_packages()


def site_packages() -> Path:
    """Where the environment keeps its packages, read off its layout and not by starting its Python."""
    found = sorted((FOLDER / "lib").glob("python3*/site-packages"))
    if not found:
        raise Trouble(f"{FOLDER} has no site-packages; remove the folder and start again")
    return found[-1]


def _stamp(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def _has(requirements: str, wanted: str) -> bool:
    """The stamp is written last, so half an installation has none; a Python that was removed is noticed too."""
    stamp = FOLDER / f".{requirements}.sha256"
    try:
        return PYTHON.exists() and stamp.exists() and stamp.read_text("ascii").strip() == wanted
    except PermissionError as problem:
        raise Trouble(f"{FOLDER} was made by another user with a Python that is closed to you ({problem.filename}); "
                      "remove that folder to have it made with yours") from problem


def _make() -> None:
    if PYTHON.exists():
        return
    if FOLDER.exists():
        say(f"{FOLDER} has lost its Python: making it anew")
        shutil.rmtree(FOLDER)
    say(f"making {FOLDER} with Python {sys.version.split()[0]}")
    options = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    if options and not importlib.util.find_spec("pip"):
        raise Trouble("this Python has neither ensurepip nor pip, so it cannot make a virtual environment "
                      "(on Debian and Ubuntu: apt-get install python3-venv)")
    made = subprocess.run([sys.executable, "-m", "venv", *options, str(FOLDER)], check=False)
    if made.returncode:
        raise Trouble("the virtual environment could not be made (on Debian and Ubuntu: apt-get install python3-venv)")


def _install(requirements: str, wanted: str) -> None:
    say(f"installing what {requirements} locks (a minute or two, once)")
    pip = [str(PYTHON), "-m", "pip"]
    if not list((FOLDER / "lib").glob("python3*/site-packages/pip")):
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    install = [*pip, "install", "-qq", "--disable-pip-version-check", "--no-input", "--require-hashes",
               "-r", str(ROOT / requirements)]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(install, stdout=sys.stderr, env=environment, check=False)
    if done.returncode:
        raise Trouble(f"pip could not install {requirements}; its own words stand above. "
                      "Is a package index within reach?")
    _write_stamp(requirements, wanted)
    if requirements == "requirements-dev.txt":  # which locks everything of requirements.txt too, at the same version
        _write_stamp("requirements.txt", _stamp("requirements.txt"))


def _write_stamp(requirements: str, stamp: str) -> None:
    (FOLDER / f".{requirements}.sha256").write_text(stamp + "\n", "ascii")
