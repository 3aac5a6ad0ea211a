"""Every order that needs staff stands on the desk, and why, until its own act ends that or staff have dealt with it."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.core import clock
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.disputes import frozen
from portal.orders import attention_cases, second_payment
from portal.orders.models import Order
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import Requisite
from tests import factories as f
from tests import people
from tests.web.inspect import faults

WORDS = {"frozen": "The bank froze its requisite", "unconfirmed": "Nobody confirmed in time",
         "paid_twice": "Money came to a second trader too", "unsecured": "The money came late"}


@pytest.fixture
def cast(fresh_app: Flask):
    """Nobody else's orders: the desk shows the oldest of all."""
    f.forget()
    made = f.new_cast()
    made.requisite(made.trader())
    yield made
    f.forget()


@pytest.fixture
def staff(cast: f.Cast, fresh_app: Flask) -> people.Seat:
    return people.seat(fresh_app, people.person("support_orders"))


def row(seat: people.Seat, order: Order, why: str) -> bool:
    """Whether the desk shows the order for this reason, in words."""
    answer = seat.get("/admin/")
    html = answer.get_data(as_text=True)
    assert not faults(html, signed_in=True, language="en")
    at = html.find(f"attention-{order.public_id}-{why}")
    return at >= 0 and WORDS[why] in html[at:html.index("</tr>", at)]


def freeze(cast: f.Cast, order: Order) -> None:
    with f.act() as session:
        requisite = session.get_one(Requisite, f.assignment_of(order).requisite_id)
        frozen.freeze(session, f.its_trader(order), FreezeRequisite(requisite_id=requisite.public_id, reason="115-FZ"))


def test_a_frozen_requisites_order_stands_there_before_it_is_paid_and_can_be_dealt_with(
        cast: f.Cast, staff: people.Seat, fresh_app: Flask) -> None:
    order = f.assigned_payin(cast)
    freeze(cast, order)
    assert row(staff, order, "frozen")
    path = f"/admin/orders/{order.public_id}/attention/frozen"
    assert WORDS["frozen"] in staff.get(f"/admin/orders/{order.public_id}").text
    assert people.seat(fresh_app, people.person("support_readonly")).send(path, {"reason": "x"}).status_code == 403
    assert staff.send(path, {"reason": " "}).status_code == 422
    assert staff.send(path.replace("frozen", "unconfirmed"), {"reason": "x"}).status_code == 422, "its own act ends it"
    assert row(staff, order, "frozen")
    assert staff.send(path, {"reason": "The payer was called"}).status_code == 303
    assert not row(staff, order, "frozen")
    assert reader().query(AuditRow).filter_by(action="order.attended", target_id=str(order.id)).one().reason == (
        "The payer was called")
    assert staff.send(path, {"reason": "Again"}).status_code == 409


def test_frozen_first_it_is_flagged_all_the_same_when_nobody_confirms(cast: f.Cast, staff: people.Seat) -> None:
    """A reason that stood already hid the next one: nobody was told."""
    order = f.assigned_payin(cast)
    freeze(cast, order)
    f.mark_paid(cast.customer(order), order)
    with clock.moved(timedelta(seconds=1801)):
        f.work_off("flag_unconfirmed")
    assert row(staff, order, "unconfirmed")
    assert row(staff, order, "frozen")
    f.confirm(f.its_trader(order), order)
    assert not row(staff, order, "unconfirmed")
    assert not row(staff, order, "frozen")


def test_money_that_came_twice_is_a_case_of_a_completed_order(cast: f.Cast, staff: people.Seat) -> None:
    cast.requisite(cast.trader())
    order = f.assigned_payin(cast)
    first = f.its_trader(order)
    f.decline(first, order)
    with clock.moved(timedelta(seconds=2)):
        f.work_off("match_order")
    f.confirm(f.its_trader(order), order)
    f.work_off("settle_order")
    with f.act() as session:
        second_payment.report(session, first, second_payment.ReportSecondPayment(order_id=order.public_id))
    assert f.fresh(order).status == "completed"
    assert row(staff, order, "paid_twice")
    staff.send(f"/admin/orders/{order.public_id}/attention/paid_twice", {"reason": "Sent back"})
    assert not row(staff, order, "paid_twice")


def test_the_list_is_read_in_the_order_of_its_index_and_no_further(cast: f.Cast, staff: people.Seat) -> None:
    order = f.assigned_payin(cast)
    with f.act() as session:
        session.execute(text("""
            INSERT INTO attention_cases SELECT id, 'receipt_seen', created_at FROM orders ON CONFLICT DO NOTHING"""))
        attention_cases.call(session, session.get_one(Order, order.id), attention_cases.FROZEN)
    with f.act() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(
            "EXPLAIN SELECT * FROM attention_cases a JOIN orders o ON o.id = a.order_id"
            " ORDER BY since, order_id, why LIMIT 20")))
        assert "ix_attention_cases_since" in plan
        assert "Sort" not in plan
        assert [one.order_id for one in attention_cases.waiting(session, limit=1)] == [order.id]
