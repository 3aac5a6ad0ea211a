"""What is asked often is found by an index on a desk that has a history, and what changes often changes in place.

Every statement that a list, a page or a worker sends is caught on its way and explained on 10,000 orders: none of them
walks a table that grows. An index that is missing, or that a filter cannot use, fails here and not after a year.
"""
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.orm import Session

from portal.core import jobs
from portal.core.access import SYSTEM
from portal.core.db import db, reader, transaction
from portal.notices import mailing
from portal.notices import queries as forgetting
from portal.orders import queries
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.tariffs import change_requests
from portal.tariffs.commands import AskFee, AskReward
from tests import factories as f
from tests import people
from tests.statements import heard

HISTORY = 10_000
GROWN = HISTORY // 2  # rows: of a table, or of one month of it, that a statement must not walk
FILL = f"""
    CREATE TEMP TABLE h AS SELECT g, gen_random_uuid() AS order_id, gen_random_uuid() AS assignment_id,
           now() - g * interval '1 minute' AS at FROM generate_series(1, {HISTORY}) g;
    INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', h.order_id, 'created_at', h.at,
           'external_id', 'h-' || h.g, 'idempotency_key', 'h-' || h.g, 'customer_id', 'c-' || h.g % 3000, 'status', CASE
           WHEN h.g % 2500 = 0 THEN 'failed' ELSE 'completed' END, 'amount_minor', 100000 + h.g,
           'assignment_id', h.assignment_id))).*
      FROM h JOIN orders o ON o.id = (SELECT id FROM orders LIMIT 1);
    INSERT INTO assignments SELECT (jsonb_populate_record(a, jsonb_build_object('id', h.assignment_id,
           'order_id', h.order_id, 'created_at', h.at, 'state', 'ended', 'end_reason', 'settled'))).*
      FROM h JOIN assignments a ON a.id = (SELECT id FROM assignments LIMIT 1);
    INSERT INTO order_events (id, created_at, order_id, version, type, to_status, actor_kind, actor_name, details)
    SELECT gen_random_uuid(), at, order_id, 1, 'payin.new', 'new', 'system', 'system', '{{}}' FROM h;
    INSERT INTO match_tries (created_at, order_id, number, outcome, funnel, fell_out)
    SELECT at, order_id, 1, 'assigned', '{{}}', '{{}}' FROM h;
    INSERT INTO happenings (id, event, audience, facts, happened_at, told_at)
    SELECT order_id, 'decision.waits', 'staff', '{{}}', at, at FROM h;
    INSERT INTO notices (id, happening_id, channel, state, due_at, done_at)
    SELECT gen_random_uuid(), order_id, 'operator', 'sent', at, at FROM h;
    INSERT INTO jobs (kind, reference, unique_key, run_at, created_at)
    SELECT 'expire_order', assignment_id, assignment_id::text || n, now() + interval '1 day' + g * interval '1 s', at
      FROM h CROSS JOIN generate_series(1, 3) n;  -- more than the desk counts
    INSERT INTO logged_calls (id, created_at, store_id, live, key_id, method, path, status, ms, external_id, order_id,
                              request_bytes, answer_bytes, request, answer)
    SELECT h.order_id, now() - g * interval '1 s', o.store_id, true, o.store_id, 'POST', '/gateway/v1/payins',
           CASE WHEN g % 50 = 0 THEN 422 ELSE 201 END, 7, 'h-' || g, h.order_id, 0, 0,
           repeat(md5(g::text), 20), repeat(md5(g::text), 40)  -- as wide as they are
      FROM h CROSS JOIN (SELECT store_id FROM orders LIMIT 1) o;
    WITH e AS (INSERT INTO journal_entries (kind, reference, actor_kind, actor_name, posted_at)
               SELECT 'payin_hold', assignment_id, 'system', 'system', at FROM h ORDER BY g DESC RETURNING id)
    INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor,
                          credit_after_minor)
    SELECT e.id, p.debit_id, p.credit_id, p.currency, p.live, 1, 0, 0
      FROM e CROSS JOIN (SELECT * FROM postings ORDER BY id LIMIT 1) p;
"""
PAGES = {
    "super_admin": ("/admin/", "/admin/orders", "/admin/orders?status=failed", "/admin/orders?q=h-77",
                    "/admin/search?q=h-77", "/admin/search?q=c-77", "/admin/search?q=1500.07",
                    "/admin/search?q=203.0.113.7", "/admin/search?q=QRVD0V", "/admin/search?q=Maxim+T.",
                    "/admin/jobs", "/admin/orders/{order}",
                    "/admin/approvals/{fee}", "/admin/approvals/{reward}", "/notices", "/notices?unread=yes"),
    "merchant_owner": ("/merchant/orders", "/merchant/orders?status=failed", "/merchant/orders?q=c-77",
                       "/merchant/orders?q=H-77", "/merchant/orders?q=QRVD0V", "/merchant/orders?q=Maxim",
                       "/merchant/balance", "/merchant/orders/{order}", "/merchant/developers/requests",
                       "/merchant/developers/requests?status=4xx", "/merchant/developers/requests?method=GET",
                       "/merchant/developers/requests?q=h-77", "/merchant/developers/requests?q={order}",
                       "/merchant/developers/requests?path=/balance"),
    "trader": ("/trader/orders", "/trader/orders/history", "/trader/orders/history?q=1500", "/trader/balance"),
}
WORK = ("match_order", "expire_order", "flag_unconfirmed", "settle_order", "tell_people", "send_notices")
# of all updates, as a share: the rest are new versions in another page, with an entry in every index. Assignments are
# not among them: the index that keeps an order to one open assignment has their state in its predicate.
IN_PLACE = {"orders": .85, "requisites": .85, "traders": .85, "balances": .85, "jobs": .85}


