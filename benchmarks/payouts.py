"""Payouts against payins: created over HTTP, matched and settled as a worker does it; what one costs in the other.

Sides take turns in one run. What wrk created is then matched by `jobs.run`, confirmed in SQL (untimed) and settled by
`jobs.run`. Creates go the road that both have, through Flask (`FAST_CREATE=false`): the fast one is for payins alone
(decision 0050), and what it does is told beside it.
"""
import os
import shutil
import time
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks import people
from benchmarks.create import STORES, WARM_S, load
from benchmarks.desk import Desk, application, desk
from benchmarks.ground import Ground
from benchmarks.result import Result, ratio
from benchmarks.settling import CONFIRM

REQUISITES = 1_000  # of each direction
CONNECTIONS = 8  # more would wait for each other in Flask's threads, on both sides alike
SCRIPTS = {side: Path(__file__).parent / name for side, name in (("payin", "create.lua"), ("payout", "payout.lua"))}
STEPS = {"create": "O1", "match": "O2", "settle": "O3"}
GATE, GOAL = 1.2, 1.0


def measure(ground: Ground) -> list[Result]:
    if shutil.which("wrk") is None:
        return [Result.missing(name, "wrk is not installed: apt-get install wrk") for name in STEPS.values()]
    with ground.database() as database:
        tokens = ground.servers.home.folder / f"tokens-{os.getpid()}"
        with application(ground, database):
            shops = people.shops(STORES)
            people.fund(shops.ids)
            people.workforce(REQUISITES)
            people.workforce(REQUISITES, first=10**6, payout=True)
            tokens.write_text("\n".join(shops.tokens), "ascii")
            try:
                rounds, fast = _rounds(ground, database, tokens)
            finally:
                tokens.unlink()
    return _judged(rounds, fast)


def _rounds(ground: Ground, database: str, tokens: Path) -> tuple[list[dict[str, Any]], float]:
    """Each side first in every other round, so that who comes second does not pay for the first's dead rows each time;
    and what the fast road takes in of payins, a second."""
    with desk(ground, database, "web", settings={"FAST_CREATE": "false"}) as running:
        for side in SCRIPTS:
            _side(ground, database, running, tokens, side, seconds=WARM_S)
        rounds = [{side: _side(ground, database, running, tokens, side, seconds=ground.round_s)
                   for side in (sorted(SCRIPTS) if number % 2 else sorted(SCRIPTS, reverse=True))}
                  for number in range(max(2, 2 * ground.rounds))]
    with desk(ground, database, "web") as running:
        load(running, tokens, seconds=WARM_S)
        return rounds, load(running, tokens, seconds=ground.round_s, connections=CONNECTIONS)["per_s"]


def _side(ground: Ground, database: str, running: Desk, tokens: Path, side: str, *, seconds: int) -> dict[str, float]:
    """Orders a second, of each step."""
    ground.settle(database)
    made = load(running, tokens, seconds=seconds, connections=CONNECTIONS, script=SCRIPTS[side])
    with ground.superuser(database) as connection:
        matched = _worked_off(connection, "match_order")
        connection.execute(CONFIRM)
        settled = _worked_off(connection, "settle_order")
        left = connection.execute("SELECT count(*) FROM orders WHERE status <> 'completed'").fetchone()
    assert left == (0,), f"{left} orders of {side} were left behind"
    return {"create": made["per_s"], "match": matched, "settle": settled}


def _worked_off(connection: psycopg.Connection[Any], kind: str) -> float:
    """Orders a second."""
    from portal.core import jobs

    count = _waiting(connection, kind)
    started = time.perf_counter()
    done = jobs.run(kind, for_s=300)
    took = time.perf_counter() - started
    assert done == count > 0, f"{kind}: {done} of {count}"
    return done / took


def _waiting(connection: psycopg.Connection[Any], kind: str) -> int:
    """How many, once nothing is added any more: wrk leaves without waiting for its last answers."""
    counts = [-1, 0]
    while counts[-1] != counts[-2]:
        time.sleep(.5)
        [count] = connection.execute("SELECT count(*) FROM jobs WHERE kind = %s", [kind]).fetchone() or (0,)
        counts.append(count)
    return counts[-1]


def _judged(rounds: list[dict[str, Any]], fast: float) -> list[Result]:
    results = []
    for step, name in STEPS.items():
        payin, payout = (median(one[side][step] for one in rounds) for side in ("payin", "payout"))
        note = f"a second: payins {payin:.0f}, payouts {payout:.0f}"
        if step == "create":
            note += f"; payins by the road that is theirs alone {fast:.0f}"
        results.append(Result(
            name, f"a payout's {step} in a payin's", ratio(rounds, lambda one, step=step: one["payin"][step],
                                                           lambda one, step=step: one["payout"][step]),
            "<=", GATE, GOAL, "times", note=note, rounds=rounds))
    return results
