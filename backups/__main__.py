"""bin/flask backup make | list | check | restore | key | ship | receive."""
import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from backups import elsewhere, making, restoring
from backups.desk import Desk
from backups.store import Manifest, Rule, Store
from launcher.home import ROOT
from launcher.say import Trouble, give_up, say
from launcher.servers import running


def main() -> int:
    options = parse()
    desk = Desk.of_the_person()
    if options.act in ("make", "check") or (options.act == "ship" and not options.finished):  # servers are needed
        with running(desk.servers):
            return int(ACTS[options.act](desk, options) or 0)
    return int(ACTS[options.act](desk, options) or 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/flask backup", description="Backups; the handbook says more.")
    acts = parser.add_subparsers(dest="act", required=True)
    makes = acts.add_parser("make", help="make one while the desk works, and clear old ones away")
    makes.add_argument("--check", action="store_true", help="restore it into a place of its own at once and prove it")
    makes.add_argument("--keep", metavar="DAYS,WEEKS,MONTHS", default="7,5,12", type=_rule,
                       help="all of so many days, then the last of so many weeks and months (%(default)s)")
    acts.add_parser("list", help="what there is, and to which moment it leads")
    checks = acts.add_parser("check", help="restore one into a place of its own, prove the books and the audit")
    checks.add_argument("id", nargs="?", default="latest")
    restores = acts.add_parser("restore", help="restore one into another data folder, and prove it")
    restores.add_argument("id", nargs="?", default="latest")
    restores.add_argument("--into", required=True, type=Path, metavar="FOLDER", help="a new QUITTANCE_HOME")
    restores.add_argument("--until", type=_moment, metavar="TIME",
                          help="to this moment, as 2026-11-26T14:03:22+03:00 (UTC where no zone is said)")
    restores.add_argument("--into-database", action="store_true",
                          help="a dump goes into the empty database that DATABASE_URL and DATABASE_OWNER_URL name")
    acts.add_parser("key", help="print the key that opens the backups: keep it elsewhere")
    ships = acts.add_parser("ship", help="take the log out of the server's hands, and the files that came since")
    ships.add_argument("--finished", action="store_true", help="only finished segments, as bin/run does all the time")
    acts.add_parser("receive", help="of a server that BACKUP_DATABASE_URL names: its log as it is written, until TERM")
    return parser.parse_args()


def make(desk: Desk, options: argparse.Namespace) -> int:
    first = not desk.store.all()
    manifest = making.make(desk, options.keep)
    print(_line(desk.store, manifest))
    if first:
        say(f"{desk.store.folder} is sealed with the key {manifest.key}. Without it nothing can be restored: print it "
            "with `bin/flask backup key` and keep it away from this machine, as the folder should be too")
    return _check(desk, manifest) if options.check else 0


def check(desk: Desk, options: argparse.Namespace) -> int:
    return _check(desk, desk.store.find(options.id))


def _check(desk: Desk, manifest: Manifest) -> int:
    for line in restoring.check(desk.store, manifest, desk):
        print(line)
    return 0


def list_all(desk: Desk, options: argparse.Namespace) -> int:
    for manifest in desk.store.all():
        print(_line(desk.store, manifest))
    return 0


def restore(desk: Desk, options: argparse.Namespace) -> int:
    into = options.into.expanduser().absolute()
    if into == desk.home.folder:
        raise Trouble("that is this desk's own data folder: a restore makes another")
    manifest = desk.store.find(options.id) if not options.until else _before(desk.store, options.id, options.until)
    restored = restoring.restore(desk.store, manifest, into, desk.backup_key, desk.person, until=options.until,
                                 database=options.into_database)
    try:
        found = restored.prove()
        missing = restoring.missing_files(restored) if manifest.files == "folder" else 0
    finally:
        restored.servers.stop()
    for line in found:
        print(line)
    if missing:
        raise Trouble(f"{missing} files that the database knows are missing")
    print(f"restored {manifest.id} into {into}. Stop the old desk before you start this one:")
    print(f"QUITTANCE_HOME={into} bin/run")
    if manifest.production:
        print(f"it was in production: give it SECRET_KEY, MASTER_KEYS and the others from {into / 'keys.json'}")
    return 0


def print_key(desk: Desk, options: argparse.Namespace) -> int:
    print(desk.backup_key)
    return 0


def ship(desk: Desk, options: argparse.Namespace) -> int:
    shipped = making.ship(desk, all_of_it=not options.finished)
    say("all of the log is kept" if desk.copies_elsewhere else f"{shipped} segments of the log shipped")
    return 0


def receive(desk: Desk, options: argparse.Namespace) -> int:
    if not desk.copies_elsewhere:
        raise Trouble("BACKUP_DATABASE_URL (with DATABASE_URL) names the server whose log is to be received; bin/run "
                      "ships that of its own PostgreSQL by itself")
    elsewhere.receive(desk, lambda: making.keep_files(desk, desk.store, changed_since=time.time() - making.LATELY_S))
    return 0


def _before(store: Store, id: str, moment: datetime) -> Manifest:
    """The newest backup that is older than the moment, unless one was named."""
    if id != "latest":
        return store.find(id)
    older = [one for one in store.all() if one.ended_at <= moment]
    if not older:
        raise Trouble(f"no backup in {store.folder} is of before {moment.isoformat()}")
    return older[-1]


def _line(store: Store, manifest: Manifest) -> str:
    checked = store.checked(manifest.id)
    proved = "not checked" if not checked else f"{'holds' if checked['holds'] else 'DIFFERS'}, checked {checked['at']}"
    reach = f"leads to {store.reaches(manifest):%Y-%m-%d %H:%M:%S} UTC" if manifest.chain else "one moment"
    return (f"{manifest.id}\t{manifest.kind}\t{manifest.bytes / 1e6:.1f} MB in {manifest.took_s:.0f} s\t{reach}\t"
            f"{proved}\tkey {manifest.key}")


def _rule(text: str) -> Rule:
    days, weeks, months = (int(part) for part in text.split(","))
    return Rule(days, weeks, months)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ACTS = {"make": make, "check": check, "list": list_all, "restore": restore, "key": print_key, "ship": ship,
        "receive": receive}

if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        sys.exit(main())
    except Trouble as problem:
        give_up(problem)
    except KeyboardInterrupt:
        sys.exit(130)
