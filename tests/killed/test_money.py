"""Payouts, uploads, withdrawals and the close, killed at named points: nothing lost, nothing twice (faults 1).

Whoever asked and got no answer sends the same again, as a browser or a store's system does.
"""
from datetime import timedelta
from functools import partial
from io import BytesIO
from secrets import token_hex
from uuid import UUID

import pytest
from PIL import Image

from portal.core import clock, jobs
from portal.core.ids import new_id
from portal.files import service as files
from portal.payouts import service as payout_files
from portal.treasury import result
from portal.treasury.models import Withdrawal
from tests import factories as f
from tests import people
from tests.killed.stage import ENTRY, KILLS, STEP, Stage, form_key, named
from tests.killed.wire import Stop
from tests.payouts.conftest import csv_of, prefund, row
from tests.running import children_of
from tests.treasury import acts
from tests.treasury.test_closing import prove

pytestmark = pytest.mark.slow
ROWS = 30  # of a file


@named(("matched, all written", Stop("worker", "INSERT INTO match_tries", "commit")))
def test_a_payout_is_matched_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    every = stage.killed_at_work(stop, "match_order", stage.batches(lambda: f.create_payout(cast).order.id), "assigned")
    assert stage.record.one("SELECT count(*) FROM assignments") == len(every)
    stage.whole()


@named(("a file's rows, all written", Stop("worker", "UPDATE payout_import_rows", "commit")))
def test_a_file_becomes_payouts_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    owner = people.person("merchant_owner", merchant_id=cast.merchant.id).actor
    names, sent = [f"r-{number}" for number in range(KILLS * ROWS)], []
    for kill in range(KILLS):
        content = csv_of([row(cast, external_id=name) for name in names[kill * ROWS:(kill + 1) * ROWS]])
        with f.act() as session:
            taken = payout_files.take_in(session, owner, cast.store.id, content=content, file_name=f"{kill}.csv")
        with f.act() as session:
            sent.append(payout_files.send(session, owner, taken.public_id).id)
    stage.put_off("make_payouts")
    stage.desk.start("dispatcher", "worker")
    for one in sent:
        with stage.worker_killed(stop):
            stage.due("make_payouts", [one])
        stage.ends(lambda one=one: stage.record.one(
            "SELECT (state, made, failed) = ('done', %s, 0) FROM payout_imports WHERE id = %s", ROWS, one), "all made")
    made = stage.record.one("SELECT array_agg(external_id) FROM orders")
    assert sorted(made) == sorted(names)
    stage.booked("payout_hold", stage.record.one("SELECT array_agg(id) FROM orders"))
    stage.whole()


