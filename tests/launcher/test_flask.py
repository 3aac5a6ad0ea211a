"""bin/flask, really started: alone and beside a running desk; its answer is all that stdout gets."""
import os
import signal
import subprocess

import pytest

from tests.launcher.conftest import Desk, alive

WSGI = '''\
import os
import sys

import click
from flask import Flask

app = Flask("asked")


@app.cli.command("speak")
def speak():
    print("a log line", file=sys.stderr)
    assert "DATABASE_OWNER_URL" not in os.environ
    print(os.environ["DATABASE_URL"].split(":")[1].strip("/"))


@app.cli.group("db")
def migrations():
    pass


@migrations.command("upgrade")
def upgrade():
    print(os.environ["DATABASE_OWNER_URL"].split(":")[1].strip("/"))


@app.cli.group("webhooks")
def webhooks():
    pass


@webhooks.command("listen", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
def listen(words):
    print(*words, os.environ.get("QUITTANCE_KEY"), "DATABASE_OWNER_URL" in os.environ)


@app.cli.command("refuse")
def refuse():
    sys.exit(7)
'''


def ask(desk: Desk, *arguments: str, by: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    (desk.folder / "wsgi.py").write_text(WSGI)
    return subprocess.run([*by, str(desk.folder / "bin" / "flask"), *arguments], text=True, capture_output=True,
                          cwd="/", env=desk.environment({}), timeout=60, check=False)


def test_alone_it_migrates_answers_and_leaves_nothing_running(desk: Desk) -> None:
    asked = ask(desk, "speak")
    assert (asked.returncode, asked.stdout) == (0, "quittance_app\n")
    assert "a log line" in asked.stderr
    assert (desk.folder / "released.txt").exists()
    assert not alive(desk.valkey)
    assert not (desk.place / "data" / "postmaster.pid").exists()
    assert ask(desk, "db", "upgrade").stdout == "quittance_owner\n"
    assert ask(desk, "refuse").returncode == 7


def test_the_version_is_told_without_a_server_or_a_data_folder(desk: Desk) -> None:
    """An installation makes `.venv` by it, as root: it began a database of root's own."""
    assert ask(desk, "--version").stdout.startswith("Python ")
    assert not desk.home.exists()


def test_who_only_listens_to_a_desk_far_away_has_no_servers_started(desk: Desk) -> None:
    far = ("webhooks", "listen", "--desk", "https://desk.example", "--forward", "http://127.0.0.1:5000/")
    asked = ask(desk, *far)
    assert (asked.returncode, asked.stdout) == (0, f"{' '.join(far[2:])} None False\n"), asked.stderr
    assert not (desk.home / "valkey.json").exists()
    assert not (desk.place / "data").exists()
    assert not (desk.folder / "released.txt").exists()
    assert ask(desk, *far, "--store", "bookshop").returncode == 0
    assert (desk.folder / "released.txt").exists(), "a store is looked up in this desk's own database"
    assert not alive(desk.valkey)


def test_beside_a_running_desk_it_uses_its_servers(desk: Desk) -> None:
    desk.start()
    servers = desk.postmaster, desk.valkey
    assert ask(desk, "speak").stdout == "quittance_app\n"
    assert (desk.postmaster, desk.valkey) == servers


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a namespace of processes")
def test_who_cannot_see_the_desks_processes_leaves_its_servers_alone(desk: Desk) -> None:
    """The unit of backups (ProtectProc=invisible): it took postmaster.pid for a dead server's, removed it, and the desk
    was without its database until a second one had been started on the same data.
    """
    desk.start()
    servers = desk.postmaster, desk.valkey
    asked = ask(desk, "speak", by=("unshare", "--pid", "--fork", "--mount-proc"))
    assert asked.stdout == "quittance_app\n", asked.stderr
    assert (desk.postmaster, desk.valkey) == servers
    assert alive(servers[0])
    assert not [line for line in desk.lines if "died" in line]
    assert all(map(alive, servers))
    assert (desk.folder / "released.txt").read_text() == "released\n", "a running desk is migrated already"
    assert desk.stop(signal.SIGTERM)[0] == 0
