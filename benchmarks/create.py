"""G1, G2: taking an order in over HTTP, against the same rows written by pgbench in two statements.

The load comes from `wrk` with one thread (C, LuaJIT): it sits on the same two cores, and a client in Python would cost
more than the desk does. Full road: uvicorn as in the Procfile, key, limits on, idempotency, fees, event, job.
"""
import json
import os
import shutil
import subprocess
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from benchmarks import people
from benchmarks.desk import application, desk
from benchmarks.ground import CONNECTIONS, SQL, Ground
from benchmarks.result import Result, ratio, thrown_away

STORES = 200  # fifty writes a second each is what a key may do
SCRIPT = Path(__file__).parent / "create.lua"
WARM_S = 2


class Running(Protocol):
    """What is loaded: the desk, or what stands beside it."""

    log: Path

    @property
    def url(self) -> str: ...


def measure(ground: Ground) -> list[Result]:
    """Rounds in turn: pgbench on our tables, pgbench on the prototypes' tables, the desk."""
    if shutil.which("wrk") is None:
        return [Result.missing(name, "wrk is not installed: apt-get install wrk") for name in ("G1", "G2")]
    with ground.database() as database:
        with application(ground, database):
            shops = people.shops(STORES)
        tokens = ground.servers.home.folder / f"tokens-{os.getpid()}"
        tokens.write_text("\n".join(shops.tokens), "ascii")
        with ground.superuser(database) as connection:
            connection.execute("CREATE TABLE bench_stores (number int PRIMARY KEY, id uuid)")
            with connection.cursor().copy("COPY bench_stores FROM STDIN") as copy:
                for number, id in enumerate(shops.ids, 1):
                    copy.write_row((number, id))
            connection.execute((SQL / "plain.sql").read_text("utf-8"))
            connection.execute("ANALYZE")
        try:
            rounds = _rounds(ground, database, tokens)
        finally:
            tokens.unlink()
    return _judged(rounds)


def _rounds(ground: Ground, database: str, tokens: Path) -> list[dict[str, Any]]:
    rounds = []
    with desk(ground, database, "web") as running:
        for _ in range(ground.rounds):
            ground.settle(database)
            ours = ground.pgbench(database, "create_2.sql", variables={"stores": STORES})
            plain = ground.pgbench(database, "create_2_plain.sql")
            ground.settle(database)
            load(running, tokens, seconds=WARM_S)  # meanwhile it has forgotten the keys, as after ten quiet seconds
            rounds.append({"pgbench": ours, "plain": plain, "desk": load(running, tokens, seconds=ground.round_s)})
    return rounds


def load(running: Running, tokens: Path, *, seconds: int, connections: int = CONNECTIONS,
         script: Path = SCRIPT) -> dict[str, float]:
    """One round of wrk. `tokens`: the file that the script reads. Raises SystemExit when an answer was not 2xx."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), running.url],
        capture_output=True, text=True, check=False,
        env={**os.environ, "BENCH_TOKENS": str(tokens), "BENCH_RUN": os.urandom(5).hex(),
             "BENCH_FOLDER": str(script.parent)})
    line = next((line for line in done.stderr.splitlines() if line.startswith("{")), None)
    if line is None:
        raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
    told = json.loads(line)
    if told["not_2xx"] or told["broken"]:
        raise SystemExit(f"wrk: {told['not_2xx']} answers were not 2xx, {told['broken']} broke; see {running.log}")
    return {"per_s": told["requests"] / told["duration_us"] * 1e6, **{n: told[n] for n in ("p50_ms", "p99_ms")}}


def _judged(rounds: list[dict[str, Any]]) -> list[Result]:
    ours, plain, desk = ([one[side]["per_s"] for one in rounds] for side in ("pgbench", "plain", "desk"))
    p99 = median(one["desk"]["p99_ms"] for one in rounds)
    share, share_plain = (ratio(rounds, lambda one: one["desk"]["per_s"], lambda one, side=side: one[side]["per_s"])
                          for side in ("pgbench", "plain"))
    note = (f"desk {median(desk):.0f}/s; pgbench {median(ours):.0f}/s on the desk's tables, {median(plain):.0f}/s on"
            f" the prototypes' plain tables, of which the desk does {share_plain:.0%}")
    spoiled = thrown_away(ours) or thrown_away(plain)
    return [Result("G1", "gateway create, share of pgbench's two statements", share, ">=", .40, .80, "share", note=note,
                   rounds=rounds, spoiled=spoiled),
            Result("G2", "its p99 at 32 connections", p99, "<=", 25, 8, "ms", spoiled=spoiled,
                   note=f"p50 {median(one['desk']['p50_ms'] for one in rounds):.1f} ms")]
