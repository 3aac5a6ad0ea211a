"""LNbits as its users run it: its own server and account keys, a database of its own on the benchmark's PostgreSQL.

Its funding source is FakeWallet, so that a payment between two of its wallets is bookkeeping and nothing else. Every
other setting is what LNbits chooses, but for the limit on requests and whatever would ask somebody outside.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from benchmarks.ground import Ground

PACKAGES = ("lnbits==1.6.2", "bitstring==4.4.0")  # bolt11 asks for any bitstring; 5.0 has lost what it imports
WALLETS = 50  # a balance is summed over the wallet's payments: many wallets, each with few, is what suits it best
SATS = 1_000_000  # given to each at the start
START_S, STOP_S = 90, 20
QUIET = {"LNBITS_BACKEND_WALLET_CLASS": "FakeWallet", "LNBITS_RATE_LIMIT_NO": "100000000",
         "LNBITS_EXTENSIONS_DEACTIVATE_ALL": "true", "LNBITS_EXTENSIONS_MANIFESTS": "[]",
         "LNBITS_WASM_EXTENSIONS_MANIFESTS": "[]", "LNBITS_PRICE_AGGREGATOR_ENABLED": "false",
         "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]"}


@dataclass
class Lnbits:
    """A running server: `wallets` as its API tells of them (id, inkey, adminkey)."""

    url: str
    database: str
    log: Path
    wallets: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method=method,
                                         headers={"Content-Type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def open_wallets(self) -> None:
        """The first install names the superuser, who gives every new account's wallet something to pay with."""
        word = os.urandom(12).hex()
        told = self.ask("PUT", "/api/v1/auth/first_install",
                        {"username": "bench", "password": word, "password_repeat": word})
        for number in range(WALLETS):
            wallet = self.ask("POST", "/api/v1/account", {"name": f"Shop {number}"})
            self.ask("PUT", "/users/api/v1/balance", {"id": wallet["id"], "amount": SATS},
                     Authorization=f"Bearer {told['access_token']}")
            # counted in satoshi alone: in dollars it would look for today's rate, in vain here, at every payment
            self.ask("PATCH", "/api/v1/wallet", {"currency": ""}, **{"X-Api-Key": wallet["adminkey"]})
            self.wallets.append(wallet)


@contextmanager
def lnbits(ground: Ground, python: Path) -> Iterator[Lnbits]:
    """The server with its wallets. Afterwards it is killed; its database and its files are removed."""
    folder, database = ground.servers.home.folder / "lnbits-data", ground.make("lnbits", None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Lnbits(f"http://127.0.0.1:{port}", database, ground.servers.home.folder / "lnbits.log")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "extensions").mkdir(parents=True)
    package = next((python.parent.parent / "lib").glob("python*/site-packages/lnbits"))
    (folder / "lnbits").symlink_to(package)  # it looks for its pages where it was started
    with made.log.open("wb") as log:  # as its own command runs it, without the parent process that waits for it
        process = subprocess.Popen(
            [str(python.with_name("uvicorn")), "lnbits.__main__:app", "--loop", "uvloop", "--port", str(port)],
            cwd=folder, env=_environment(ground, database, folder), stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(made, process)
        made.open_wallets()
        yield made
    finally:
        _end(process)
        ground.drop(database)
        shutil.rmtree(folder, ignore_errors=True)


def _environment(ground: Ground, database: str, folder: Path) -> dict[str, str]:
    postgres = ground.servers.postgres
    assert postgres is not None
    where = URL.create("postgres", "postgres", ground.servers.keys["postgres_password"], database=database,
                       query={"host": str(postgres.sockets)})
    return {**QUIET, "PATH": os.defpath, "HOME": str(folder), "LNBITS_DATA_FOLDER": str(folder),
            "LNBITS_EXTENSIONS_PATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
            "LNBITS_DATABASE_URL": where.render_as_string(hide_password=False)}


def _wait(made: Lnbits, process: subprocess.Popen[bytes]) -> None:
    """Until it answers: its migrations run first."""
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{made.url}/api/v1/health", timeout=2):
                return
        except OSError:
            time.sleep(.2)
    raise SystemExit(f"LNbits did not start; see {made.log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
