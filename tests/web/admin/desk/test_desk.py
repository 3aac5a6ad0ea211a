"""The desk's first page: its figures are the tables', it says what is wrong, and it is calm when nothing is."""
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.db import reader, transaction
from portal.core.jobs import liveness
from portal.ledger import proofs
from portal.ledger import verify as proof
from portal.orders.reading import conversion, desk_queues
from tests import factories, people
from tests.factories import Cast, act, new_cast, staff
from tests.statements import statements

REFERENCE = re.compile(r"FROM (currencies|methods|banks|rates|desk_pauses)\b")


@pytest.fixture
def fresh(fresh_app: Flask) -> Cast:
    """Nobody else's orders: whole figures can be compared."""
    factories.forget()
    made = new_cast()
    made.requisite(made.trader())
    yield made
    factories.forget()


def test_the_last_quarter_of_an_hour_is_what_happened(fresh: Cast) -> None:
    factories.completed_payin(fresh, "1500.00")
    factories.completed_payin(fresh, "1501.00")
    factories.expire(factories.assigned_payin(fresh, "1502.00"))
    factories.assigned_payin(fresh, "1503.00")
    with clock.moved(timedelta(minutes=-20)):
        factories.create_payin(fresh, "1504.00")
    found = conversion.lately(reader())
    assert (found.total.orders, found.total.matched, found.total.completed, found.total.failed) == (4, 4, 2, 1)
    assert found.total.conversion == Decimal(200) / 3
    assert found.total.to_requisite is not None
    assert found.total.to_completion is not None
    assert [(line.name, line.orders) for line in found.by["store"]] == [(fresh.store.name, 4)]
    assert [(line.code, line.orders) for line in found.by["method"]] == [(fresh.method, 4)]
    assert [(line.completed, line.failed, line.orders) for line in found.by["trader"]] == [(2, 1, 4)]
    assert sum(line.orders for line in found.by["bank"]) == 4


def test_an_empty_desk_has_no_conversion(fresh: Cast) -> None:
    found = conversion.lately(reader())
    assert (found.total.orders, found.total.conversion, found.by["trader"]) == (0, None, [])


def test_queues_tell_what_is_past_its_limit(fresh: Cast) -> None:
    order = factories.paid_payin(fresh)
    queues = {queue.name: queue for queue in desk_queues.look(reader(), staff("super_admin")).queues}
    assert (queues["confirmation"].count, queues["confirmation"].late) == (1, 0)
    with clock.moved(timedelta(hours=1)):
        queues = {queue.name: queue for queue in desk_queues.look(reader(), staff("super_admin")).queues}
    assert (queues["confirmation"].late, queues["confirmation"].oldest) == (1, factories.fresh(order).paid_at)
    assert queues["matching"].count == 0
    factories.create_payin(fresh, "1504.00")
    with clock.moved(timedelta(minutes=4)):
        queues = {queue.name: queue for queue in desk_queues.look(reader(), staff("super_admin")).queues}
    assert (queues["matching"].count, queues["matching"].late) == (1, 1), "its matching window is over"


def test_a_dead_worker_is_seen_and_a_live_one_too(fresh: Cast, fresh_app: Flask) -> None:
    page = people.seat(fresh_app, people.person("super_admin")).get("/admin/").get_data(as_text=True)
    assert "No worker is at work" in page
    assert "bin/run --only worker" in page
    with transaction() as session:
        session.execute(text("INSERT INTO jobs_done (id, done_at, kind, unique_key, attempts, lost, created_at)"
                             " VALUES (1, :now, 'x', 'x', 0, 0, :now)"), {"now": clock.now()})
        session.execute(text("INSERT INTO job_slots (kind, slot, turned_at) VALUES ('x', 1, :now)"),
                        {"now": clock.now()})
    assert [beat.alive for beat in liveness.liveness_by_kind(reader())] == [True, True]
    page = people.seat(fresh_app, people.person("super_admin")).get("/admin/").get_data(as_text=True)
    assert "No worker is at work" not in page
    assert "Nothing needs you" in page
    with clock.moved(timedelta(minutes=3)):
        assert [beat.alive for beat in liveness.liveness_by_kind(reader())] == [False, False]


def test_the_dispatcher_leaves_its_sign_of_life(fresh: Cast, fresh_app: Flask) -> None:
    from tasks import dispatcher

    before = clock.now()
    dispatcher.look_once()
    assert liveness.liveness_by_kind(reader())[0].at >= before


def test_the_hourly_proof_is_kept_and_shown(fresh: Cast, fresh_app: Flask) -> None:
    factories.completed_payin(fresh)
    from tasks import upkeep

    reader().rollback()
    with transaction() as session:
        upkeep.prove_ledger(session, [])
    last = proofs.last(reader())
    assert (last.holds, last.by, last.checks > 8, last.examined > 10) == (True, "upkeep", True, True)
    seat = people.seat(fresh_app, people.person("super_admin"))
    assert "Proved" in seat.get("/admin/").get_data(as_text=True)
    with transaction() as session:
        proofs.keep(session, proof.Report([proof.Result("a check", 1, ["account 7 keeps 1 debits"])]),
                    began_at=clock.now(), ended_at=clock.now(), by="test")
    page = seat.get("/admin/").get_data(as_text=True)
    assert "The books differ" in page
    assert "account 7 keeps 1 debits" in page


def test_a_long_proof_does_not_lose_the_transaction_that_keeps_it(fresh: Cast, fresh_app: Flask,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """The session of the job is idle while the books are proved: after the worker's 30 s it was ended, every hour."""
    from tasks import upkeep

    whole = proof.run

    def slowly(snapshot: Session, **how: object) -> proof.Report:
        snapshot.execute(text("SELECT pg_sleep(1)"))
        snapshot.rollback()
        return whole(snapshot, **how)

    monkeypatch.setattr(proof, "run", slowly)
    reader().rollback()
    with transaction() as session:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '500ms'"))
        upkeep.prove_ledger(session, [])
    assert proofs.last(reader()) is not None


def test_each_of_the_staff_sees_the_desk_and_nobody_else(cast: Cast, seat_of: Callable[[str], people.Seat]) -> None:
    for template in ("super_admin", "admin", "support_orders", "support_traders", "support_readonly"):
        assert seat_of(template).get("/admin/").status_code == 200, template
    for template in ("trader", "merchant_owner"):
        assert seat_of(template).get("/admin/").status_code == 403


def test_more_orders_cost_no_more_statements(cast: Cast, admin: people.Seat) -> None:
    admin.get("/admin/")
    counts = []
    for amount in ("1510.00", "1511.00"):
        factories.completed_payin(cast, amount)
        with statements() as sent:
            admin.get("/admin/")
        counts.append(len([sql for sql in sent if not REFERENCE.search(sql)]))  # read anew every few seconds
    assert counts[0] == counts[1] <= 25, counts


def test_old_orders_are_not_read_for_the_last_minutes(cast: Cast) -> None:
    with act() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text("EXPLAIN " + conversion.ORDERS.text),
                                         {"since": clock.now(), "most": conversion.ORDERS_MAX}))
    assert re.search(r"ix_orders_created_at_id", plan), plan


def test_a_forgotten_app_env_is_said_on_every_page_of_the_staff(admin) -> None:
    """Nobody had set APP_ENV: webhooks could call loopback and plain http, and no page said so."""
    for path in ("/admin/", "/admin/orders", "/admin/merchants", "/admin/rates"):
        assert "Set APP_ENV=production before real money" in admin.get(path).get_data(as_text=True), path
