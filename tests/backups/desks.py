"""Desks of a test's own, with servers from the wheels, and their command line."""
import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from backups.desk import Desk
from backups.restoring import clear_away
from launcher.home import ROOT
from launcher.servers import running
from launcher.testrun import NOT_FOR_TESTS

PERSON = {name: value for name, value in os.environ.items() if name not in NOT_FOR_TESTS
          and not name.startswith(("DATABASE", "FILES", "FLASK"))} | {"APP_ENV": "development"}
FILE = "ab" + "0" * 30


def bin_flask(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / "bin" / "flask"), *arguments], text=True, capture_output=True, timeout=400,
                          env={**PERSON, "QUITTANCE_HOME": str(home), **environment}, check=False)


def fresh_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def backup(home: Path, *arguments: str, **environment: str) -> str:
    done = bin_flask(home, "backup", *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def add_person(home: Path, name: str) -> datetime:
    """Returns a moment at which the person is there, and nothing later."""
    made = bin_flask(home, "users", "create", "--email", f"{name}@quittance.example", "--template", "support_orders",
                     "--password", "a long enough passphrase")
    assert made.returncode == 0, made.stderr
    return datetime.now(UTC)


@contextmanager
def demo_desk(home: Path) -> Iterator[Desk]:
    """With the demo's books, and one receipt."""
    desk = Desk.at(home, PERSON)
    with closing(desk.home), running(desk.servers):
        loaded = bin_flask(home, "demo", "load", "--if-empty", DEMO_PASSWORD="quittance-demo-password")
        assert loaded.returncode == 0, loaded.stderr
        (home / "files" / FILE[:2]).mkdir(parents=True, exist_ok=True)
        (home / "files" / FILE[:2] / FILE).write_bytes(b"%PDF-1.7 a receipt")
        desk.owner_sql(f"""INSERT INTO files (id, uploader, name, content_type, size_bytes, content_hash, kept_hash,
            storage_key, created_at)
            VALUES (uuidv7(), 'trader:1', 'r.pdf', 'application/pdf', 18, 'x', 'x', '{FILE}', now());""")
        yield desk
    clear_away(home)
