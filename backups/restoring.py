"""Restoring into another place, whole or to a moment, and proving what was restored. The desk itself is not touched."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from backups.desk import Desk, write_keys
from backups.store import Manifest, Store
from backups.timelines import PARTIAL, SEGMENT_CHARS
from launcher import keys
from launcher.account import give_to
from launcher.cluster import OWNER
from launcher.home import Home
from launcher.postgres import Postgres
from launcher.say import Trouble, say

SEGMENTS = "restore"  # beside the data while the log is played
AT_ONCE = 50_000
OPEN = "local all all trust\n"
SHUT = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"
#: what names another database or other secrets than the ones that are being restored
NOT_OF_THE_RESTORED = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_DIRECT_URL", "FILES_FOLDER", "QUITTANCE_HOME",
                       "REDIS_URL", *keys.SETTINGS}
BEHIND = """
SELECT greatest((SELECT max(transaction_id) FROM audit_rows), (SELECT max(transaction_id) FROM order_events),
                (SELECT max(until_transaction) FROM audit_seals), 0)
     - pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
"""
LEAD_AHEAD = """
SET synchronous_commit = off;
DO $$ BEGIN FOR i IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;
"""


def restore(store: Store, manifest: Manifest, into: Path, backup_key: str, person: Mapping[str, str], *,
            until: datetime | None = None, database: bool = False) -> Desk:
    """Make a data folder of it. `until`: to this moment, from a copy of the server. `database`: a dump goes into the
    empty database that the person's DATABASE_OWNER_URL names, and not into a server of ours. Raises Trouble."""
    if into.exists() and any(into.iterdir()):
        raise Trouble(f"{into} is not empty: a restore makes a folder of its own")
    if until and manifest.kind == "dump":
        raise Trouble("a dump knows one moment only; points in time need a copy of the server")
    if until and until < manifest.ended_at:
        raise Trouble(f"{manifest.id} is younger than that moment: name an older backup")
    home = Home(into)
    write_keys(into, b"".join(store.opened(f"{manifest.id}/keys")), backup_key)
    named = {name: person[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_DIRECT_URL")
             if database and name in person}
    desk = Desk.at(home.folder, {**{name: value for name, value in person.items() if name not in NOT_OF_THE_RESTORED},
                                 **named, "APP_ENV": "development"})
    if manifest.kind == "base":
        assert desk.servers.postgres
        _lay_out(store, manifest, desk.servers.postgres, until)
        _play_log(desk.servers.postgres, desk.servers.keys["postgres_password"])
        if manifest.as_large:
            _lock(desk.servers.postgres, desk.servers.keys["postgres_password"])
        desk.servers.ensure()
    else:
        desk.servers.ensure()
        _load(store, manifest, desk)
    desk.migrate()
    restore_files(store, home.folder / "files")
    return desk


def restore_files(store: Store, folder: Path) -> int:
    """All of them; those that this database does not know are swept by the desk itself."""
    names = store.file_names()
    for name in names:
        target = folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(target, "wb") as file:
            file.writelines(store.file(name))
    return len(names)


def missing_files(desk: Desk) -> int:
    """How many files the database knows that were not restored."""
    known = desk.owner_sql("SELECT storage_key FROM files;").split()
    return sum(not (desk.home.folder / "files" / key[:2] / key).exists() for key in known)


def check(store: Store, manifest: Manifest, desk: Desk) -> list[str]:
    """A trial: restored beside the desk, the whole log played, proved, and thrown away. Returns what was found."""
    begun, place = time.monotonic(), Path(tempfile.mkdtemp(prefix=".check-", dir=desk.home.folder))
    try:
        trial = restore(store, manifest, place, desk.backup_key, desk.person)
        try:
            found = trial.prove()
            if manifest.files == "folder" and (missing := missing_files(trial)):
                raise Trouble(f"restored, but {missing} files that the database knows are missing")
        finally:
            trial.servers.stop()
        found.append(f"{len(store.file_names())} files opened")
    except Trouble as trouble:
        store.keep_json(f"{manifest.id}/checked", {"at": _now(), "holds": False, "found": [str(trouble)]})
        raise
    finally:
        clear_away(place)
    took = f"restored and proved in {time.monotonic() - begun:.0f} s"
    store.keep_json(f"{manifest.id}/checked", {"at": _now(), "holds": True, "found": [*found, took]})
    return [*found, took]


def clear_away(place: Path) -> None:
    """A data folder of a trial, and what of it lies elsewhere."""
    if not place.exists():
        return
    with contextlib.closing(Home(place)) as home:
        kept = home.read("postgres.json")
    for folder in (kept.get("folder"), kept.get("sockets"), place):
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lay_out(store: Store, manifest: Manifest, server: Postgres, until: datetime | None) -> None:
    """Data and log where the server will look for them, as its own user."""
    laying = server.place / "making"
    shutil.rmtree(laying, ignore_errors=True)
    _made_for(server, laying)
    _unpack(store.opened(f"{manifest.id}/database"), server, laying)
    (laying / "server.log").unlink(missing_ok=True)
    log = _made_for(server, server.place / SEGMENTS)
    for path in store.segments(manifest.chain):
        played = log / path.name.removesuffix(PARTIAL)
        if (len(path.name) < SEGMENT_CHARS or path.name >= manifest.first_segment) and not played.exists():
            with open(played, "wb") as segment:
                segment.writelines(store.opened(f"wal/{manifest.chain}/{path.name}"))
            _hand_over(server, played)
    if manifest.as_large:
        _make_ours(server, laying, manifest.as_large)
    with open(laying / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
        settings.write(f"restore_command = 'cp ../{SEGMENTS}/%f %p'\nrecovery_target_action = 'promote'\n"
                       f"archive_timeout = 0\nrecovery_target_timeline = '{store.way(manifest).target}'\n")
        if until:
            settings.write(f"recovery_target_time = '{until.astimezone(UTC).isoformat(sep=' ')}'\n")
    (laying / "recovery.signal").touch()
    _hand_over(server, laying / "recovery.signal")
    laying.rename(server.data)


def _make_ours(server: Postgres, data: Path, as_large: Mapping[str, str]) -> None:
    """A copy of a server elsewhere has its settings, which may name libraries, standbys or addresses that are not here,
    and passwords that we do not know: until the log is played who reaches the socket (mode 0700) is let in."""
    ours = server.settings()
    ours |= {name: str(max(int(value), int(ours.get(name, 0)))) for name, value in as_large.items()}
    for name, text in (("postgresql.conf", "".join(f"{name} = '{value}'\n" for name, value in ours.items())),
                       ("postgresql.auto.conf", ""), ("pg_ident.conf", ""), ("pg_hba.conf", OPEN)):
        (data / name).write_text(text, "utf-8")
        _hand_over(server, data / name)
    (data / "standby.signal").unlink(missing_ok=True)


def _lock(server: Postgres, password: str) -> None:
    """From now on by password alone, as the launcher's own."""
    server.sql(f"ALTER ROLE postgres LOGIN SUPERUSER PASSWORD '{password}';", password=password)
    (server.data / "pg_hba.conf").write_text(SHUT, "utf-8")
    server.sql("SELECT pg_reload_conf();", password=password)


def _play_log(server: Postgres, password: str) -> None:
    """Start it and wait until it has played its log and is a server of its own."""
    server.ensure(password)
    while server.sql("SELECT pg_is_in_recovery();", password=password) != "f":
        if not server.alive():
            raise Trouble("the log does not lead to that moment: name an earlier one, or none for all there is. "
                          f"The server said:\n{server.end_of_log()}")
        time.sleep(0.2)
    for name in ("restore_command", "recovery_target_action", "recovery_target_time", "recovery_target_timeline",
                 "archive_timeout"):
        server.sql(f"ALTER SYSTEM RESET {name};", password=password)
    server.sql("SELECT pg_reload_conf();", password=password)
    shutil.rmtree(server.place / SEGMENTS)


def _load(store: Store, manifest: Manifest, desk: Desk) -> None:
    """A dump into an empty database; then the counter of transactions is led past the ones that seals and rows name."""
    if desk.owner_sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace;") != "0":
        raise Trouble("the database that DATABASE_OWNER_URL names is not empty: make a new one")
    if manifest.owner != OWNER and desk.servers.postgres:
        say(f"the tables belonged to {manifest.owner}, they are {OWNER}'s here")
    connection, with_password = desk.owner_connection()
    command = [str(desk.programs / "pg_restore"), "--no-owner", "--exit-on-error", "-d", connection]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=with_password) as program:
        assert program.stdin is not None
        assert program.stderr is not None
        with contextlib.suppress(BrokenPipeError):  # what it says stands below
            program.stdin.writelines(store.opened(f"{manifest.id}/database"))
            program.stdin.close()
        said = program.stderr.read().decode("utf-8", "replace")
    if program.returncode:
        raise Trouble(f"pg_restore failed: {said.strip()}")
    lead_ahead(desk)


def lead_ahead(desk: Desk) -> None:
    """Seals say which transactions they are of, and what is numbered below them is never sealed again: a server that
    counts from the beginning must first count as far as the old one did."""
    behind = int(desk.owner_sql(BEHIND))
    if behind > AT_ONCE:
        say(f"leading the counter of transactions {behind} ahead")
    while behind > 0:
        desk.owner_sql(LEAD_AHEAD.format(count=min(behind, AT_ONCE)))
        behind -= AT_ONCE


def _made_for(server: Postgres, folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    _hand_over(server, folder)
    return folder


def _hand_over(server: Postgres, path: Path) -> None:
    give_to(path, server.account.pw_uid, server.account.pw_gid)


def _unpack(clear: Iterable[bytes], server: Postgres, folder: Path) -> None:
    """By the system's tar, as the user who runs the server: what it writes is his."""
    root = os.geteuid() == 0
    tar = subprocess.Popen(["tar", "-x", "-C", str(folder), "-f", "-"], stdin=subprocess.PIPE, umask=0o077,
                           stderr=subprocess.PIPE, user=server.account.pw_uid if root else None,
                           group=server.account.pw_gid if root else None, extra_groups=[] if root else None)
    assert tar.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # what tar says stands below
        tar.stdin.writelines(clear)
    _, said = tar.communicate()
    if tar.returncode:
        raise Trouble(f"the copy of the server could not be unpacked: {said.decode('utf-8', 'replace').strip()}")
