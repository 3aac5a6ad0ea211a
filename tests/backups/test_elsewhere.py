"""A PostgreSQL that is not ours: copied over the replication protocol, its log taken as it is written, restored to the
second between two orders that were acknowledged. The server is real; the desk knows nothing of it but three URLs."""
import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from backups.desk import Desk
from backups.restoring import clear_away
from backups.sealing import parse_key
from backups.store import Store
from launcher import venv
from launcher.home import ROOT
from launcher.servers import running
from tests.backups.desks import PERSON, backup, bin_flask, demo_desk
from tests.running import answers, children_of, free_port, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings(
    "ignore:subprocess:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")]
PASSWORD = "a password for backups"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Whose server is somebody else's to the desk of these tests, and is not archived: that setting is not ours."""
    with demo_desk(tmp_path_factory.mktemp("database") / "var") as desk:
        assert desk.servers.postgres
        subprocess.run([str(ROOT / "deploy" / "backup" / "role.sh")], check=True, env={
            **os.environ, "PATH": f"{desk.programs}:{os.environ['PATH']}", "BACKUP_PASSWORD": PASSWORD,
            "PGHOST": str(desk.servers.postgres.sockets), "PGPASSWORD": desk.servers.keys["postgres_password"]})
        yield desk


@pytest.fixture(scope="module")
def named(database: Desk) -> dict[str, str]:
    """All that its desk is told."""
    assert database.servers.postgres
    url = f"postgresql://quittance_backup:{PASSWORD.replace(' ', '%20')}@/quittance?host="
    return {name: database.environment[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "FILES_FOLDER")} | {
        "BACKUP_DATABASE_URL": url + str(database.servers.postgres.sockets).replace("/", "%2F")}


def receiver(home: Path, named: dict[str, str]) -> subprocess.Popen[bytes]:
    """One that has begun; what it says lies beside its data folder."""
    log = home.with_suffix(".log")
    with log.open("wb") as file:
        process = subprocess.Popen([str(venv.PYTHON), "-m", "backups", "receive"], cwd=ROOT, start_new_session=True,
                                   env={**PERSON, **named, "QUITTANCE_HOME": str(home), "PYTHONPATH": str(ROOT)},
                                   stderr=file)
    wait_for(lambda: "is kept in" in log.read_text() or process.poll() is not None, "it receives")
    assert process.poll() is None, log.read_text()
    return process


