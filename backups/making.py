"""Making a backup while the desk works, and shipping the log as it is written."""
import re
import secrets
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from backups import elsewhere, sealing
from backups.desk import FILE, Desk
from backups.store import STAMP, Manifest, Rule, Store
from backups.timelines import place, segment
from launcher.account import plain_environment
from launcher.postgres import PORT, Postgres
from launcher.say import Trouble, say

BEGUN_AT = re.compile(r"start point: ([0-9A-F]+/[0-9A-F]+) on timeline (\d+)")
WHOLE_AT = re.compile(r"end point: ([0-9A-F]+/[0-9A-F]+)")
ARCHIVED_EACH = "60s"  # a quiet desk's log is put away so often: what the loss of the whole machine may cost at most
PUT_AWAY_S = 30
LATELY_S = 3600  # each shipping looks at what came within it; each backup at all


class Copy(NamedTuple):
    """Of a server; of a database's content, which has no log, its bytes alone."""

    bytes: int
    first_segment: str = ""
    whole_at: str = "0/0"


def make(desk: Desk, rule: Rule) -> Manifest:
    """One whole backup: the database, then the files that it knows of, then the keys; older ones go by the rule."""
    store, begun = desk.store, time.monotonic()
    id = datetime.now(UTC).strftime(STAMP)
    server = desk.servers.postgres
    chain = ""
    as_large: dict[str, str] = {}
    if server:
        chain = begin_log(desk, server)
        copy = _copy_server(desk, server, store, f"{id}/database")
    elif desk.copies_elsewhere:
        chain, copy, as_large = _copy_elsewhere(desk, store, f"{id}/database")
    else:
        copy = Copy(_dump(desk, store, f"{id}/database"))
    size = copy.bytes + keep_files(desk, store)
    store.keep_json(f"{id}/keys", desk.kept_keys())
    kind: Literal["base", "dump"] = "base" if chain else "dump"
    made = Manifest(id=id, kind=kind, took_s=round(time.monotonic() - begun, 1), bytes=size,
                    key=sealing.fingerprint(store.key), chain=chain, first_segment=copy.first_segment,
                    server=desk.owner_sql("SHOW server_version;"), owner=desk.owner_sql("SELECT current_user;"),
                    production=desk.environment["APP_ENV"] == "production", files=_where_files_lie(desk),
                    as_large=as_large, whole_at=copy.whole_at)
    store.write(made)
    if server:
        ship(desk)
    for gone in store.prune(rule, datetime.now(UTC), desk.files_folder):
        say(f"{gone} is cleared away: the rule keeps {rule.days} days, {rule.weeks} weeks, {rule.months} months")
    return made


def begin_log(desk: Desk, server: Postgres) -> str:
    """From now on this server's log is kept; returns the chain it belongs to. Harmless twice."""
    chain = desk.remembered().get("chain") or secrets.token_hex(6)
    desk.home.write(FILE, {"chain": chain, "folder": str(desk.store.folder)})
    server.begin_wal()
    password = desk.servers.keys["postgres_password"]
    server.sql(f"ALTER SYSTEM SET archive_timeout = '{ARCHIVED_EACH}';", password=password)
    mode = server.sql("SELECT pg_reload_conf(); SHOW archive_mode;", password=password).splitlines()[-1]
    if mode != "on":
        say("this server was started by an older release: points in time begin when bin/run is next started")
    return chain


def ship(desk: Desk, *, all_of_it: bool = True) -> int:
    """Seal what the server has put away and take it out of its hands; returns how many segments. `all_of_it`: the
    segment that is being written too, and the files that came since."""
    if desk.copies_elsewhere:
        elsewhere.wait_until_kept(desk)
        keep_files(desk, desk.store)
        return 0
    server, chain = desk.servers.postgres, desk.remembered().get("chain")
    if server is None or not chain or not server.wal.is_dir():
        return 0
    if all_of_it and server.alive():
        _put_away(desk, server)
    store, shipped = desk.store, 0
    for path in sorted(server.wal.glob("[!.]*")):
        name = f"wal/{chain}/{path.name}"
        with open(path, "rb") as segment:
            sealing.seal(sealing.pieces(segment), store.folder / name, store.key, name=name)
        path.unlink()  # sealed and synced first; one that was shipped and not unlinked is shipped again, the same
        shipped += 1
    keep_files(desk, store, changed_since=time.time() - LATELY_S)
    return shipped


