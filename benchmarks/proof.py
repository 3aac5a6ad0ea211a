"""Proofs over a million rows: of the whole books, of what changed since, and of the audit's seals.

The database is filled once, by SQL, with 300,000 orders and the postings of their books, over a million; a million
rows of the audit are added and sealed. Each proof is what `flask ledger verify` and `flask audit verify` do.
"""
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.desk import application
from benchmarks.ground import Ground
from benchmarks.matching import filled
from benchmarks.result import Result

ORDERS, ORDERS_QUICK = 300_000, 10_000
SECONDS_MAX, GOAL_S = 20, 10
ROWS = """
    WITH n AS MATERIALIZED (
        SELECT n, now() - (%(count)s - n) * interval '1 s' AS at,
               pg_current_xact_id()::text::bigint - 1 AS newest FROM generate_series(1, %(count)s::int) n),
    audit AS (
        INSERT INTO audit_rows (created_at, transaction_id, actor_kind, actor_id, actor_name, role, address, request_id,
                                action, target_kind, target_id, before, after, reason)
        SELECT at, greatest(3, newest - (%(count)s - n)), 'user', gen_random_uuid(), 'clerk@desk.example', 'admin',
               '203.0.113.7', 'req_' || md5(n::text), 'requisite.changed', 'requisite', gen_random_uuid()::text,
               '{"status": "active", "day_max": "100000.00"}', '{"status": "paused", "day_max": "50000.00"}',
               'Слишком много отказов за день' FROM n)
    INSERT INTO order_events (id, created_at, transaction_id, order_id, version, type, action, from_status, to_status,
                              actor_kind, actor_name, request_id, details, payload)
    SELECT gen_random_uuid(), at, greatest(3, newest - (%(count)s - n)), gen_random_uuid(), 2, 'payin.assigned',
           'match', 'new', 'assigned', 'system', 'system', 'req_' || md5(n::text),
           '{"assignment": "asg_01JD9W4M0Q8Z6T1V5R2X7Y3KAB", "requisite": "220015******0007", "tier": 1}',
           jsonb_build_object('id', 'pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB', 'status', 'assigned', 'amount', '1500.00',
                              'currency', 'RUB', 'metadata', jsonb_build_object('cart', n), 'steps', jsonb_build_array(
                              'new', 'assigned'), 'settlement', jsonb_build_object('amount', '16.304348')) FROM n"""


def measure(ground: Ground) -> list[Result]:
    from portal.core import clock, seal_check
    from portal.core.db import db
    from portal.ledger import verify

    orders = ORDERS_QUICK if ground.quick else ORDERS
    with ground.database(filled(ground, 1_000, orders=orders)) as database, application(ground, database):
        with ground.superuser(database) as connection:
            connection.execute("VACUUM (ANALYZE)")
        with Session(db.engine) as session:
            rows = session.scalar(text("SELECT count(*) FROM postings")) or 0
        day = clock.now() - timedelta(days=1)

        def prove(since: object = None) -> str:
            with Session(db.engine) as session:
                report = verify.run(session, since=since)  # type: ignore[arg-type]
            assert report.holds, report.differences
            return f"{len(report.results)} checks, {sum(one.examined for one in report.results):,} examined"

        _audit(ground, database)
        with Session(db.engine) as session:
            began = time.perf_counter()
            sealed = 0
            while made := _seal(session):
                sealed += made
            per_s = sealed / (time.perf_counter() - began)

        def check() -> str:
            with Session(db.engine) as session:
                found = seal_check.check(session)
            assert not found.wrong, found.wrong[:3]
            return f"{found.rows:,} rows in {found.seals:,} seals; the sealer did {per_s:,.0f} rows a second"

        audit = _timed(ground.rounds, check)
        whole = _timed(ground.rounds, prove)
        changed = _timed(ground.rounds, lambda: prove(day))
    return [_result("P1", f"the whole books, {rows:,} postings", *whole),
            _result("P2", "what changed in a day of the same books", *changed),
            _result("P3", f"every sealed row of the audit, {sealed:,} rows", *audit)]


def _audit(ground: Ground, database: str) -> None:
    """A million rows more, two for each of half a million transactions: half of the audit, half orders' steps."""
    count = (ORDERS_QUICK if ground.quick else 1_000_000) // 2
    with ground.superuser(database) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(f"DO $$ BEGIN FOR n IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;"
                           " END $$")
        connection.execute(ROWS, {"count": count})
        connection.execute("VACUUM (ANALYZE)")


def _seal(session: Session) -> int:
    from portal.core import seals

    made = seals.seal(session)
    session.commit()
    return made


def _timed(rounds: int, act: Callable[[], str]) -> tuple[list[float], str]:
    took, said = [], ""
    for _ in range(rounds):
        began = time.perf_counter()
        said = act()
        took.append(time.perf_counter() - began)
    return took, said


def _result(name: str, what: str, took: list[float], said: str) -> Result:
    return Result(name, what, median(took), "<=", SECONDS_MAX, GOAL_S, "s", note=said, rounds=took)