@pytest.fixture
def old_desk(fresh_app, fresh_database, url_of):
    """A cast with one order done and one open, and a history behind them."""
    cast = f.new_cast()
    cast.requisite()
    f.completed_payin(cast, "1500.00")
    order = f.assigned_payin(cast, "1501.00")
    f.work_off("tell_people")
    db.session.remove()
    with psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner:
        owner.execute(FILL)
        sweep(owner)
    return cast, order


def sweep(owner: psycopg.Connection) -> None:
    """Statistics of all tables and a full visibility map, as the desk has at night; an index alone then answers.

    A page stays unseen while anybody holds a snapshot, as autovacuum does while it looks at what was just filled.
    """
    deadline = time.monotonic() + 60
    while True:
        owner.execute("VACUUM (ANALYZE, INDEX_CLEANUP ON)")  # also where few rows are dead
        unseen = owner.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^pg_'"
                               " AND reltuples >= %s AND relallvisible < relpages", [GROWN]).fetchall()
        if not unseen:
            return
        assert time.monotonic() < deadline, f"somebody holds a snapshot: {unseen}"


@contextmanager
def sent(statements: dict[str, Any]) -> Iterator[None]:
    """Every statement of the application in the block, with the parameters it had last."""
    def keep(statement: str, parameters: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            statements[statement] = parameters

    with heard(keep):
        yield


def walked(statement: str, parameters: Any) -> set[str]:
    """The tables, or months of them, with a history that this statement walks from end to end."""
    connection = db.session.connection()
    grown = set(connection.exec_driver_sql(
        f"SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= {GROWN}").scalars())
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters or ()).scalar_one()
    found, nodes = set(), [part["Plan"] for part in (json.loads(plan) if isinstance(plan, str) else plan)]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node["Node Type"] == "Seq Scan":
            found.add(node["Relation Name"])
    return found & grown


def _asked(session: Session, cast: f.Cast) -> list[str]:
    """Another fee and another reward, to be seen with yesterday's orders."""
    other: dict[str, Any] = {"direction": "payin", "currency": "RUB", "from_amount": "2000", "reason": "r"}
    asked = [change_requests.ask_fee(session, f.staff("admin"), AskFee(
                 store_id=cast.store.id, fee_percent="2", **other)),
             change_requests.ask_reward(session, f.staff("admin"), AskReward(
                 trader_id=cast.traders[0].id, reward_percent="1", **other))]
    return [one.public_id for one in asked]


