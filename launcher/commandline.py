"""bin/flask: the desk's command line, beside a running desk or alone. Its answer is all that stdout gets."""
import os
import signal
import subprocess
import sys
from pathlib import Path

from launcher import environment, procfile, venv
from launcher.home import ROOT, Home
from launcher.servers import Servers, running

FLASK = str(venv.FOLDER / "bin" / "flask")
AS_OWNER = ("db", "history")  # these alone change tables
WITHOUT_TABLES = ("db", "routes", "config", "--help")  # these do not need a migrated database


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["backup"]:  # beside the desk: it starts, stops and restores servers itself
        venv.ensure("requirements.txt")
        os.execve(venv.PYTHON, [str(venv.PYTHON), "-m", "backups", *arguments[1:]],
                  {**os.environ, "PYTHONPATH": str(ROOT)})
    packages = venv.ensure("requirements.txt")
    if arguments == ["--version"]:  # how an installation makes .venv: nothing is started, nothing else is written
        return _run([FLASK, "--version"], dict(os.environ))
    home = Home(Path(os.environ.get("QUITTANCE_HOME") or ROOT / "var"))
    servers = Servers(home, packages, environment.of_the_person(), durable=True, createdb=False)
    if _only_forwards(arguments):
        return _run([FLASK, *arguments], environment.without_owner(servers.environment()))
    with running(servers) as desk:
        if not home.desk_is_running() and arguments[:1] and arguments[0] not in WITHOUT_TABLES:
            migrated = _run(["/bin/sh", "-c", f"exec {procfile.read()[procfile.RELEASE]}"], desk, quiet=True)
            if migrated:
                return migrated
        as_owner = arguments[:1] and arguments[0] in AS_OWNER
        return _run([FLASK, *arguments], desk if as_owner else environment.without_owner(desk))


def _only_forwards(arguments: list[str]) -> bool:
    """`webhooks listen` with a key speaks to a desk over HTTP alone; with `--store` it reads this one's database."""
    return arguments[:2] == ["webhooks", "listen"] and not any(
        word == "--store" or word.startswith("--store=") for word in arguments)


def _run(command: list[str], desk: dict[str, str], *, quiet: bool = False) -> int:
    """Run it in the foreground; Ctrl-C is for it to hear, TERM is passed on, and the servers stop afterwards."""
    process = subprocess.Popen(command, env=desk, cwd=ROOT, stdout=sys.stderr if quiet else None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return 128 - code if code < 0 else code
