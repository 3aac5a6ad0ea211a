"""The queue of record and the books, seen from outside while worker processes use them; and orders for them to do."""
import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import select

from portal.ledger import verify
from portal.orders import service
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Assignment, Order
from portal.orders.states import AssignmentState
from tasks import kinds
from tests import factories
from tests.running import ROOT, wait_for

# Where work stands still while a test holds the table: before it began, with its entries to write, all but committed.
MOMENTS = (("orders", "EXCLUSIVE"), ("journal_entries", "SHARE"), ("jobs_done", "SHARE"))
OF_ORDERS = ("match_order", "settle_order")
NEVER_AGAIN = 10 ** 12  # a slot


def seeded(seed: int) -> random.Random:
    """Chance that can be had again; pytest shows the line when the test fails."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout.strip()
    print(f"seed={seed} commit={commit}")  # noqa: T201
    return random.Random(seed)


class Record:
    """A connection as the owner, who may look at everything and hold tables."""

    def __init__(self, url: str) -> None:
        self.url = url

    def one(self, query: str, *values: object) -> Any:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query, values).fetchone()
            return None if row is None else row[0]

    def change(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement, values)

    def in_hand(self, *kinds: str) -> int:
        """Batches of orders that workers hold under a lease; of all kinds, or of these."""
        return int(self.one("SELECT count(DISTINCT lease) FROM jobs WHERE leased_until > now() AND kind = ANY(%s)",
                            list(kinds or OF_ORDERS)))

    def waiting(self, *kinds: str) -> int:
        return int(self.one("SELECT count(*) FROM jobs WHERE kind = ANY(%s)", list(kinds)))

    def done(self, *kinds: str) -> int:
        return int(self.one("SELECT count(*) FROM jobs_done WHERE kind = ANY(%s)", list(kinds)))

    def leases_run_out(self) -> None:
        """Half a minute later."""
        self.change("UPDATE jobs SET leased_until = leased_until - interval '46 seconds' WHERE lease IS NOT NULL")

    def no_housekeeping(self) -> None:
        """Recurring work has had every turn: its forty kinds would take all threads of a worker to a held table."""
        recurring = [kind for kind, every_s in kinds.told().items() if every_s is not None]
        self.change("INSERT INTO job_slots (kind, slot, turned_at) SELECT unnest(%s::text[]), %s, now()"
                    " ON CONFLICT (kind) DO UPDATE SET slot = excluded.slot", recurring, NEVER_AGAIN)

    @contextmanager
    def held(self, moment: tuple[str, str]) -> Iterator[None]:
        """Whoever comes to this moment waits there."""
        table, mode = moment
        with psycopg.connect(self.url) as connection:
            connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield
            connection.rollback()


def orders_of(cast: factories.Cast, count: int) -> list[UUID]:
    """Payins of different amounts, each promised to be matched."""
    return [cast.order(f"{100 + number}.00").id for number in range(count)]


def cast_of_four() -> factories.Cast:
    """Four traders with two cards each: room for every order of a test."""
    cast = factories.new_cast()
    for _ in range(4):
        trader = cast.trader()
        for _ in range(2):
            cast.requisite(trader)
    return cast


def confirm_all(order_ids: Sequence[UUID]) -> None:
    """The traders have the money: each order is promised to be settled."""
    with factories.act() as session:
        rows = session.execute(select(Order, Assignment).join(Assignment, Assignment.order_id == Order.id)
                               .where(Order.id.in_(order_ids), Assignment.state == AssignmentState.OPEN)).all()
        for order, assignment in rows:
            service.confirm(session, factories.as_trader(assignment.trader_id), ConfirmOrder(
                order_id=order.public_id, assignment_id=assignment.public_id, received=order.amount_to_pay.text))
    assert len(rows) == len(order_ids)


def all_matched(record: Record, count: int) -> None:
    wait_for(lambda: record.one("SELECT count(*) FROM orders WHERE status = 'assigned'") >= count,
             f"{count} orders are matched")


def all_settled(record: Record, count: int) -> None:
    wait_for(lambda: record.one("SELECT count(*) FROM orders WHERE status = 'completed'") >= count,
             f"{count} orders are settled")


def effects_once(record: Record, order_ids: Sequence[UUID], *, settled: bool = True) -> None:
    """None lost, none twice, the books balanced."""
    ids = list(order_ids)
    done_kinds = list(OF_ORDERS if settled else OF_ORDERS[:1])
    assert record.one("SELECT count(*) FROM jobs WHERE kind = ANY(%s) AND reference = ANY(%s)", done_kinds,
                      ids) == 0
    for kind in done_kinds:
        done = record.one("SELECT array_agg(reference) FROM jobs_done WHERE kind = %s AND reference = ANY(%s)", kind,
                          ids)
        assert sorted(done) == sorted(ids), f"{kind}: each done once"
    told = ["assigned", "confirmed", "completed"] if settled else ["assigned"]
    for status in told:
        times = record.one("SELECT array_agg(order_id) FROM order_events WHERE to_status = %s AND order_id = ANY(%s)",
                           status, ids)
        assert sorted(times) == sorted(ids), f"{status}: each told once"
    assert record.one("SELECT count(*) FROM journal_entries WHERE kind = 'payin_hold'") == len(ids)
    if settled:
        assert record.one("SELECT count(*) FROM journal_entries WHERE kind = 'payin_settle'") == len(ids)
    books_hold()


def books_hold() -> None:
    with factories.look() as session:
        report = verify.run(session)
    assert report.checks
    assert report.differences == []