def _put_away(desk: Desk, server: Postgres) -> None:
    """Have the server finish its segment, and wait until it lies in our folder."""
    password = desk.servers.keys["postgres_password"]
    if server.sql("SHOW archive_mode;", password=password) != "on":
        return
    name = server.sql("SELECT pg_walfile_name(pg_switch_wal() - 1);", password=password)
    until = time.monotonic() + PUT_AWAY_S
    while time.monotonic() < until:
        last = server.sql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver;", password=password)
        if last[:24] >= name:
            return
        time.sleep(0.1)
    raise Trouble(f"the server did not put {name} away within {PUT_AWAY_S} s; its log says why")


def _copy_server(desk: Desk, server: Postgres, store: Store, name: str) -> Copy:
    """pg_basebackup: data and the log that makes it whole."""
    connection = ["-h", str(server.sockets), "-p", PORT, "-U", "postgres"]
    return _copied(server.binaries / "bin", connection, {
        **plain_environment(), "PGPASSWORD": desk.servers.keys["postgres_password"]}, store, name)


def _copy_elsewhere(desk: Desk, store: Store, name: str) -> tuple[str, Copy, dict[str, str]]:
    """The same of a server that is not ours: its chain, the copy, and what its log asks of who plays it."""
    url, environment = elsewhere.programs_connection(desk)
    with elsewhere.connected(desk) as connection:
        chain, as_large = elsewhere.chain_of(desk, connection), elsewhere.as_large(connection)
        elsewhere.keep_place(connection)
        return chain, _copied(desk.programs, ["-d", url], environment, store, name), as_large


def _copied(programs: Path, connection: list[str], environment: dict[str, str], store: Store, name: str) -> Copy:
    said, size = _sealed_output([str(programs / "pg_basebackup"), *connection, "-D", "-", "-Ft", "-X", "fetch", "-c",
                                 "fast", "-v", "--no-sync"], environment, store, name)
    begun, whole = BEGUN_AT.search(said), WHOLE_AT.search(said)
    if begun is None or whole is None:
        raise Trouble(f"pg_basebackup did not say where its log begins and ends:\n{said}")
    return Copy(size, segment(int(begun[2]), place(begun[1])), whole[1])


def _dump(desk: Desk, store: Store, name: str) -> int:
    """pg_dump of a server that is not ours: one snapshot, by its owner's rights."""
    connection, environment = desk.owner_connection()
    return _sealed_output([str(desk.programs / "pg_dump"), "-Fc", "-Z", "0", "-d", connection], environment,
                          store, name)[1]


def _sealed_output(command: list[str], environment: dict[str, str], store: Store, name: str) -> tuple[str, int]:
    """Seal what a program writes. Where it fails nothing is kept."""
    with tempfile.TemporaryFile("w+") as words:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, env=environment) as program:
            assert program.stdout is not None
            size = sealing.seal(sealing.pieces(program.stdout), store.folder / name, store.key, name=name)
        words.seek(0)
        said = words.read()
    if program.returncode:
        (store.folder / name).unlink(missing_ok=True)
        raise Trouble(f"{Path(command[0]).name} failed: {said.strip()}")
    return said, size


def keep_files(desk: Desk, store: Store, *, changed_since: float = 0.0) -> int:
    """Each file once: what the backups hold already is passed over. After the database, so that none it knows lacks.
    `changed_since`: only folders that have changed since then; looking at a million files takes a while."""
    folder, size = desk.files_folder, 0
    if folder is None or not folder.is_dir():
        return 0
    changed = [part for part in folder.iterdir() if part.is_dir() and part.stat().st_mtime >= changed_since]
    for path in (path for part in changed for path in part.iterdir()):
        name = f"files/{path.parent.name}/{path.name}"
        if "." in path.name or (store.folder / name).exists():
            continue  # half a file, or an old one
        try:
            with open(path, "rb") as file:
                size += sealing.seal(sealing.pieces(file), store.folder / name, store.key, name=name)
        except FileNotFoundError:
            continue  # swept meanwhile
    return size


def _where_files_lie(desk: Desk) -> str:
    folder = desk.files_folder
    return "folder" if folder else f"bucket {desk.environment.get('FILES_S3_BUCKET', '')}"
