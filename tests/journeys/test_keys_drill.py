"""Both keys are changed on a desk that works: 50,000 rows made anew, kill -9 in the middle, no call refused."""
import base64
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from portal.core.crypto import Keyring, PrintRing
from portal.core.ids import new_id
from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import Gateway
from tests.running import ROOT, Desk, wait_for

ROWS = int(os.environ.get("DRILL_ROWS", "50000"))
KEYS = ("MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY", "SECRET_KEY")


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


class Crowd:
    """Somebody who makes and reads orders all the while, and what went wrong."""

    def __init__(self, desk: Desk) -> None:
        self.gateway, self.done, self.failed, self.slowest_s = Gateway(desk), 0, list[str](), 0.0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.05):
            begun = time.monotonic()
            try:
                order = self.gateway.post("/payins", {
                    "external_id": f"drill-{self.done}", "amount": "1500.00", "currency": "RUB", "method": "card",
                    "customer": {"id": f"u-{self.done}", "name": "I. Petrov"}}, key=f"drill-{self.done}")
                self.gateway.get(f"/payins/{order['id']}")
                self.gateway.post(f"/payins/{order['id']}/cancel", {}, key=f"drill-end-{self.done}")
            except OSError as error:
                self.failed.append(str(error))
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            self.done += 1


@contextmanager
def calling(desk: Desk) -> Iterator[Crowd]:
    crowd = Crowd(desk)
    thread = threading.Thread(target=crowd.run)
    thread.start()
    try:
        yield crowd
    finally:
        crowd.stop.set()
        thread.join()


class Kept:
    """The secrets as files, changed and read anew by every process."""

    def __init__(self, desk: Desk, folder) -> None:
        self.desk, self.folder, self.turns = desk, folder, 0

    def put(self, **values: str) -> None:
        for name, value in values.items():
            (self.folder / name.lower()).write_text(value)

    def __getitem__(self, name: str) -> str:
        return (self.folder / name.lower()).read_text()

    def everywhere(self, **values: str) -> None:
        self.put(**values)
        self.turns += 3
        for processes in self.desk.processes.values():
            os.kill(processes[-1].pid, signal.SIGHUP)
        wait_for(lambda: self.desk.log.read_text().count("settings_read_anew") == self.turns, "all read anew")


def fill(url: str, old: Keyring, prints: PrintRing) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(
            "COPY holders (id, created_at, updated_at, name_sealed, name_fingerprint) FROM STDIN") as rows:
        for at in range(ROWS):
            id = new_id()
            rows.write_row((id, "now", "now", old.seal(f"Person {at}".encode(), place=f"holders|name_sealed|{id}"),
                            next(prints.prints(f"holder|person {at}".encode()))))


def begun(desk: Desk, command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "flask", "crypto", command], cwd=ROOT, env=desk.environment,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)


def killed_half_way(desk: Desk, command: str) -> int:
    """Kill -9 after it said that some thousands were done. How many."""
    running = begun(desk, command)
    assert running.stdout is not None
    for line in running.stdout:
        if (said := re.match(r"holders\.\w+ (\d+) of", line)) and int(said[1]) >= ROWS // 3:
            running.kill()
            break
    running.wait()
    running.stdout.close()
    return int(said[1]) if said else 0


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_keys_are_changed_while_orders_run(fresh_database, url_of, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    desk = Desk(fresh_database, tmp_path / "desk.log", {"SECRETS_FOLDER": str(folder), "LOG_LEVEL": "INFO",
                                                       "DEMO_PASSWORD": "quittance-demo-password"})
    kept = Kept(desk, folder)
    kept.put(**{name: desk.environment.pop(name) for name in KEYS})
    try:
        desk.start("web")
        desk.flask("demo", "load")
        desk.start("worker", "dispatcher")
        old = Keyring.parse(kept["MASTER_KEYS"])
        fill(url_of(fresh_database, "owner"), old, PrintRing.of([base64.b64decode(kept["FINGERPRINT_KEY"])]))
        figures = drilled(desk, kept, old)
    finally:
        desk.stop()
    sys.stdout.write(f"\n{figures}\n")


def drilled(desk: Desk, kept: Kept, old: Keyring) -> str:
    link = Gateway(desk).post("/payins", {"external_id": "before", "amount": "1500.00", "currency": "RUB",
                                          "method": "card"}, key="before")["payment_url"]
    before = {name: kept[name] for name in KEYS}
    new = {"MASTER_KEYS": f"k9:{key()}"} | {name: key() for name in KEYS[1:]}
    with calling(desk) as crowd:
        kept.everywhere(**{name: f"{before[name]},{new[name]}" for name in KEYS})
        kept.everywhere(**{name: f"{new[name]},{before[name]}" for name in KEYS})
        took = {}
        for command in ("rotate", "reprint"):
            half = killed_half_way(desk, command)
            assert ROWS // 3 <= half < ROWS
            started = time.monotonic()
            rest = desk.flask("crypto", command)
            took[command] = (time.monotonic() - started, half)
            first = re.search(r"holders\.\w+ \d+ of (\d+)", rest)
            assert first is not None
            assert int(first[1]) <= ROWS + 100 - half, "what stood before the kill was not done again"
        assert PlainBrowser(desk.url).open(link) == 200, "a link of before opens"
        assert desk.flask("crypto", "check") == "everything opens\n"
        tag = PrintRing.of([base64.b64decode(before["FINGERPRINT_KEY"])])
        dropped = desk.flask("crypto", "may-drop-prints", next(iter(tag.keys)).hex())
        assert "is looked up by nothing any more" in dropped
        kept.everywhere(FINGERPRINT_KEY=new["FINGERPRINT_KEY"], HUEY_KEY=new["HUEY_KEY"])
        assert "holders" not in [line.split()[1].split(".")[0] for line in desk.flask("crypto", "keys").splitlines()
                                 if line.startswith(f"{old.current} ")], "all that is not an answer kept for 75 hours"
    assert crowd.failed == []
    assert crowd.done > 50
    said = "; ".join(f"{command} killed at {half}, the rest in {rest:.1f} s" for command, (rest, half) in took.items())
    return f"{ROWS} rows; {said}; {crowd.done} rounds of three calls, none failed, the slowest {crowd.slowest_s:.2f} s"
