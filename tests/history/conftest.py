"""A desk with a month of five years ago: a completed payin with its steps, webhooks, work and audit, sealed."""
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg import sql

from portal.core import audit, clock, ids, seals
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.history.months import TABLES, begin_of, end_of, partition
from portal.orders.models import Order
from tests import factories as f
from tests.waiting import until


@dataclass(frozen=True)
class Old:
    """`order`: of that month. `run`: `flask history …` or any other command, its words."""

    app: Flask
    cast: f.Cast
    order: Order
    month: date
    folder: Path
    owner_url: str

    @property
    def said(self) -> str:
        return f"{self.month:%Y-%m}"

    def run(self, *words: str) -> Result:
        reader().rollback()
        done = self.app.test_cli_runner().invoke(args=list(words))
        reader().rollback()
        return done

    def history(self, command: str, *words: str) -> Result:
        return self.run("history", command, *([] if command in ("list", "verify") else [self.said]),
                        *([] if command == "list" else [str(self.folder)]), *words)

    def owned(self, *statements: str) -> None:
        """As who owns the database: the triggers are no hindrance."""
        with psycopg.connect(self.owner_url) as connection:
            for table in ("audit_rows", "order_events"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                connection.execute(statement)
            for table in ("audit_rows", "order_events"):
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """Of the month, whole, in a fixed order."""
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(
                sql.SQL("SELECT * FROM {} WHERE {} >= %s AND {} < %s ORDER BY 1").format(
                    sql.Identifier(table), sql.Identifier(TABLES[table]), sql.Identifier(TABLES[table])),
                [begin_of(self.month), end_of(self.month)]).fetchall()


def all_sealed() -> None:
    """A transaction of another test on this server may still be under way: the seal waits for that one too."""
    def nothing_waits() -> bool:
        with transaction() as session:
            seals.seal(session)
        with f.look() as session:
            return seals.state(session).waiting_since is None

    assert until(nothing_waits, within_s=30)


@pytest.fixture
def old(fresh_app: Flask, fresh_database: str, url_of: Callable[[str, str], str], tmp_path: Path) -> Old:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    order = f.completed_payin(cast, "1000.00")
    with transaction() as session:
        audit.record(session, SYSTEM, "desk.paused", "desk", 1, reason='a "quoted" \\back\\\t tab\nline, ё, 🙂',
                     before={"b": [1, 2.50], "a": "\\t"})
    month = datetime(clock.now().astimezone(UTC).year - 5, 3, 1, tzinfo=UTC).date()
    there = Old(fresh_app, cast, order, month, tmp_path / "old", url_of(fresh_database, "owner"))
    reader().rollback()
    with psycopg.connect(there.owner_url, autocommit=True) as owner:
        for table in TABLES:
            owner.execute(sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(partition(table, month)), sql.Identifier(table), sql.Literal(begin_of(month)),
                sql.Literal(end_of(month))))
            owner.execute(sql.SQL("REVOKE ALL ON {} FROM quittance_app").format(
                sql.Identifier(partition(table, month))))
    then = f"timestamptz '{month:%Y-%m}-15 12:00+00'"
    back = f"{then} + (created_at - (SELECT min(created_at) FROM order_events))"
    delivery, event = ids.new_id(), ids.new_id()
    there.owned(
        f"UPDATE orders SET created_at = {then} - interval '1 second', ended_at = {then} + interval '1 hour'",
        f"UPDATE match_tries SET created_at = {then}",
        f"UPDATE jobs_done SET done_at = {then}, created_at = {then}",
        f"UPDATE audit_rows SET created_at = {then}",
        f"UPDATE order_events SET created_at = {back}",
        f"""INSERT INTO webhook_events (id, created_at, store_id, live, type, order_id, version, payload)
            VALUES ('{event}', {then}, '{order.store_id}', true, 'payin.completed', '{order.id}', 5,
                    '{{"a": 1.50}}')""",
        f"""INSERT INTO webhook_deliveries (id, created_at, event_id, event_created_at, endpoint_id, store_id, live,
                type, state, begun_at) VALUES ('{delivery}', {then}, '{event}', {then}, '{ids.new_id()}',
                '{order.store_id}', true, 'payin.completed', 'delivered', {then})""",
        f"""INSERT INTO webhook_attempts (created_at, delivery_id, number, url, request_head, status, ms)
            VALUES ({then}, '{delivery}', 1, 'https://shop.example/', E'POST / HTTP/1.1\\r\\n', 200, 12)""")
    all_sealed()
    assert there.run("ledger", "verify").exit_code == 0
    assert all(there.rows(table) for table in TABLES), "every table has rows in that month"
    return there
