"""The matching window: how long the desk looks, what it notes at each try, and what it says when it gives up."""
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, text

from portal.core import clock
from portal.core.db import db
from portal.core.jobs import Job
from portal.orders.matching import match, pick
from portal.orders.models import MatchTry, OrderEvent
from tests import factories as f
from tests.statements import statements


def tries_of(order) -> list[MatchTry]:
    with f.look() as session:
        return list(session.scalars(select(MatchTry).where(MatchTry.order_id == order.id).order_by(MatchTry.id)))


def look_until_it_ends(order) -> list[datetime]:
    """Every try when it is due. Returns when they were planned."""
    planned = []
    f.work_off()
    while (found := f.fresh(order)).status == "retrying":
        planned.append(found.next_attempt_at)
        assert found.next_attempt_at <= found.match_by
        with clock.moved(found.next_attempt_at - clock.now() + timedelta(milliseconds=2)):
            f.work_off()
    return planned


def test_each_try_notes_its_funnel(cast, monkeypatch):
    monkeypatch.setattr(pick, "FUNNEL_ROWS_MAX", 10**9)  # however many requisites other tests have left
    cast.requisite(bank="sber")
    cast.requisite(max_amount="1000.00")
    wanted = cast.requisite()
    order = f.assigned_payin(cast, bank="alfa")
    (found,) = tries_of(order)
    assert (found.outcome, found.number, found.assignment_id) == ("assigned", 1, order.assignment_id)
    with f.look() as session:
        everybody = session.scalar(text("SELECT count(*) FROM requisites WHERE live"))
    assert found.funnel["all"] == everybody
    assert found.funnel["method"] == 3
    assert found.funnel["bank"] == found.funnel["on_shift"] == 2
    assert found.funnel["amount"] == found.funnel["same_amount"] == found.funnel["locked"] == 1
    assert f.assignment_of(order).requisite_id == wanted.id


@pytest.mark.parametrize(("broken", "code"), [
    ({"max_amount": "1000.00"}, "no_requisite"), ({"day_max": "1000.00"}, "limits_reached"), ({}, "no_collateral")])
def test_at_the_end_of_the_window_it_fails_with_what_excluded_most(cast, broken, code):
    for _ in range(2):
        cast.requisite(cast.trader(deposit=f.PLENTY if broken else "1.000000"), **broken)
    order = cast.order()
    look_until_it_ends(order)
    found = f.fresh(order)
    assert (found.status, found.failure_code) == ("failed", code)
    assert found.next_attempt_at is None
    assert found.ended_at is not None
    assert {one.outcome for one in tries_of(order)} == {code}
    with f.look() as session:
        assert session.scalars(select(Job).where(Job.reference == order.id)).all() == []


def test_nobody_on_the_rail_at_all(cast):
    order = cast.order()
    look_until_it_ends(order)
    assert f.fresh(order).failure_code == "no_requisite"


def test_tries_are_at_most_twenty_seconds_apart_and_never_past_the_window(cast):
    order = cast.order()
    seen = look_until_it_ends(order)
    found = f.fresh(order)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(seen)]
    assert max(gaps) <= 20.5
    assert seen[-1] == found.match_by
    assert len(tries_of(order)) == len(seen) + 1 == found.tries


def test_a_batch_without_a_candidate_costs_as_many_statements_as_one_order(cast):
    """But for giving the leases back, which the queue does row by row."""
    f.work_off()

    def looked(orders):
        for order in orders:
            assert f.fresh(order).status == "new"
        with statements() as seen:
            f.work_off()
        assert {f.fresh(order).status for order in orders} == {"retrying"}
        return sum(not statement.startswith("UPDATE jobs") for statement in seen)

    alone = looked([cast.order()])
    assert looked([cast.order() for _ in range(19)]) <= alone + 1


def test_a_late_worker_still_makes_one_full_try(ready):
    order = ready.order()
    with clock.moved(timedelta(hours=1)):
        f.work_off()
    assert f.fresh(order).status == "assigned"


def test_a_late_worker_that_finds_nobody_has_looked_once(cast):
    order = cast.order()
    with clock.moved(timedelta(hours=1)):
        f.work_off()
    assert f.fresh(order).status == "failed"
    assert len(tries_of(order)) == 1


def test_a_declined_order_has_a_new_window(ready):
    order = f.assigned_payin(ready)
    with clock.moved(timedelta(minutes=10)):
        f.decline(f.its_trader(order), order)
        found = f.fresh(order)
        assert (found.status, found.tries) == ("new", 0)
        assert found.match_by - clock.now() > timedelta(seconds=175)
        f.work_off()
        assert f.fresh(order).status == "retrying"


def test_a_fault_inside_matching_is_counted_and_ends_as_a_matching_error(cast):
    """A row that no program of this version has written: nothing of the try is kept, the order says what happened."""
    requisite, order = cast.requisite(), cast.order()
    _break(order)
    f.change(order, match_by=clock.now() + timedelta(hours=2))
    for attempt in range(8):
        with clock.moved(timedelta(minutes=10 * attempt)):
            f.work_off()
        found = f.fresh(order)
        assert found.status == ("retrying" if attempt < 7 else "failed")
    assert found.failure_code == "matching_error"
    assert f.fresh(requisite).open_orders == 0
    assert f.trader_held(cast.traders[0]) == f.usdt("0.000000")
    with f.look() as session:
        job = session.scalars(select(Job).where(Job.reference == order.id)).one()
        assert job.dead_at is not None
        last = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)
                               .order_by(OrderEvent.version.desc()).limit(1)).one()
    assert last.details == {"fault": "ValueError", "attempt": 8}


def test_faults_put_a_try_off_never_past_the_window(cast):
    """The pause after a fault grew to minutes: the payer of an order whose window was long over still waited."""
    cast.requisite()
    order = cast.order()
    _break(order)
    planned = [clock.now()]
    while f.fresh(order).status != "failed":
        with clock.moved(planned[-1] - clock.now() + timedelta(milliseconds=2)):
            f.work_off()
        with f.look() as session:
            planned.append(session.scalars(select(Job.run_at).where(Job.reference == order.id)).one())
        assert planned[-1] <= order.match_by
        assert len(planned) < 10
    found = f.fresh(order)
    assert (found.failure_code, found.next_attempt_at) == ("matching_error", None)


def test_a_payout_that_ends_by_a_fault_gives_its_cover_back(cast):
    """The store's money stayed held for good."""
    cast.requisite(cast.trader(), payout=True)
    f.deposit_to(f.ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    order = f.create_payout(cast).order
    _break(order)
    for attempt in range(10):
        with clock.moved(timedelta(minutes=attempt)):
            f.work_off()
    assert (f.fresh(order).status, f.fresh(order).failure_code) == ("failed", "matching_error")
    assert (f.store_held(cast.store).text, f.store_available(cast.store).text) == ("0.000000", "100.000000")


def test_an_order_that_another_holds_is_looked_at_again_within_its_window(cast, monkeypatch):
    monkeypatch.setattr(match, "BUSY_PAUSE_MS", 3_600_000)
    order = cast.order()
    with db.engine.connect() as other:
        other.execute(text("SELECT 1 FROM orders WHERE id = :id FOR UPDATE"), {"id": order.id})
        f.work_off()
        other.rollback()
    with f.look() as session:
        assert session.scalars(select(Job.run_at).where(Job.reference == order.id)).one() == order.match_by


def _break(order) -> None:
    """What its store would be told of a match cannot be said."""
    f.change(order, failure_code="of_another_version")
