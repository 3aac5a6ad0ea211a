"""bin/flask, really started: alone and beside a running desk; its answer is all that stdout gets."""
import signal
import subprocess

from tests.launcher.conftest import Desk, alive

WSGI = '''\
import os
import sys

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


@app.cli.command("refuse")
def refuse():
    sys.exit(7)
'''


def ask(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    (desk.folder / "wsgi.py").write_text(WSGI)
    return subprocess.run([str(desk.folder / "bin" / "flask"), *arguments], text=True, capture_output=True, cwd="/",
                          env=desk.environment({}), timeout=60, check=False)


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


def test_beside_a_running_desk_it_uses_its_servers(desk: Desk) -> None:
    desk.start()
    servers = desk.postmaster, desk.valkey
    assert ask(desk, "speak").stdout == "quittance_app\n"
    assert (desk.postmaster, desk.valkey) == servers
    assert all(map(alive, servers))
    assert (desk.folder / "released.txt").read_text() == "released\n", "a running desk is migrated already"
    assert desk.stop(signal.SIGTERM)[0] == 0
