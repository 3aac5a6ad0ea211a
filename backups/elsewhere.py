"""A PostgreSQL that is not ours, asked as a standby asks: copied whole, and its log taken as it is written.

`BACKUP_DATABASE_URL` names a role with REPLICATION there (deploy/backup/role.sh). Nothing else of that server is
needed: no file of its machine, no setting but its pg_hba.conf. docs/decisions/0236 says why so.
"""
import fcntl
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from backups import sealing
from backups.desk import Desk
from backups.store import Store
from backups.timelines import PARTIAL, SEGMENT_CHARS, place
from launcher.cluster import APPLICATION, DATABASE, OWNER
from launcher.say import Trouble, say

SLOT = "quittance_backup"  # keeps the log there for as long as nobody receives it: doctor says when it grows
FOLDER, REACHED = "received", "received.json"  # in the data folder: what is not sealed yet, and how far all is
HELD = "receive.lock"  # in the data folder and in that of backups
LOOK_S = 5.0  # what the loss of that machine and this one at once may cost at most
FILES_EACH_S = 60.0
KEPT_WITHIN_S = 60
SEGMENT = "16MB"
#: a server that plays another's log must have these as large
AS_LARGE = ("max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions",
            "max_locks_per_transaction")
#: a machine that lost its power says nothing: it is missed after some twenty seconds
NOTICED: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3,
                           "tcp_user_timeout": 15_000}
ASKED = """
    SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('wal_segment_size') AS segment,
           to_hex((SELECT system_identifier FROM pg_control_system())) AS chain, current_database() AS database,
           (SELECT rolname FROM pg_roles WHERE oid = 10) AS superuser,
           (SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)) AS roles,
           (SELECT rolreplication FROM pg_roles WHERE rolname = current_user) AS replicates
"""


@contextmanager
def connected(desk: Desk) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """To the server that is copied. Raises Trouble, with the server's words."""
    try:
        with psycopg.connect(_url(desk), autocommit=True, row_factory=dict_row, connect_timeout=10,
                             application_name="backup", **NOTICED) as connection:
            yield connection
    except psycopg.Error as problem:
        raise Trouble(f"the server that BACKUP_DATABASE_URL names: {str(problem).strip()}") from problem


def chain_of(desk: Desk, connection: psycopg.Connection[dict[str, Any]]) -> str:
    """The chain of its log, which is the server's own number: one for all machines of a cluster. Raises Trouble where
    a copy of it could not be restored by the launcher's PostgreSQL."""
    asked = connection.execute(ASKED, (OWNER, APPLICATION)).fetchone()
    assert asked
    ours = re.findall(r"\) (\d+)", subprocess.run([str(desk.programs / "pg_basebackup"), "--version"], text=True,
                                                   capture_output=True, check=True).stdout)[0]
    for wrong, why in ((asked["major"] != int(ours), f"is PostgreSQL {asked['major']}, ours is {ours}"),
                       (asked["segment"] != SEGMENT, f"has segments of {asked['segment']}, not {SEGMENT}"),
                       (asked["superuser"] != "postgres", f"has the superuser {asked['superuser']}, not postgres"),
                       (asked["database"] != DATABASE, f"is asked for {asked['database']}, not for {DATABASE}"),
                       (asked["roles"] != 2, f"lacks {OWNER} or {APPLICATION}, which deploy/postgres/roles.sh makes"),
                       (not asked["replicates"], "does not let this role replicate: deploy/backup/role.sh")):
        if wrong:
            raise Trouble(f"the server that BACKUP_DATABASE_URL names {why}: without that setting a dump is made")
    return str(asked["chain"])


def as_large(connection: psycopg.Connection[dict[str, Any]]) -> dict[str, str]:
    return {str(row["name"]): str(row["setting"]) for row in connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(AS_LARGE),))}


def programs_connection(desk: Desk) -> tuple[str, dict[str, str]]:
    """For pg_basebackup and pg_receivewal: what may stand on a command line, and the environment with the password."""
    parts = conninfo_to_dict(_url(desk))
    password = str(parts.pop("password", "") or "")
    parts.pop("dbname", None)
    shown = make_conninfo(**{name: str(value) for name, value in (NOTICED | parts).items()})
    return shown, {**os.environ, "PGPASSWORD": password}


