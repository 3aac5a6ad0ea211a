"""`deploy/rehearse-upgrade`: migrate and replace every process under load, forth and back, and count what failed."""
import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.desk import application
from benchmarks.drill.load import Load
from benchmarks.ground import Ground, ground
from benchmarks.matching import filled
from benchmarks.rehearsal.judge import CREATE_S_MAX, Outcome
from benchmarks.rehearsal.releases import FRONT, Desk, checked_out, same_schema, with_a_migration
from benchmarks.rehearsal.watchers import Listener, Reader

PATIENCE_S = 60.0  # with a desk that has just started
SHOWN = 8  # of the longest creates


@dataclass(frozen=True)
class Step:
    words: str
    began: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/rehearse-upgrade", description=__doc__)
    parser.add_argument("--old", default="HEAD", help="commit of the release that runs (HEAD)")
    parser.add_argument("--new", default="HEAD", help="commit of the release to come (HEAD)")
    parser.add_argument("--orders", type=int, default=10_000, help="finished orders in the database (10000)")
    parser.add_argument("--per-second", type=float, default=10.0, help="new orders (10)")
    parser.add_argument("--streams", type=int, default=40, help="pages that listen (40)")
    parser.add_argument("--calm", type=float, default=2.0, help="seconds between two steps (2)")
    asked = parser.parse_args()
    if shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None:
        parser.error("not installed: haproxy")
    folder = Path(tempfile.mkdtemp(prefix="quittance-upgrade-", dir="/var/tmp"))
    try:
        old, new = checked_out(asked.old, folder / "old"), checked_out(asked.new, folder / "new")
        if not same_schema(old, new):
            raise SystemExit(f"{asked.old} has other tables and no migration leads on from them: name a newer commit")
        with_a_migration(new)
        with ground(rounds=1, quick=True) as where, where.database(filled(where, 200, orders=asked.orders)) as database:
            return _rehearsed(where, database, old, new, folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rehearsed(where: Ground, database: str, old: Path, new: Path, folder: Path, asked: argparse.Namespace) -> int:
    tokens, sessions = _cast(where, database, asked.streams)
    desk = Desk(old, where.of(database), folder)
    try:
        with _watched(tokens, sessions, asked.per_second) as (load, readers, listeners):
            _until_calm(load, asked.calm)
            steps = [Step("the migration", time.time())]
            print(f"migrated under load in {desk.migrate(new):.1f} s", flush=True)
            steps += _roll(desk, new, asked.calm)
            print("and back: the old release on the new schema", flush=True)
            steps += _roll(desk, old, asked.calm, only="web")
        return _judged(where, database, load, readers, listeners, steps)
    finally:
        desk.stop()


def _until_calm(load: Load, calm_s: float) -> None:
    """Everything was just started at once, which no upgrade does: until creates are quick for so long, or a minute."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        since = time.time()
        time.sleep(calm_s)
        recent = [each for each in tuple(load.tries) if each.at >= since]
        if recent and load.asked - len(load.acked) < 5 and max(each.took_s for each in recent) < CREATE_S_MAX / 2:
            return


def _roll(desk: Desk, release: Path, calm_s: float, only: str | None = None) -> list[Step]:
    steps = []
    for process in list(desk.processes):
        if only in (None, process.name):
            steps.append(Step(f"{process.name} at {process.address} by {release.name}", time.time()))
            took = desk.replace(process, release)
            print(f"  {process.name} at {process.address} is {release.name} now, after {took:.1f} s", flush=True)
            time.sleep(calm_s)
    return steps


@contextmanager
def _watched(tokens: list[str], sessions: list[str], a_second: float
             ) -> Iterator[tuple[Load, list[Reader], list[Listener]]]:
    load = Load(*FRONT, tokens, a_second)
    readers = [Reader(FRONT, load, tokens) for _ in range(2)]
    listeners = [Listener(FRONT, session) for session in sessions]
    try:
        yield load, readers, listeners
    finally:
        for watcher in (*readers, *listeners):
            watcher.end()
        load.end()


def _judged(where: Ground, database: str, load: Load, readers: list[Reader], listeners: list[Listener],
            steps: list[Step]) -> int:
    outcome = Outcome(
        steps[0].began, load.tries, sum((reader.failed for reader in readers), start=Counter()),
        deaf_s=max((listener.deaf_s for listener in listeners), default=0.0), waiting=_matched(where, database))
    turned = sum(listener.streams for listener in listeners) - len(listeners)
    longest = outcome.longest
    many = len(longest)
    print(f"creates: {load.asked}, failed {len(outcome.failed)} {sorted({each.answer for each in outcome.failed})}; p50"
          f" {longest[many // 2].took_s * 1000:.0f} ms, p99 {longest[many // 100].took_s * 1000:.0f} ms, longest"
          f" {longest[0].took_s * 1000:.0f} ms")
    for each in longest[:SHOWN]:
        print(f"  {each.took_s * 1000:.0f} ms {_when(each.at, steps)}")
    print(f"reads: {sum(reader.asked for reader in readers)}, failed {outcome.misread.total()} {dict(outcome.misread)}")
    print(f"streams: {len(listeners)}, came back {turned} times, refused"
          f" {sum(listener.refused.total() for listener in listeners)}; the longest silence {outcome.deaf_s:.1f} s")
    print(f"orders that wait to be matched afterwards: {outcome.waiting}")
    for failure in outcome.failures:
        print("does not hold:", failure)
    return int(bool(outcome.failures))


def _when(at: float, steps: list[Step]) -> str:
    step = [step for step in steps if step.began <= at][-1]
    return f"{at - step.began:.1f} s into: {step.words}"


def _matched(where: Ground, database: str) -> int:
    until = time.monotonic() + 30
    while (waiting := _count(where, database)) and time.monotonic() < until:
        time.sleep(0.2)
    return waiting


def _count(where: Ground, database: str) -> int:
    with where.superuser(database) as connection:
        row = connection.execute("SELECT count(*) FROM orders WHERE status = 'new'").fetchone()
        assert row is not None
        return int(row[0])


def _cast(where: Ground, database: str, streams: int) -> tuple[list[str], list[str]]:
    """Keys of stores; sessions of staff, eight pages each at most."""
    from portal.core.access import TEMPLATES
    from portal.core.db import transaction
    from portal.parties import sessions, users
    from portal.parties.models import User, UserPermission

    with application(where, database, process="web"):
        from portal.web.sessions import first_values

        tokens, made = _keys(where, database), []
        for number in range(-(-streams // 4)):
            with transaction() as session:
                user = User(email=f"staff{number}@rehearsal.example", name=f"Staff {number}", password_hash="-",
                            role=users.ROLES["super_admin"], permissions=[
                                UserPermission(permission=name) for name in TEMPLATES["super_admin"]])
                session.add(user)
                session.flush()
                made.append(sessions.begin(session, user.id, address="127.0.0.1", user_agent="rehearsal",
                                           values={**first_values(), "_user_id": str(user.id)}))
    return tokens, [made[number // 4] for number in range(streams)]


def _keys(where: Ground, database: str) -> list[str]:
    """The filled database has stores and traders; their keys' tokens were never kept, so each gets another."""
    from portal.core import crypto, ids
    from portal.core.access import SCOPES
    from portal.core.db import transaction
    from portal.parties import key_tokens
    from portal.parties.models import ApiKey

    tokens = []
    with where.superuser(database) as connection:
        stores = [id for (id,) in connection.execute("SELECT id FROM stores ORDER BY id LIMIT 6").fetchall()]
    with transaction() as session:
        for store in stores:
            public_id, token = key_tokens.new(live=True)
            session.add(ApiKey(id=ids.new_id(), public_id=public_id, store_id=store, live=True, name="Rehearsal",
                               digest=crypto.sha256(token), scopes=sorted(SCOPES)))
            tokens.append(token)
    return tokens


if __name__ == "__main__":
    sys.exit(main())
