"""Risk: what judging adds to a batch of matching, with a million orders behind it, rules against no rules in one run.

Each side judges and picks for batches as the worker does, in a copy of its own; the sides take turns. What is added is
the difference of the rounds' medians; a batch of one is what a single customer waits for.
"""
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from benchmarks.desk import application
from benchmarks.ground import Ground, at
from benchmarks.matching import ENDED, ORDINARY, filled
from benchmarks.result import Result
from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.orders.judging import before_matching
from portal.orders.matching import pick
from portal.risk import lists, rule_book, rules
from portal.risk.commands import AddEntry, AddRule, SwitchRule

ORDERS = 1_000_000
SIZES = (1, 20)  # orders a batch
BATCHES = 60  # of each size, side and round
ENTRIES = 2_000
RULES: tuple[dict[str, Any], ...] = (
    {"kind": "velocity_count", "by": "customer", "window_s": 3600, "most": 1_000_000},
    {"kind": "velocity_count", "by": "ip", "window_s": 900, "most": 1_000_000},
    {"kind": "velocity_count", "by": "network", "window_s": 86_400, "most": 1_000_000},
    {"kind": "velocity_amount", "by": "store", "window_s": 86_400, "currency": "RUB", "amount": "9000000000000"},
    {"kind": "first_orders", "completed_min": 3, "currency": "RUB", "amount": "900000"},
    {"kind": "expired_share", "by": "customer", "orders_min": 50, "share_percent": 99},
    {"kind": "expired_share", "by": "ip", "orders_min": 50, "share_percent": 99},
    {"kind": "destination_is_requisite"},
    {"kind": "amount", "currency": "RUB", "amount": "900000"})


@dataclass
class Side:
    """`took` in ms by size of a batch, one list a round."""

    name: str
    database: str
    ruled: bool
    took: dict[int, list[list[float]]] = field(default_factory=lambda: {size: [] for size in SIZES})

    def p50(self, size: int) -> float:
        return median(median(one) for one in self.took[size])

    def p99(self, size: int) -> float:
        return median(at(sorted(one), 99) for one in self.took[size])


def measure(ground: Ground) -> list[Result]:
    """Rules that never fire cost as much as rules that do, less the writing of what fired."""
    with ExitStack() as stack:
        source = filled(ground, 100, orders=20_000 if ground.quick else ORDERS)
        sides = [Side(name, stack.enter_context(ground.database(source)), ruled)
                 for name, ruled in (("without", False), ("with", True))]
        for _ in range(ground.rounds):
            for side in sides:
                with application(ground, side.database):
                    if side.ruled and not side.took[1]:
                        _write_rules()
                    rule_book.forget()
                    for size in SIZES:
                        side.took[size].append(_batches(ground, side, size))
    without, ruled = sides
    what = f"added to a batch's judging and picking by {len(RULES)} rules and {ENTRIES:,} entries"
    return [Result(f"risk, batch of {size}", what,
                   ruled.p50(size) - without.p50(size), "<=", 3 if size == 1 else 10, 1.5 if size == 1 else 5, "ms",
                   note=f"p50/p99 in ms: without {without.p50(size):.2f}/{without.p99(size):.2f}, "
                        f"with {ruled.p50(size):.2f}/{ruled.p99(size):.2f}",
                   rounds={side.name: [median(one) for one in side.took[size]] for side in sides}) for size in SIZES]


def _write_rules() -> None:
    with transaction() as session:
        for number, terms in enumerate(RULES):
            made = rules.add(session, SYSTEM, AddRule(name=f"Rule {number}", verdict="review", reason="measured",
                                                      **terms))
            rules.switch(session, SYSTEM, SwitchRule(rule_id=made.public_id, mode="on", reason="measured"))
        for number in range(ENTRIES):
            kind, value = ("network", f"198.{18 + number % 2}.{number // 8 % 256}.0/24") if number % 2 else (
                "holder", f"Nobody {number}")
            lists.add(session, SYSTEM, AddEntry(verdict="deny", kind=kind, value=value, reason="measured"))


def _batches(ground: Ground, side: Side, size: int) -> list[float]:
    """Milliseconds of judging and picking for each of BATCHES."""
    with ground.superuser(side.database) as connection:
        ids = _orders(connection, BATCHES * size)
        took = []
        for number in range(BATCHES):
            with transaction() as session:
                took.append(_one(session, ids[number * size:(number + 1) * size]))
        connection.execute(ENDED)
    return took[5:]


def _one(session: Session, ids: list[UUID]) -> float:
    session.connection()
    started = time.perf_counter()
    judged = before_matching.look(session, ids)
    found, _ = pick.pick(session, ids, judged.passed)
    took = (time.perf_counter() - started) * 1000
    assert not judged.stopped
    assert len(found) == len(ids)
    return took


def _orders(connection: psycopg.Connection[Any], count: int) -> list[UUID]:
    """As the gateway leaves them, of customers who have been here before, from many addresses."""
    dice = random.Random()
    rows = connection.execute(NEW, {
        "amounts": [dice.randint(*ORDINARY) for _ in range(count)],
        "customers": [f"c-{dice.randrange(100_000)}" for _ in range(count)],
        "addresses": [f"203.{dice.randrange(200)}.{dice.randrange(250)}.{dice.randrange(250)}" for _ in range(count)],
    }).fetchall()
    return [id for (id,) in rows]


NEW = """
    INSERT INTO orders (id, direction, live, store_id, external_id, idempotency_key, request_hash, status, version,
        currency, amount_minor, amount_to_pay_minor, late, method, customer_id, customer_ip, customer_name, meta,
        settlement_currency, settlement_minor, fee_minor, rate, rate_at, rate_id, tariff_id, created_at, match_by,
        tries, steps)
    SELECT uuidv7(), 'payin', true, s.id, gen_random_uuid()::text, gen_random_uuid()::text, '\\x00', 'new', 1, 'RUB',
        amount, amount, false, 'card', customer, address::inet, 'Ivan Petrov', '{}', 'USDT', amount * 108,
        amount * 108 / 40, 92, now(), s.id, s.id, now(), now() + interval '3 min', 0, '[]'
      FROM unnest(%(amounts)s::bigint[], %(customers)s::text[], %(addresses)s::text[])
           WITH ORDINALITY AS a (amount, customer, address, number)
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS most FROM stores) s
        ON s.place = a.number %% s.most + 1
    RETURNING id"""