def test_nothing_that_is_asked_often_walks_a_table_that_grows(old_desk, fresh_app):
    cast, order = old_desk
    seen: dict[str, Any] = {}
    seats = {"super_admin": people.person("super_admin"),
             "merchant_owner": people.person("merchant_owner", merchant_id=cast.merchant.id),
             "trader": people.person("trader", trader_id=cast.traders[0].id)}
    with transaction() as session:
        _, token = keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="key",
                                                          scopes=("orders:read",)))
        fee, reward = _asked(session, cast)
    browsers = {who: people.seat(fresh_app, seats[who]) for who in PAGES}
    gateway = people.Browser(fresh_app)
    with sent(seen):
        for who, paths in PAGES.items():
            for path in paths:
                answer = browsers[who].get(path.format(order=order.public_id, fee=fee, reward=reward))
                assert answer.status_code in (200, 303), path  # a search that finds one thing leads to it
        for path in ("", "?status=completed", "?status=disputed", "?external_id=h-77", "?customer_id=c-77",
                     "?updated_from=2026-01-01T00:00:00Z", f"/{order.public_id}"):
            answer = gateway.get(f"/gateway/v1/payins{path}", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, path
        f.mark_paid(cast.customer(order), order)
        f.confirm(f.its_trader(order), order)
        f.create_payin(cast, "1502.00")
        for kind in WORK:
            f.work_off(kind)
        with transaction() as session:
            jobs.due_kinds(session)
            mailing.send_due(session)
            forgetting.forget(session)
        queries.find(reader(), cast.key, order.public_id)
    assert len(seen) > 60
    long = {" ".join(statement.split())[-900:]: tables for statement, parameters in seen.items()
            if (tables := walked(statement, parameters))}
    assert not long, "\n".join(f"{', '.join(sorted(tables))}: {statement}" for statement, tables in long.items())
    # the net is not torn: what no index helps is caught
    assert walked("SELECT id FROM orders WHERE description = 'no index has this'", ()) == {"orders"}
    assert any(name.startswith("match_tries_p")
               for name in walked("SELECT id FROM match_tries WHERE outcome = 'nor this'", ()))


def test_what_changes_often_changes_in_place(fresh_app, fresh_database, url_of):
    cast = f.new_cast()
    for _ in range(3):
        cast.requisite()
    for number in range(24):  # so many that the few moves of the requisites' own making do not count
        f.completed_payin(cast, f"{1500 + number}.00")
    db.session.remove()
    db.engine.dispose()  # each connection tells its figures as it goes
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        found = owner.execute("SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
                              " WHERE relname = ANY (%s)", [list(IN_PLACE)]).fetchall()
    assert {name for name, updates, _ in found if updates} == set(IN_PLACE)
    short = {name: round(hot / updates, 2) for name, updates, hot in found if hot < updates * IN_PLACE[name]}
    assert not short, f"moved to another page at each update, of an index's making: {short}"


def test_a_match_finds_its_orders_by_their_ids_though_it_was_planned_on_an_empty_desk(
        fresh_app, fresh_database, url_of):
    """A worker plans once: by a plan of the desk's first minutes each batch walked all orders there had been since."""
    cast = f.new_cast()
    cast.requisite()
    db.session.remove()
    with (psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner,
          psycopg.connect(url_of(fresh_database, "app")) as worker):
        owner.execute("VACUUM ANALYZE orders")
        pages_read(worker, cast.store.id)
        order = cast.order("1500.00")
        owner.execute("""
            INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(),
                   'external_id', 'h-' || g, 'idempotency_key', 'h-' || g))).*
              FROM orders o CROSS JOIN generate_series(1, 3000) g""")
        pages_read(worker, order.id)  # other statements are planned now, and what was just written is tidied up
        assert pages_read(worker, order.id) < 500


def pages_read(worker: psycopg.Connection, order_id: UUID) -> int:
    """Of any table or index, to give the order a requisite; taken back."""
    found = worker.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT order_id FROM pick_requisites("
                           "ARRAY[%s], ARRAY[uuidv7()], now(), current_date)", [order_id]).fetchone()
    worker.rollback()
    assert found is not None
    return sum(found[0][0]["Plan"][f"Shared {blocks} Blocks"] for blocks in ("Hit", "Read"))