@contextmanager
def receiving(home: Path, named: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = receiver(home, named)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0, home.with_suffix(".log").read_text()


def as_superuser(database: Desk, *statements: str) -> list[str]:
    """Of a server that is not the desk's: what its own administrator does."""
    server, password = database.servers.postgres, database.servers.keys["postgres_password"]
    assert server
    return [server.sql(statement, password=password) for statement in statements]


@contextmanager
def serving(database: Desk) -> Iterator[int]:
    port = free_port()
    web = subprocess.Popen([str(venv.PYTHON), "serve.py", "127.0.0.1", str(port)], cwd=ROOT, start_new_session=True,
                           env=database.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    try:
        wait_for(lambda: answers(port, "/servez"), "the web answers", within_s=60)
        yield port
    finally:
        web.terminate()
        web.wait()


def order(port: int, key: str, name: str) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/gateway/v1/payins", json.dumps(
            {"external_id": name, "amount": "1500.00", "currency": "RUB", "method": "card"}), {
                "Authorization": f"Bearer {key}", "Idempotency-Key": name, "Content-Type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
    assert answer.status == 201, said
    return str(said["id"])


def orders(desk: Desk) -> list[str]:
    return desk.owner_sql("SELECT external_id FROM orders WHERE external_id IN ('earlier', 'later') ORDER BY 1").split()


def test_restored_to_the_second_between_two_orders(database: Desk, named: dict[str, str], tmp_path: Path):
    home = tmp_path / "elsewhere"
    key = bin_flask(database.home.folder, "keys", "create", "--store", "bookshop", "--mode", "live")
    token = key.stdout.splitlines()[-1]
    with receiving(home, named), serving(database) as port:
        assert "\tbase\t" in backup(home, "make", **named)
        store = Store(home / "backups", parse_key(backup(home, "key", **named).strip()))
        order(port, token, "earlier")
        wait_for(lambda: datetime.now(UTC) > store.find("latest").ended_at, "the copy is older than the moment")
        between = datetime.now(UTC)
        order(port, token, "later")
        backup(home, "ship", **named)

        said = backup(home, "restore", "--into", str(tmp_path / "then"), "--until", between.isoformat(), **named)
        assert said.count(" 0 differences") == 2
        then = Desk.at(tmp_path / "then", PERSON)
        with closing(then.home), running(then.servers):
            assert orders(then) == ["earlier"]
            assert then.servers.postgres
            assert (then.servers.postgres.data / "pg_hba.conf").read_text().count("scram-sha-256") == 2
            assert "trust" not in (then.servers.postgres.data / "pg_hba.conf").read_text()
        clear_away(tmp_path / "then")

        backup(home, "restore", "--into", str(tmp_path / "now"), **named)
        now = Desk.at(tmp_path / "now", PERSON)
        with closing(now.home), running(now.servers):
            assert orders(now) == ["earlier", "later"], "both were acknowledged, and both are there"
        clear_away(tmp_path / "now")
    assert orders(database) == ["earlier", "later"], "the server itself was left alone"


def test_a_receiver_that_was_killed_goes_on_where_it_was(database: Desk, named: dict[str, str], tmp_path: Path):
    home = tmp_path / "elsewhere"
    with receiving(home, named):
        backup(home, "make", **named)
    database.owner_sql("CREATE TABLE meanwhile AS SELECT generate_series(1, 400000) AS number;")  # some 20 MB of log
    with receiving(home, named):
        backup(home, "ship", **named)
        assert "files opened" in backup(home, "check", **named)
    finished = sorted((home / "backups" / "wal").glob("*/[0-9A-F]*"))
    assert len([path for path in finished if len(path.name) == 24]) >= 2, "finished segments were sealed"
    assert len([path for path in finished if path.name.endswith(".partial")]) == 1, "of the last one as far as it goes"
    assert [path.name for path in (home / "received").iterdir() if ".partial" not in path.name] == []
    database.owner_sql("DROP TABLE meanwhile;")


def test_a_second_receiver_is_locked_out_for_as_long_as_anything_of_the_first_writes(
        database: Desk, named: dict[str, str], tmp_path: Path):
    """Of the same data folder, and of another that shares only the backups; and after a kill -9 of the first alone."""
    home, other = tmp_path / "elsewhere", tmp_path / "other"
    shared = {"BACKUP_FOLDER": str(home / "backups")}

    def refused(folder: Path, *said: str) -> None:
        second = bin_flask(folder, "backup", "receive", **named | shared)
        assert second.returncode == 1, second.stderr
        assert all(words in second.stderr for words in said), second.stderr

    first = receiver(home, named)
    [program] = children_of(first.pid)
    held = f"process {first.pid} and {program} (pg_receivewal) on {socket.gethostname()}"
    try:
        refused(home, f"writes into {home}: {held}")
        refused(other, f"writes into {home / 'backups'}: {held}")
        first.kill()
        first.wait()
        refused(home, held)
    finally:
        os.kill(program, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{program}/fd").exists() or not list(Path(f"/proc/{program}/fd").iterdir()),
             "nobody holds the folder")
    with receiving(home, named):
        backup(home, "make", **named)
        assert not (other / "received").exists(), "who was refused has written nothing"
    with receiving(other, named | shared):
        pass  # who was told to end has let go of both


def test_a_place_that_the_server_gave_up_is_left_and_a_new_backup_leads_on(
        database: Desk, named: dict[str, str], tmp_path: Path):
    """Nobody received for longer than `max_slot_wal_keep_size` lets a slot wait."""
    home = tmp_path / "elsewhere"
    with receiving(home, named):
        before = backup(home, "make", **named).split("\t")[0]
        backup(home, "ship", **named)
    as_superuser(database, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB';", "SELECT pg_reload_conf();")
    try:
        def given_up() -> bool:
            database.owner_sql("CREATE TABLE meanwhile AS SELECT generate_series(1, 400000) AS number;"
                               "DROP TABLE meanwhile;")
            return as_superuser(database, "CHECKPOINT;", "SELECT wal_status FROM pg_replication_slots WHERE slot_name ="
                                " 'quittance_backup';")[-1] == "lost"
        wait_for(given_up, "the server gives the slot up", within_s=120)
    finally:
        as_superuser(database, "ALTER SYSTEM RESET max_slot_wal_keep_size;", "SELECT pg_reload_conf();")
    with receiving(home, named):
        assert "make a backup now" in home.with_suffix(".log").read_text()
        after = backup(home, "make", **named).split("\t")[0]
        backup(home, "ship", **named)
        for id in (before, after):
            assert "files opened" in backup(home, "check", id, **named)
        reach = {line.split("\t")[0]: line.split("\t")[3] for line in backup(home, "list", **named).splitlines()}
        assert reach[before] < reach[after], "the gap is not led over"


@contextmanager
def promoted_standby(database: Desk) -> Iterator[str]:
    """The server's standby, which takes it for dead while it lives on: its port."""
    server, password = database.servers.postgres, database.servers.keys["postgres_password"]
    assert server
    data, port = server.place / "standby", "5433"  # of its socket, in the same folder
    data.mkdir(mode=0o700)
    os.chown(data, server.account.pw_uid, server.account.pw_gid)
    for program, *options in (
            ("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-d",
             f"host={server.sockets} port=5432 user=postgres password={password}"),
            ("pg_ctl", "start", "-w", "-l", str(data / "server.log"), "-o", f"-k '{server.sockets}' -p {port}"),
            ("pg_ctl", "promote", "-w")):
        server._as_service([str(server.binaries / "bin" / program), *options, "-D", str(data)])
    try:
        yield port
    finally:
        server._as_service([str(server.binaries / "bin" / "pg_ctl"), "stop", "-m", "fast", "-w", "-D", str(data)])


def test_a_copy_that_an_old_leader_made_after_a_promotion_leads_to_its_own_end(
        database: Desk, named: dict[str, str], tmp_path: Path):
    """The log of both lies in one chain. It was said to lead on, and its restore ended with `not a child`."""
    home = tmp_path / "elsewhere"
    with receiving(home, named):
        before = backup(home, "make", **named).split("\t")[0]
    with promoted_standby(database) as port:
        with receiving(home, named):
            database.owner_sql("CREATE TABLE of_the_old AS SELECT 1 AS number;")
            after = backup(home, "make", **named).split("\t")[0]
            backup(home, "ship", **named)
        for file in (home / "received").iterdir():  # as deploy/backup says
            file.unlink()
        moved = {name: f"{url}&port={port}" if "?host=" in url else url for name, url in named.items()}
        with receiving(home, moved):
            with psycopg.connect(moved["DATABASE_OWNER_URL"].replace("+psycopg", "")) as new_leader:
                new_leader.execute("CREATE TABLE of_the_new AS SELECT 1 AS number")
            backup(home, "ship", **moved)
    reach = {line.split("\t")[0]: line.split("\t")[3] for line in backup(home, "list", **named).splitlines()}
    assert reach[after] < reach[before], "the new leader's log goes on from the older one alone"
    for id, table in ((before, "of_the_new"), (after, "of_the_old")):
        backup(home, "restore", id, "--into", str(tmp_path / id), **named)
        then = Desk.at(tmp_path / id, PERSON)
        with closing(then.home), running(then.servers):
            assert then.owner_sql("SELECT relname FROM pg_class WHERE relname LIKE 'of_the_%'") == table
        clear_away(tmp_path / id)
    database.owner_sql("DROP TABLE of_the_old;")


def test_a_damaged_repository_is_refused(database: Desk, named: dict[str, str], tmp_path: Path):
    """One bit, in the copy and then in the log that follows it."""
    home = tmp_path / "elsewhere"
    with receiving(home, named):
        made = backup(home, "make", **named).split("\t")[0]
        database.owner_sql("CREATE TABLE meanwhile AS SELECT generate_series(1, 400000) AS number;")
        backup(home, "ship", **named)
    database.owner_sql("DROP TABLE meanwhile;")
    segments = sorted((home / "backups" / "wal").glob("*/*"))
    for damaged in (home / "backups" / made / "database", segments[-1]):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
        refused = bin_flask(home, "backup", "check", **named)
        assert refused.returncode == 1
        assert "does not open" in refused.stderr
        assert "DIFFERS" in backup(home, "list", **named)
        damaged.write_bytes(whole)


def test_what_could_not_be_restored_is_not_taken_for_a_backup(named: dict[str, str], tmp_path: Path):
    refused = bin_flask(tmp_path / "elsewhere", "backup", "make", **named | {
        "BACKUP_DATABASE_URL": named["BACKUP_DATABASE_URL"].replace("/quittance?", "/postgres?")})
    assert refused.returncode == 1
    assert "is asked for postgres" in refused.stderr
    refused = bin_flask(tmp_path / "elsewhere", "backup", "make", **named | {
        "BACKUP_DATABASE_URL": named["DATABASE_OWNER_URL"]})
    assert "does not let this role replicate" in refused.stderr
    assert bin_flask(tmp_path / "elsewhere", "backup", "list", **named).stdout == ""
