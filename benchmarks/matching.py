"""G3, G4: choosing a requisite: a call of `pick_requisites` for one order, as the worker does it, timed at the client.

The commit is not timed: it costs an fsync whoever was chosen. Databases of 100 to 100,000 requisites are filled once
and kept; each side runs in a copy of its own, and the sides take turns in blocks of one round.
"""
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psycopg

from benchmarks import people
from benchmarks.desk import application
from benchmarks.ground import SQL, Ground, at, stamp
from benchmarks.result import Result, ratio, thrown_away

SIZES = (100, 1_000, 10_000, 100_000)
HISTORIES = (10_000, 1_000_000)  # orders, at 10,000 requisites
BLOCK = 500  # picks of one side in one turn
TURNS = 8  # of every side in one round: a 99th percentile of a few hundred is one bad moment of the machine
WARM = 200
SUMS = {10_000: 12, 100_000: 3}  # picks by sums over history: seconds each, then most of a minute each
ORDINARY = (1_000_00, 4_900_00)  # kopecks: somebody of each of people.RANGES takes it
RARE = 40  # of 100,000 accept the amount, as in the spec: the only ones of their band
RARE_FROM, RARE_TO = 300_000_00, 400_000_00
PICK = ("SELECT order_id FROM pick_requisites(ARRAY[%s]::uuid[], ARRAY[uuidv7()], now(),"
        " (now() AT TIME ZONE 'Europe/Moscow')::date)")

# so that each round begins as the one before: open orders of earlier rounds would make every later pick dearer
ENDED = """
    WITH gone AS (DELETE FROM open_places),
         ended AS (UPDATE assignments SET state = 'ended', end_reason = 'settled' WHERE state = 'open'),
         freed AS (UPDATE requisites SET open_orders = 0 WHERE open_orders > 0)
    UPDATE traders SET open_orders = 0 WHERE open_orders > 0"""


@dataclass
class Side:
    """One database and what is asked of it; `took` in ms, one list a round."""

    name: str
    database: str
    amounts: tuple[int, int] = ORDINARY
    took: list[list[float]] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return median(at(sorted(one), 50) for one in self.took)

    @property
    def p99(self) -> float:
        return median(at(sorted(one), 99) for one in self.took)

    def against(self, other: "Side") -> float:
        """Its p99 in that of the other, round by round."""
        return ratio(list(zip(self.took, other.took, strict=True)), lambda one: at(sorted(one[0]), 99),
                     lambda one: at(sorted(one[1]), 99))

    @property
    def shown(self) -> str:
        return f"{self.name} {self.p50:.2f}/{self.p99:.2f}"


def measure(ground: Ground) -> list[Result]:
    """All sides, in turn; the yardstick that says whether the machine was ours is the pick among 100."""
    sizes = SIZES[:-1] if ground.quick else SIZES
    with ExitStack() as stack:
        copy = {size: stack.enter_context(ground.database(filled(ground, size))) for size in sizes}
        sides = {f"{size:,}": Side(f"{size:,}", copy[size]) for size in sizes}
        largest = copy[sizes[-1]]
        sides["rare"] = Side(f"{RARE} of {sizes[-1]:,}", largest, (RARE_FROM, RARE_TO))
        middle = copy[10_000]
        before, long = Side("10,000 before a long snapshot", middle), Side("10,000 under a long snapshot", middle)
        histories = [Side(f"{count:,} orders behind", stack.enter_context(ground.database(
            filled(ground, 10_000, orders=count)))) for count in (HISTORIES[:1] if ground.quick else HISTORIES)]
        for _ in range(ground.rounds):
            everyone = (*sides.values(), *histories)
            for side in everyone:
                side.took.append([])
            for side in everyone * TURNS:
                side.took[-1] += picks(ground, side)
            before.took.append(picks(ground, before))
            with long_snapshot(ground, middle):
                picks(ground, before, count=2 * BLOCK)  # what a report that runs for seconds lets pile up
                long.took.append(picks(ground, long))
        sums = _sums(ground, copy)
    return [*_judged(sides, histories, before, long, sizes), *_against_sums(sides, sums)]


def filled(ground: Ground, requisites: int, *, orders: int = 0) -> str:
    """The name of a kept database with so many requisites and, behind them, so many finished orders."""
    mark = stamp("migrations", "benchmarks/people.py", "benchmarks/sql/history.sql")
    name = f"filled_{requisites}_{orders}_{mark}"
    if not ground.exists(name):
        making = ground.make(name, ground.migrated())
        with application(ground, making):
            people.shops(50)
            people.workforce(requisites)
            people.rare(RARE, RARE_FROM, RARE_TO)
        with ground.superuser(making) as connection:
            if orders:
                connection.execute((SQL / "history.sql").read_text("utf-8").replace(":orders", str(orders)))
            connection.execute("VACUUM ANALYZE")
        ground.keep(name)
    return name


