"""One order from all sides: what the page says is what the tables say; forced acts need a reason; notes stay."""
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import ids
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.jobs import Job
from portal.orders.matching import pick
from portal.orders.models import Order
from portal.orders.reading import detail
from portal.requisites import numbers
from tests import people
from tests.factories import (
    Cast,
    assigned_payin,
    assignment_of,
    completed_payin,
    create_payin,
    fresh,
    new_cast,
    paid_payin,
    staff,
    work_off,
)
from tests.statements import statements
from tests.web.inspect import faults


def page_of(seat: people.Seat, order: Order) -> str:
    answer = seat.get(f"/admin/orders/{order.public_id}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_both_sides_and_the_money_stand_on_the_page(cast: Cast, admin: people.Seat) -> None:
    order = completed_payin(cast, "2345.00")
    found = detail.open_dossier(reader(), staff("super_admin"), order.public_id)
    page = page_of(admin, order)
    attempt = found.assignments[0]
    for shown in (cast.store.name, cast.merchant.name, attempt.trader.name, attempt.requisite.number_last4,
                  order.external_id, "The desk earns"):
        assert shown in page, shown
    assert found.earned == order.fee - attempt.reward
    assert attempt.requisite.number_first6 + "00" not in page, "numbers are masked"
    for event in found.events:
        assert (event.request_id or "") in page


def test_a_number_is_shown_behind_a_password_and_kept_with_the_order(
        cast: Cast, admin: people.Seat, seat_of: Callable[[str], people.Seat]) -> None:
    order, path = (placed := assigned_payin(cast, "2346.00")), f"/admin/orders/{placed.public_id}/number"
    attempt = detail.open_dossier(reader(), staff("super_admin"), order.public_id).assignments[0]
    whole = numbers.reveal(reader(), attempt.requisite)
    form = {"assignment_id": attempt.public_id, "reason": "The bank asks", "proof_password": people.PASSWORD}
    assert seat_of("support_orders").send(path, form).status_code == 403
    other = detail.open_dossier(reader(), staff("super_admin"), assigned_payin(cast, "2347.00").public_id)
    refusals = {"proof_password": "not mine"}, {"reason": ""}, {"assignment_id": other.assignments[0].public_id}
    answers = [admin.send(path, form | wrong) for wrong in refusals]
    assert [answer.status_code for answer in answers] == [422, 422, 404]
    answer = admin.send(path, form)
    assert answer.status_code == 200
    assert not faults(html := answer.get_data(as_text=True), signed_in=True, language="en")
    copied = f'data-copy="{whole}"'
    assert copied in html
    assert copied not in page_of(admin, order)
    assert not any(copied in refused.get_data(as_text=True) for refused in answers)
    kept = reader().scalars(select(AuditRow).where(AuditRow.target_id.in_(
        (str(order.id), str(attempt.requisite_id))), AuditRow.action.like("%.number_shown"))).all()
    assert {(row.action, row.reason) for row in kept} == {
        ("order.number_shown", "The bank asks"), ("requisite.number_shown", "The bank asks")}


def test_why_this_trader_is_told_in_words(
        cast: Cast, admin: people.Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pick, "FUNNEL_ROWS_MAX", 10**9)  # however many requisites other tests have left
    order = assigned_payin(cast)
    look = detail.open_dossier(reader(), staff("super_admin"), order.public_id).tries[0]
    steps = detail.funnel(look)
    assert steps[-1].left == look.funnel["locked"]
    assert sum(step.lost for step in steps) == look.funnel["all"] - look.funnel["locked"]
    assert "was next in the ring" in page_of(admin, order)


def test_why_nobody_is_told_in_words(admin: people.Seat) -> None:
    picky = new_cast()
    picky.requisite(min_amount="500.00", max_amount="1000.00")
    order = create_payin(picky, "1500.00").order
    work_off()
    look = detail.open_dossier(reader(), staff("super_admin"), order.public_id).tries[0]
    assert {step.stage: (step.left, step.lost) for step in detail.funnel(look)}["amount"] == (0, 1)
    page = page_of(admin, order)
    assert "Why nobody" in page
    assert "do not take this amount" in page


@pytest.mark.parametrize(("act", "form"), [("confirmation", True), ("cancellation", False)])
def test_forced_acts_need_a_reason(cast: Cast, admin: people.Seat, act: str, form: bool) -> None:
    order = assigned_payin(cast)
    asked = {"assignment_id": assignment_of(order).public_id, "received": order.amount_to_pay.text} if form else {}
    answer = admin.send(f"/admin/orders/{order.public_id}/{act}", asked)
    assert answer.status_code == 422
    assert fresh(order).status == "assigned"
    answer = admin.send(f"/admin/orders/{order.public_id}/{act}", {**asked, "reason": "The bank's statement shows it"})
    assert answer.status_code == 303
    assert fresh(order).status == ("confirmed" if form else "cancelled")
    assert "The bank&#39;s statement shows it" in page_of(admin, order)


def test_why_a_trader_gave_it_back_is_said(app: Flask, cast: Cast, admin: people.Seat) -> None:
    order = assigned_payin(cast)
    trader = people.seat(app, people.person("trader", trader_id=assignment_of(order).trader_id))
    path, sent = f"/trader/orders/{order.public_id}/refusal", {"assignment_id": assignment_of(order).public_id}
    assert "The account has reached a limit" in trader.get(path).text
    assert trader.send(path, sent).status_code == 422
    assert trader.send(path, {**sent, "why": "bored"}).status_code == 422
    assert fresh(order).status == "assigned"
    assert trader.send(path, {**sent, "why": "bank", "reason": "It is down <until> noon"}).status_code == 303
    page = page_of(admin, order)
    assert "The bank or its app does not work" in page
    assert "It is down &lt;until&gt; noon" in page


def test_a_note_is_kept_for_staff_alone(cast: Cast, admin: people.Seat, seat_of: Callable[[str], people.Seat]) -> None:
    order = paid_payin(cast)
    assert admin.send(f"/admin/orders/{order.public_id}/notes", {"text": " "}).status_code == 422
    assert admin.send(f"/admin/orders/{order.public_id}/notes", {"text": "Called <b>the bank</b>"}).status_code == 303
    assert "Called &lt;b&gt;the bank&lt;/b&gt;" in page_of(seat_of("support_readonly"), order)
    assert reader().query(AuditRow).filter_by(action="order.noted", target_id=str(order.id)).count() == 1
    refused = seat_of("support_readonly").send(f"/admin/orders/{order.public_id}/notes", {"text": "x"})
    assert refused.status_code == 403
    unknown = ids.public("pin", ids.new_id())
    assert admin.send(f"/admin/orders/{unknown}/notes", {"text": "x"}).status_code == 404


def test_work_that_died_is_said_on_the_order(cast: Cast, admin: people.Seat) -> None:
    order = create_payin(cast).order
    with transaction() as session:
        job = session.query(Job).filter_by(kind="match_order", unique_key=str(order.id)).one()
        job.dead_at, job.attempts, job.last_error = job.run_at, 8, "ZeroDivisionError('<oops>')"
    page = page_of(admin, order)
    assert "failed for good after 8 tries" in page
    assert "ZeroDivisionError(&#39;&lt;oops&gt;&#39;)" in page


def test_a_longer_life_costs_no_more_statements(cast: Cast, admin: people.Seat) -> None:
    long, short = completed_payin(cast), create_payin(cast).order
    page_of(admin, short)
    counts = []
    for order in (short, long):
        with statements() as sent:
            page_of(admin, order)
        counts.append(len([sql for sql in sent if "FROM currencies" not in sql and "FROM methods" not in sql
                           and "FROM banks" not in sql]))
    assert max(counts) <= 24, counts
    assert abs(counts[0] - counts[1]) <= 2, counts
