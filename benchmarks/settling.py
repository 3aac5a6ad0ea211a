"""G5: settling confirmed orders, in batches and alone, for one store and for many: `jobs.run` as a worker calls it.

The fees account is hot on every side; with one store its balance is, too. Rounds in turn, in one thread.
"""
import random
import time
from dataclasses import replace
from operator import itemgetter
from statistics import median
from typing import Any

import psycopg

from benchmarks import people
from benchmarks.desk import application
from benchmarks.ground import Ground
from benchmarks.matching import NEW, ORDINARY
from benchmarks.result import Result, ratio

REQUISITES, STORES = 1_000, 50
ORDERS, ALONE = 2_000, 200  # of one side in one round
CONFIRM = """
    WITH taken AS (UPDATE assignments SET state = 'chosen' WHERE state = 'open' RETURNING id, order_id),
         freed AS (DELETE FROM open_places p USING taken t WHERE p.assignment_id = t.id),
         moved AS (UPDATE orders o SET status = 'confirmed', confirmed_at = now(), exactness = 'exact',
                  final_settlement_minor = o.settlement_minor, final_fee_minor = o.fee_minor,
                  final_reward_minor = (SELECT a.reward_minor FROM assignments a WHERE a.id = o.assignment_id),
                          amount_received_minor = o.amount_minor, version = version + 1
                     FROM taken t WHERE o.id = t.order_id)
    INSERT INTO jobs (kind, reference, unique_key, run_at, created_at)
    SELECT 'settle_order', order_id, order_id::text, now(), now() FROM taken"""


def measure(ground: Ground) -> list[Result]:
    """Orders are matched by the desk and confirmed in SQL, untimed; then settled."""
    with ground.database() as database, application(ground, database):
        people.shops(STORES)
        people.workforce(REQUISITES)
        with ground.superuser(database) as connection:
            connection.execute("VACUUM ANALYZE")
            rounds = [_round(connection, turned=bool(number % 2)) for number in range(2 * ground.rounds + 1)][1:]
    return _judged(rounds)  # the first has warmed up


def _round(connection: psycopg.Connection[Any], *, turned: bool) -> dict[str, float]:
    """`turned`: one store before many, so that who comes second does not pay for the first's dead rows each time."""
    sides = [("spread", STORES), ("one", 1)]
    done = {side: settled(connection, ORDERS, stores=stores) for side, stores in (sides[::-1] if turned else sides)}
    return done | {"alone": settled(connection, ALONE, stores=STORES, batch_max=1)}


def settled(connection: psycopg.Connection[Any], count: int, *, stores: int, batch_max: int = 50) -> float:
    """Orders a second."""
    from portal.core import jobs

    dice = random.Random()
    sql = NEW.replace("FROM stores)", f"FROM (SELECT id FROM stores ORDER BY slug LIMIT {stores}) s)")
    ids = [id for (id,) in connection.execute(sql, {"amounts": [dice.randint(*ORDINARY) for _ in range(count)]})]
    connection.execute("INSERT INTO jobs (kind, reference, unique_key, run_at, created_at)"
                       " SELECT 'match_order', id, id::text, now(), now() FROM unnest(%s::uuid[]) AS id", [ids])
    assert jobs.run("match_order", for_s=300) == count
    connection.execute(CONFIRM)
    usual = jobs.KINDS["settle_order"]
    jobs.KINDS["settle_order"] = replace(usual, batch_max=batch_max)
    try:
        started = time.perf_counter()
        assert jobs.run("settle_order", for_s=300) == count
        return count / (time.perf_counter() - started)
    finally:
        jobs.KINDS["settle_order"] = usual


def _judged(rounds: list[dict[str, float]]) -> list[Result]:
    one, spread, alone = (median(each[side] for each in rounds) for side in ("one", "spread", "alone"))
    even, gain = (ratio(rounds, itemgetter(ours), itemgetter(theirs)) for ours, theirs in
                  (("one", "spread"), ("spread", "alone")))
    note = f"a second: one store {one:.0f}, {STORES} stores {spread:.0f}, each alone {alone:.0f}"
    return [Result("G5a", "settling for one store against spread stores", even, ">=", .95, 1, "share",
                   note=note, rounds=rounds),
            Result("G5b", "settling in batches of fifty against each alone", gain, ">=", 3, 5, "times")]