def picks(ground: Ground, side: Side, *, count: int = BLOCK) -> list[float]:
    """Milliseconds of each of `count` picks, for orders made for it, each committed; warmed up before."""
    with ground.superuser(side.database) as connection:
        connection.prepare_threshold = 1
        ids = new_orders(connection, count + WARM, side.amounts)
        took = []
        for id in ids:
            with connection.transaction():
                started = time.perf_counter()
                found = connection.execute(PICK, [id]).fetchone()
                took.append((time.perf_counter() - started) * 1000)
            assert found is not None, f"nobody for an order: {side.name}"
        connection.execute(ENDED)
        return took[WARM:]


def new_orders(connection: psycopg.Connection[Any], count: int, amounts: tuple[int, int]) -> list[Any]:
    """Orders as the gateway leaves them, without their jobs."""
    dice = random.Random()
    rows = connection.execute(NEW, {"amounts": [dice.randint(*amounts) for _ in range(count)]}).fetchall()
    return [id for (id,) in rows]


NEW = """
    INSERT INTO orders (id, direction, live, store_id, external_id, idempotency_key, request_hash, status, version,
        currency, amount_minor, amount_to_pay_minor, late, method, meta, settlement_currency, settlement_minor,
        fee_minor, rate, rate_at, rate_id, tariff_id, created_at, match_by, tries, steps)
    SELECT uuidv7(), 'payin', true, s.id, gen_random_uuid()::text, gen_random_uuid()::text, '\\x00', 'new', 1, 'RUB',
        amount, amount, false, 'card', '{}', 'USDT', amount * 108, amount * 108 / 40, 92, now(), s.id, s.id, now(),
        now() + interval '3 min', 0, '[]'
      FROM unnest(%(amounts)s::bigint[]) WITH ORDINALITY AS a (amount, number)
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS most FROM stores) s
        ON s.place = a.number %% s.most + 1
    RETURNING id"""


@contextmanager
def long_snapshot(ground: Ground, database: str) -> Iterator[None]:
    """A report that began a while ago and still runs: no version of a row that it could see may be cleared away."""
    with ground.superuser(database) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT count(*) FROM stores")
        yield
        connection.execute("ROLLBACK")


def _sums(ground: Ground, copy: dict[int, str]) -> dict[int, float]:
    """p50 in ms of the pick that sums each requisite's day over its orders, as benchmarks/sql/sums.sql has it."""
    found: dict[int, float] = {}
    for size, times in SUMS.items():
        if size in copy:
            with ground.superuser(copy[size]) as connection:
                connection.execute((SQL / "sums.sql").read_text("utf-8").replace(":requisites", str(size)))
                took = []
                for _ in range(3 if ground.quick else times):
                    started = time.perf_counter()
                    connection.execute("SELECT sums.pick('card', %s)", [random.randint(*ORDINARY)])
                    took.append((time.perf_counter() - started) * 1000)
                found[size] = median(took)
    return found


def _judged(sides: dict[str, Side], histories: list[Side], before: Side, long: Side,
            sizes: tuple[int, ...]) -> list[Result]:
    small, largest = sides["100"], sides[f"{sizes[-1]:,}"]
    spoiled = thrown_away([at(sorted(one), 50) for one in small.took])
    facts: dict[str, Any] = {"unit": "times", "spoiled": spoiled}
    everyone = ", ".join(side.shown for side in (*sides.values(), *histories, before, long))
    rounds = {s.name: [at(sorted(one), 99) for one in s.took] for s in (*sides.values(), *histories, before, long)}
    results = [Result("G3a", f"match p99 at {sizes[-1]:,} requisites against 100", largest.against(small), "<=", 1.5,
                      1.2, note=f"p50/p99 in ms: {everyone}", rounds=rounds, **facts)]
    if len(histories) > 1:
        results.append(Result("G3b", "match p99, 1,000,000 orders behind against 10,000",
                              histories[-1].against(histories[0]), "<=", 1.1, 1.0, **facts))
    return [*results,
            Result("G3c", "match p99 under a long snapshot", long.against(before), "<=", 1.3, 1.1, **facts),
            Result("G3d", f"match p99 where {RARE} of {sizes[-1]:,} take the amount", sides["rare"].against(largest),
                   "<=", 2, 1.5, **facts)]


def _against_sums(sides: dict[str, Side], sums: dict[int, float]) -> list[Result]:
    bounds = {10_000: (30, 60), 100_000: (150, 300)}
    return [Result("G4", f"selection against sums over history, {size:,} requisites", p50 / sides[f"{size:,}"].p50,
                   ">=", *bounds[size], "times", note=f"sums over history {p50:,.0f} ms, ring and lanes "
                   f"{sides[f'{size:,}'].p50:.2f} ms (p50)") for size, p50 in sums.items()]
