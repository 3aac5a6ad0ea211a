"""G6: from the POST to the commit of its requisite, on the real processes: web, worker, dispatcher, as in the Procfile.

When a request was due is the client's clock, when its order was assigned is PostgreSQL's own commit timestamp of the
event's row: nothing is asked of the desk while it works. Sustained: as many orders as wrk can get in within a round,
over the time until the last of them has its requisite.
"""
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import people
from benchmarks.create import STORES, load
from benchmarks.desk import Desk, application, desk
from benchmarks.ground import Ground, at
from benchmarks.result import Result
from launcher.home import ROOT

REQUISITES = 1_000
IDLE_PER_S, RUSH_PER_S = 10, 800
DRAIN_S = 120
COMMITTED = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(e.xmin))::float8 - s.due
      FROM sent s JOIN orders o ON o.external_id = s.external_id
      JOIN order_events e ON e.order_id = o.id AND e.type = 'payin.assigned' AND e.version = 2"""


def measure(ground: Ground) -> list[Result]:
    ground.stamp_commits()
    with ground.database() as database:
        with application(ground, database):
            shops = people.shops(STORES)
            people.workforce(REQUISITES)
        with ground.superuser(database) as connection:
            connection.execute("VACUUM ANALYZE")
        tokens = ground.servers.home.folder / f"tokens-{os.getpid()}"
        tokens.write_text("\n".join(shops.tokens), "ascii")
        try:
            with desk(ground, database, "web", "worker", "dispatcher") as running:
                load(running, tokens, seconds=2)
                rounds = [_round(ground, database, running, tokens) for _ in range(ground.rounds)]
        finally:
            tokens.unlink()
    return _judged(rounds)


def _round(ground: Ground, database: str, running: Desk, tokens: Path) -> dict[str, Any]:
    _drained(ground, database)
    ground.settle(database)
    idle = _paced(ground, database, running, tokens, per_s=IDLE_PER_S)
    rush = _paced(ground, database, running, tokens, per_s=RUSH_PER_S)
    _drained(ground, database)
    before, started = _assigned(ground, database), time.monotonic()
    taken_in = load(running, tokens, seconds=ground.round_s)
    _drained(ground, database)
    took = time.monotonic() - started
    return {"idle": idle, "rush": rush, "taken_in_per_s": taken_in["per_s"],
            "sustained_per_s": (_assigned(ground, database) - before) / took}


def _paced(ground: Ground, database: str, running: Desk, tokens: Path, *, per_s: int) -> dict[str, float]:
    """Milliseconds from when a request was due until its requisite was committed; how many were refused or late."""
    out = ground.servers.home.folder / f"sent-{os.getpid()}"
    subprocess.run([sys.executable, "-m", "benchmarks.client", str(running.port), str(tokens), str(per_s),
                    str(ground.round_s), str(out)], cwd=ROOT, check=True)
    _drained(ground, database)
    with ground.superuser(database) as connection:
        connection.execute("CREATE TEMP TABLE sent (external_id text, due float8, status int, took_ms float8)")
        with connection.cursor().copy("COPY sent FROM STDIN") as copy:
            copy.write(out.read_bytes())
        out.unlink()
        took = sorted(seconds * 1000 for (seconds,) in connection.execute(COMMITTED))
        counted = connection.execute("SELECT count(*), count(*) FILTER (WHERE status <> 201),"
                                     " percentile_cont(.99) WITHIN GROUP (ORDER BY took_ms) FROM sent").fetchone()
    assert counted is not None
    return {"p50_ms": at(took, 50), "p99_ms": at(took, 99), "asked": per_s * ground.round_s, "answered": counted[0],
            "refused": counted[1], "assigned": len(took), "answer_p99_ms": counted[2]}


def _drained(ground: Ground, database: str) -> None:
    """Wait until no order waits for its requisite."""
    until = time.monotonic() + DRAIN_S
    with ground.superuser(database) as connection:
        while connection.execute("SELECT FROM jobs WHERE kind = 'match_order' LIMIT 1").fetchone() is not None:
            if time.monotonic() > until:
                raise SystemExit("matching did not keep up: orders still wait after two minutes")
            time.sleep(.02)


def _assigned(ground: Ground, database: str) -> int:
    with ground.superuser(database) as connection:
        found = connection.execute("SELECT count(*) FROM assignments").fetchone()
        assert found is not None
        return int(found[0])


def _judged(rounds: list[dict[str, Any]]) -> list[Result]:
    def middle(pace: str, name: str) -> float:
        return float(median(one[pace][name] for one in rounds))

    short = [sum(one[pace]["asked"] - one[pace]["assigned"] for one in rounds) for pace in ("idle", "rush")]
    return [
        Result("G6a", "POST → requisite committed, idle, p50", middle("idle", "p50_ms"), "<=", 6, 3, "ms",
               rounds=rounds, note=f"{IDLE_PER_S} a second; p99 {middle('idle', 'p99_ms'):.1f} ms;"
               f" without a requisite: {short[0]}"),
        Result("G6b", f"at {RUSH_PER_S} a second, p50", middle("rush", "p50_ms"), "<=", 8, 5, "ms",
               note=f"answers' p99 {middle('rush', 'answer_p99_ms'):.1f} ms; without a requisite: {short[1]}"),
        Result("G6c", f"at {RUSH_PER_S} a second, p99", middle("rush", "p99_ms"), "<=", 40, 15, "ms"),
        Result("G6d", "sustained", median(one["sustained_per_s"] for one in rounds), ">=", 800, 2000, "a second",
               note=f"taken in at {median(one['taken_in_per_s'] for one in rounds):.0f} a second, closed loop of 32")]