@named(("paid with its receipt, all written", Stop("web", STEP, "commit")))
def test_a_payout_is_paid_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    trader = people.person("trader", trader_id=cast.traders[0].id)
    f.change(cast.traders[1], status="suspended")
    orders = [f.accepted_payout(cast) for _ in range(KILLS)]
    stage.desk.start("web")
    sitting = stage.sitting(trader)
    for order in orders:
        send = partial(sitting.send, f"/trader/payouts/{order.public_id}/payment", file=f.picture(), field="receipt",
                       assignment_id=f.assignment_of(order).public_id, idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert f.fresh(order).status == "assigned"
        assert send().status == 303
        assert send().status == 303, "the same form once more"
    stage.told_once([order.id for order in orders], "paid")
    assert stage.record.one("SELECT count(*) FROM files WHERE attached_at IS NOT NULL") == KILLS
    stage.sweep(left_over=KILLS)
    stage.whole()


@named(("settled, before its entry", Stop("worker", ENTRY, "statement")),
       ("settled, committed and not acknowledged", Stop("worker", ENTRY, "committed")))
def test_a_payout_is_settled_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    def confirmed() -> UUID:
        order = f.paid_payout(cast)
        f.agree(cast.owner, order)
        return order.id

    every = stage.killed_at_work(stop, "settle_order", stage.batches(confirmed), "completed")
    stage.booked("payout_settle", every)
    stage.whole()


@named(("being judged", None), ("put away, before its row", Stop("web", "INSERT INTO files", "statement")),
       ("kept, committed and not answered", Stop("web", "INSERT INTO files", "committed")))
def test_an_upload_leaves_no_row_without_bytes(stage: Stage, cast: f.Cast, stop: Stop | None) -> None:
    bytes_left, rows_left = int(stop is not None), int(stop is not None and stop.at == "committed")
    stage.desk.start("web")

    def being_judged() -> list[int]:
        """By a program of its own."""
        return children_of(stage.desk.processes["web"][-1].pid)

    for _ in range(KILLS):
        sitting = stage.sitting(people.person("trader", trader_id=cast.traders[0].id))
        before = stage.kept()
        picture = _large() if stop is None else f.picture()
        stage.web_killed(stop or being_judged, partial(sitting.send, "/files", file=picture))
        assert len(stage.kept() - before) == bytes_left
        assert sitting.send("/files", file=picture).status == 201
    assert stage.record.one("SELECT count(*) FROM files") == KILLS * (1 + rows_left)
    stage.sweep(left_over=KILLS * (bytes_left - rows_left))
    with clock.moved(timedelta(days=1, minutes=1)), f.act() as session:
        files.sweep(session)
    assert stage.kept() == set(), "drafts that nobody sent are gone with their rows"
    assert stage.record.one("SELECT count(*) FROM files") == 0


@named(("removed, committed and its bytes not", Stop("web", "DELETE FROM files", "committed")))
def test_a_removed_upload_is_gone(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    trader = people.person("trader", trader_id=cast.traders[0].id)
    stage.desk.start("web")
    sitting = stage.sitting(trader)
    for _ in range(KILLS):
        draft = sitting.send("/files", file=f.picture()).text
        send = partial(sitting.send, f"/files/{draft}/removal")
        stage.web_killed(stop, send)
        assert send().status == 404
    assert stage.record.one("SELECT count(*) FROM files") == 0
    stage.sweep(left_over=KILLS)


@named(("asked, all written", Stop("web", "INSERT INTO withdrawals", "commit")),
       ("asked, committed and not answered", Stop("web", "INSERT INTO withdrawals", "committed")))
def test_a_withdrawal_is_asked_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    trader = people.person("trader", trader_id=cast.traders[0].id)
    address = acts.usable(f.as_trader(cast.traders[0]), cast)
    before = f.trader_available(cast.traders[0])
    stage.desk.start("web")
    sitting = stage.sitting(trader)
    for _ in range(KILLS):
        send = partial(sitting.send, "/trader/withdrawals", address_id=address.public_id, amount="40",
                       idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert send().status == 303
    assert stage.record.one("SELECT count(*) FROM withdrawals") == KILLS
    assert f.trader_held(cast.traders[0]) == f.usdt(f"{40 * KILLS}.000000")
    assert f.trader_available(cast.traders[0]) == before - f.trader_held(cast.traders[0])
    stage.booked("withdrawal_hold", stage.record.one("SELECT array_agg(id) FROM withdrawals"))
    stage.whole()


@named(("approved, committed and not answered", Stop("web", "UPDATE withdrawals", "committed")),
       ("refused, before what is given back", Stop("web", ENTRY, "statement")))
def test_a_withdrawal_is_decided_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    asked = _withdrawals(cast)
    decision = "approve" if stop.at == "committed" else "reject"
    stage.desk.start("web")
    sitting = stage.sitting(people.person("admin"))
    for one in asked:
        with f.look() as session:
            [approval] = acts.approvals.waiting_for(session, "withdrawal", one.id)
        send = partial(sitting.send, f"/admin/approvals/{approval.public_id}/decision", decision=decision,
                       reason="Seen")
        stage.web_killed(stop, send)
        assert send().status == (409 if decision == "approve" else 303), "who approved is told that it is approved"
        assert f.fresh(one).status == ("approved" if decision == "approve" else "refused")
    refused = [] if decision == "approve" else [one.id for one in asked]
    stage.booked("withdrawal_release", refused)
    assert f.trader_held(cast.traders[0]) == f.usdt(f"{40 * (KILLS - len(refused))}.000000")
    stage.whole()


@named(("sent, all written", Stop("web", ENTRY, "commit")),
       ("sent, committed and not answered", Stop("web", ENTRY, "committed")))
def test_a_withdrawal_is_sent_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    asked, staff = _withdrawals(cast), people.person("admin")
    for one in asked:
        acts.decide(one.id, "withdrawal")
        acts.take(staff.actor, one)
    stage.desk.start("web")
    sitting = stage.sitting(staff)
    for one in asked:
        send = partial(sitting.send, f"/admin/treasury/withdrawals/{one.public_id}/sending",
                       reference=token_hex(32), idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert send().status == 303
        assert f.fresh(one).status == "sent"
    stage.booked("withdrawal_settle", [one.id for one in asked])
    assert stage.record.one("SELECT count(*) FROM happenings WHERE event = 'withdrawal.sent'") == KILLS
    assert f.trader_held(cast.traders[0]) == f.usdt("0.000000")
    stage.whole()


@named(("signed, all written", Stop("web", "INSERT INTO closed_days", "commit")),
       ("signed, committed and not answered", Stop("web", "INSERT INTO closed_days", "committed")))
def test_a_day_is_closed_once(stage: Stage, stop: Stop) -> None:
    first = clock.today() - timedelta(days=KILLS)
    with clock.moved(clock.midnight_before(first) + timedelta(hours=12) - clock.now()):
        cast = f.new_cast()
        prefund(cast, "100.000000")
    prove()
    stage.desk.start("web")
    sitting = stage.sitting(people.person("admin"))
    days = [first + timedelta(days=number) for number in range(KILLS)]
    for day in days:
        send = partial(sitting.send, f"/admin/closing/{day}/USDT/signature", idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert send().status == 303
        assert sitting.send(f"/admin/closing/{day}/USDT/signature", idempotency_key=form_key()).status == 409
    assert stage.record.one("SELECT array_agg(day ORDER BY day) FROM closed_days") == days
    assert stage.record.one("SELECT count(*) FROM audit_rows WHERE action = 'day.closed'") == KILLS
    stage.whole()


@named(("the day's result, all written", Stop("worker", "INSERT INTO result_lines", "commit")))
def test_a_days_result_is_computed_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    """`whole` proves that each day's lines come to what its fees accounts moved."""
    batches = stage.batches(lambda: f.paid_payout(cast))
    for number, orders in enumerate(batches):
        for order in orders:
            f.agree(cast.owner, order)
        f.work_off("settle_order")
        stage.all_are([order.id for order in orders], "completed")
        if not number:
            stage.desk.start("dispatcher", "worker")
        with stage.worker_killed(stop), f.act() as session:
            jobs.enqueue(session, result.KIND, new_id(), key=f"kill {number}")
        stage.ends(lambda number=number: stage.record.one(
            "SELECT count(*) FROM jobs_done WHERE unique_key = %s", f"kill {number}"), "it is computed")
    assert stage.record.one("SELECT sum(orders) FROM result_lines") == sum(map(len, batches))
    stage.whole()


def _withdrawals(cast: f.Cast) -> list[Withdrawal]:
    """Of one trader, asked for one after the other."""
    owner = f.as_trader(cast.traders[0])
    address = acts.usable(owner, cast)
    return [acts.ask(owner, cast, at=address) for _ in range(KILLS)]


def _large() -> bytes:
    """Few bytes, and enough pixels that judging them takes a while."""
    out = BytesIO()
    Image.new("RGB", (2000, 2000), f"#{token_hex(3)}").save(out, "PNG")
    return out.getvalue()
