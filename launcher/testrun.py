"""bin/test: every test on real PostgreSQL and Valkey, which are started for it and forget quickly."""
import os
import signal
import subprocess
import sys
from pathlib import Path
from shutil import which

from launcher import venv
from launcher.home import ROOT, Home
from launcher.say import say
from launcher.servers import Servers, running

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WORKERS = 2
#: set by a person for a desk; a test that inherited it would not test what it says
NOT_FOR_TESTS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_DIRECT_URL", "REDIS_URL", "SECRET_KEY", "MASTER_KEYS",
                 "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY", "PUSH_KEY", "SENTRY_DSN", "PUBLIC_URL", "HOST",
                 "PORT", "RATELIMIT_ENABLED", "DEMO_PASSWORD", "QUITTANCE_HOME")


def main(arguments: list[str]) -> int:
    home = Home(Path(os.environ.get("QUITTANCE_HOME") or ROOT / "var" / "test"))
    packages = venv.ensure("requirements-dev.txt")
    person = {name: value for name, value in os.environ.items() if name not in NOT_FOR_TESTS} | {"APP_ENV": "test"}
    servers = Servers(home, packages, person, durable=False, createdb=True)
    with running(servers) as desk:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        code = _pytest(arguments, desk)
    _say_what_did_not_run(arguments)
    return code


def _pytest(arguments: list[str], desk: dict[str, str]) -> int:
    spread = [] if _chooses_workers(arguments) else ["-n", str(WORKERS), "--dist", "loadscope"]
    command = [str(venv.PYTHON), "-m", "pytest", *spread, *arguments]
    process = subprocess.Popen(command, env=desk, cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # pytest heard it too and says what it has so far
            process.send_signal(signal.SIGINT)


def _chooses_workers(arguments: list[str]) -> bool:
    return any(word in ("-p", "--pdb", "--collect-only", "--co") or word.startswith(("-n", "--numprocesses"))
               for word in arguments)


def _say_what_did_not_run(arguments: list[str]) -> None:
    missing = []
    if "--slow" not in arguments:
        missing.append("slow tests (bin/test --slow)")
    if not any(which(name) for name in BROWSERS):
        missing.append("browser tests (no Chromium found)")
    say(f"not run: {', '.join(missing)}" if missing else "nothing was left out", to=sys.stdout)