def keep_place(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """While this connection lives the server keeps the log from here on, so that a long copy finds it at its end."""
    connection.execute("SELECT pg_create_physical_replication_slot(%s, true, true)",
                       (f"{SLOT}_{connection.info.backend_pid}",))


def receive(desk: Desk, keep_files: Callable[[], object]) -> None:
    """Until TERM: the log as it is written, sealed every few seconds, and each minute the files that came. Raises
    Trouble."""
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ending.set())
    folder = desk.home.folder / FOLDER
    with alone(desk.home.folder, desk.store.folder) as holds, connected(desk) as connection:
        folder.mkdir(mode=0o700, exist_ok=True)
        chain = chain_of(desk, connection)
        _leave_a_lost_place(desk, chain, connection)
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true) WHERE NOT EXISTS "
                           "(SELECT FROM pg_replication_slots WHERE slot_name = %s)", (SLOT, SLOT))
        desk.home.write(REACHED, {})  # of another leader's timeline it may be further than this one is
        url, environment = programs_connection(desk)
        receiver = subprocess.Popen(
            [str(desk.programs / "pg_receivewal"), "-D", str(folder), "-S", SLOT, "--synchronous", "--no-loop",
             "-d", url], env=environment, stdin=subprocess.DEVNULL, start_new_session=True, umask=0o077,
            pass_fds=[file.fileno() for file in holds])
        _note(holds, f"{os.getpid()} and {receiver.pid} (pg_receivewal)")
        say(f"the log of {connection.info.host or 'that server'} is kept in {desk.store.folder}")
        try:
            files_at = 0.0
            while not ending.wait(LOOK_S) and receiver.poll() is None:
                _keep(desk, chain, connection)
                if time.monotonic() >= files_at:
                    keep_files()
                    files_at = time.monotonic() + FILES_EACH_S
        finally:
            receiver.terminate()
            receiver.wait()
        _keep(desk, chain, connection)
    if not ending.is_set():
        raise Trouble("pg_receivewal ended, it says why above. Where the server no longer has that part of its log: "
                      f"empty {folder}, and make a backup")


@contextmanager
def alone(*folders: Path) -> Iterator[Sequence[IO[str]]]:
    """Nobody else receives into these folders, for as long as these files are open, here or in a program that was
    given them: a pg_receivewal that outlives us still writes. Raises Trouble, which names the process and machine."""
    with ExitStack() as stack:
        holds = []
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = stack.enter_context(open(folder / HELD, "a+", encoding="utf-8"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                file.seek(0)
                raise Trouble(f"another `bin/flask backup receive` writes into {folder}: {file.read() or 'just begun'}"
                              ) from problem
            holds.append(file)
            _note([file], str(os.getpid()))
        yield holds
        for file in holds:
            file.truncate(0)


def _note(holds: Sequence[IO[str]], processes: str) -> None:
    for file in holds:
        file.truncate(0)
        file.write(f"process {processes} on {socket.gethostname()}")
        file.flush()


def _leave_a_lost_place(desk: Desk, chain: str, connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Past `max_slot_wal_keep_size` the server gives a slot up for good: what came is sealed, and a new one made."""
    if connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
                          " AND wal_status = 'lost' AND NOT active", (SLOT,)).fetchone() is None:
        return
    _keep(desk, chain, connection)
    for path in (desk.home.folder / FOLDER).iterdir():
        path.unlink()
    say("the server has given up a part of its log before it was received: make a backup now, what was kept before it"
        " ends there")


def wait_until_kept(desk: Desk) -> None:
    """All that is committed now lies sealed. Raises Trouble when nobody receives."""
    with connected(desk) as connection:
        row = connection.execute("SELECT pg_current_wal_flush_lsn() AS written").fetchone()
        assert row
    until = time.monotonic() + KEPT_WITHIN_S
    while place(str(desk.home.read(REACHED).get("reaches", "0/0"))) < place(row["written"]):
        if time.monotonic() > until:
            raise Trouble(f"the log was not kept within {KEPT_WITHIN_S} s: does `bin/flask backup receive` run?")
        time.sleep(0.2)


def _keep(desk: Desk, chain: str, connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Seal what has come. How far it came is asked before, so that no more is promised than lies there."""
    row = connection.execute("SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = %s", (SLOT,)).fetchone()
    reached = str(row["restart_lsn"] or "0/0") if row else "0/0"
    moved = desk.home.read(REACHED).get("reaches") != reached
    for path in sorted((desk.home.folder / FOLDER).glob("[!.]*")):
        try:
            _seal(desk.store, path, f"wal/{chain}/{path.name}", moved=moved)
        except FileNotFoundError:  # finished meanwhile: it has another name at the next look, which says how far it is
            return
    if moved:
        desk.home.write(REACHED, {"reaches": reached})


def _seal(store: Store, path: Path, name: str, *, moved: bool) -> None:
    """A finished segment is taken away; of the one that is being written a copy is kept, until it is finished: made
    anew where it has another time, or `moved`, for two writes may have one."""
    kept, written_at = store.folder / name, path.stat().st_mtime
    finished = path.suffix != PARTIAL
    if not finished and not moved and kept.exists() and kept.stat().st_mtime == written_at:
        return
    with open(path, "rb") as segment:
        sealing.seal(sealing.pieces(segment), kept, store.key, name=name)
    if finished:
        (kept.parent / f"{kept.name[:SEGMENT_CHARS]}{PARTIAL}").unlink(missing_ok=True)
        path.unlink()
    else:
        os.utime(kept, (written_at, written_at))


def _url(desk: Desk) -> str:
    return desk.person["BACKUP_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://", 1)
