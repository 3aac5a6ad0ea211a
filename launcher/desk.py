"""bin/run: the whole desk on one machine, until Ctrl-C."""
import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from launcher import environment, procfile, supervisor, venv
from launcher.home import ROOT, Home
from launcher.say import Trouble, say
from launcher.servers import Servers, running
from launcher.shipping import Shipping

KNOWN_PASSWORD = "quittance-demo-password"
ACCOUNTS = (("staff", "admin@ (super admin), second@ (admin), support@, viewer@"),
            ("merchants", "merchant1@, merchant2@"), ("traders", "trader1@ … trader5@"))
DOMAIN = "quittance.example"
FIRST_PEOPLE = ("an empty desk needs two administrators; for each, in another terminal:",
                "bin/flask users create --email you@company.example --template super_admin")
OTHER_COMMANDS_S = 2.0  # how long a bin/flask that still works may hold up the servers' stop
READY_S = 60.0
DEMO_FILE = "demo.json"  # with which password this folder's demo accounts were made
LIVE = ("simulator", "flask demo live")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    home = Home(Path(os.environ.get("QUITTANCE_HOME") or ROOT / "var"))
    person = environment.of_the_person()
    commands = procfile.processes(options.only)
    if options.live:
        commands[LIVE[0]] = LIVE[1]
    refuse_open_demo(options, home, person)
    if not home.claim_desk():
        raise Trouble(f"a desk already runs on {home.folder}; stop it, or name another folder with QUITTANCE_HOME")
    stop = StopAsked()
    try:
        packages = venv.ensure("requirements.txt")
        supervisor.end_leftovers(home)
        servers = Servers(home, packages, person, durable=True, createdb=False)
        with running(servers, patience_s=OTHER_COMMANDS_S) as desk:
            demo = prepare(options, home, desk, servers.keys["demo_password"])
            stop.hurry = False
            keeper = supervisor.Supervisor(home, commands, environment.without_owner(desk))
            announce = Announcement(desk, commands, demo)
            shipping = Shipping(servers.postgres, os.environ)
            keeper.run(lambda: stop.asked, [announce, servers.look_after, shipping])
    except KeyboardInterrupt:
        say("stopped before the desk was up")
        return 130
    say("stopped")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/run", description="Run the desk: servers, migrations, demo data, and the processes of the Procfile.",
        epilog="From the environment: HOST (127.0.0.1), PORT (8000), QUITTANCE_HOME (var), DATABASE_URL and REDIS_URL "
               "(servers of your own), RATELIMIT_ENABLED.")
    parser.add_argument("--no-demo", action="store_true", help="start with an empty database")
    parser.add_argument("--demo-public", action="store_true",
                        help="allow demo data on a HOST that others reach, with a random password")
    parser.add_argument("--live", action="store_true", help="let simulated customers and traders work")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="start only this process of the Procfile (may be repeated)")
    return parser.parse_args(arguments)


def refuse_open_demo(options: argparse.Namespace, home: Home, person: dict[str, str]) -> None:
    """Accounts whose password everybody can read are for this machine alone."""
    host = person.get("HOST", "127.0.0.1")
    if host in environment.LOOPBACK:
        return
    if home.read(DEMO_FILE).get("password") == KNOWN_PASSWORD:
        raise Trouble(f"HOST={host} is open to others, and {home.folder} holds demo accounts with the known password: "
                      "name another folder with QUITTANCE_HOME")
    if not (options.no_demo or options.demo_public):
        raise Trouble(f"HOST={host} is open to others and the demo accounts have a known password: "
                      "use --no-demo, or --demo-public for a random password")


def prepare(options: argparse.Namespace, home: Home, desk: dict[str, str], random_password: str) -> str | None:
    """Migrate and load demo data; returns the password of the demo accounts, or None without them."""
    do(procfile.read()[procfile.RELEASE], desk)
    loaded_with = home.read(DEMO_FILE).get("password")
    if options.no_demo or desk["APP_ENV"] == "production":
        return None
    if not loaded_with:
        loaded_with = random_password if options.demo_public else KNOWN_PASSWORD
        do("flask demo load --if-empty", {**environment.without_owner(desk), "DEMO_PASSWORD": loaded_with})
        home.write(DEMO_FILE, {"password": loaded_with})
    return str(loaded_with)


def do(command: str, desk: dict[str, str]) -> None:
    """A step that must succeed before the desk opens. Its log is shown only when it fails: it is for operators."""
    done = subprocess.run(["/bin/sh", "-c", f"exec {command}"], env=desk, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout.decode("utf-8", "replace"))
        raise Trouble(f"`{command}` failed (exit code {done.returncode})")


class StopAsked:
    """SIGINT, SIGTERM and a closed terminal ask once; while the desk is being prepared they interrupt at once."""

    def __init__(self) -> None:
        self.asked = False
        self.hurry = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if self.hurry and not again:
            raise KeyboardInterrupt


class Announcement:
    """Where the desk is and who may enter, said once, when it answers."""

    def __init__(self, desk: dict[str, str], commands: dict[str, str], password: str | None) -> None:
        self.address = environment.address(desk["HOST"], desk["PORT"])
        self.web = "web" in commands
        self.development = desk["APP_ENV"] == "development"
        self.password = password
        self.said = False
        self.next_look_at = 0.0
        self.give_up_at = time.monotonic() + READY_S

    def __call__(self) -> None:
        now = time.monotonic()
        if self.said or now < self.next_look_at:
            return
        self.next_look_at = now + 0.2
        if self.web and not self._answers() and now < self.give_up_at:
            return
        self.said = True
        self._say()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/livez", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _say(self) -> None:
        lines = ["", f"  Quittance is open at {self.address}" if self.web else "  Quittance runs without its web"]
        if self.password:
            lines += [f"  {who:<10} {accounts}" for who, accounts in ACCOUNTS]
            lines += [f"  each of them @{DOMAIN}, with the password of the next line"]
        elif self.web:
            lines += [f"  {line}" for line in FIRST_PEOPLE]
            lines += [f"  then go on at {self.address}/admin/first-hour"]
        if self.development:
            lines += ["  APP_ENV is development: webhooks may call plain http and this machine; set APP_ENV=production "
                      "before real money"]
        for line in [*lines, *([f"password {self.password}"] if self.password else []), "  Ctrl-C stops it", ""]:
            say(line, to=sys.stdout)
