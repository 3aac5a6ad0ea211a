"""The one public JSON: the gateway's shape to the key, and a number nowhere in full."""
import json
import re
from decimal import Decimal

from sqlalchemy import select

from portal.core.clock import rfc3339
from portal.orders import payment_links, row, view
from portal.orders.models import MatchTry, OrderEvent
from portal.requisites import numbers
from portal.requisites.models import Requisite
from portal.webhooks import payload
from tests import factories as f

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_exactly_the_answer_of_the_gateways_page(cast):
    made = f.create_payin(cast, external_id="order-1042", bank="alfa", description="Order 1042",
                          customer={"id": "u-77", "name": "I. Petrov", "ip": "203.0.113.7"},
                          return_url="https://shop.example/thanks", metadata={"cart": "9"})
    order, answer = f.fresh(made.order), made.answer
    assert answer == {
        "id": order.public_id, "object": "payin", "status": "new", "external_id": "order-1042",
        "amount": "1500.00", "amount_to_pay": "1500.00", "currency": "RUB",
        "settlement": {"currency": "USDT", "amount": "16.304348", "fee": "0.407609", "net": "15.896739",
                       "rate": "92.000000", "rate_at": rfc3339(order.rate_at)},
        "method": cast.method, "bank": "alfa", "payment_url": answer["payment_url"], "requisite": None,
        "customer": {"id": "u-77"}, "metadata": {"cart": "9"}, "description": "Order 1042",
        "return_url": "https://shop.example/thanks", "amount_received": None, "exactness": None, "late": False,
        "failure": None, "live": True, "version": 1,
        "events": [{"type": "payin.new", "at": rfc3339(order.created_at)}], "created_at": rfc3339(order.created_at),
        "expires_at": None, "assigned_at": None, "paid_at": None, "confirmed_at": None, "completed_at": None,
        "ended_at": None}
    assert answer["payment_url"].endswith(payment_links.path_of(order.id))
    assert MOMENT.fullmatch(answer["created_at"])
    assert view.public(row.as_created(order)) == answer  # rebuilt from the row, byte for byte
    assert json.dumps(view.public(row.as_created(order))) == json.dumps(answer)


def test_the_first_answer_is_the_same_whatever_has_happened_since(ready):
    made = f.create_payin(ready)
    first = json.dumps(made.answer)
    f.work_off()
    assert json.dumps(view.public(row.as_created(f.fresh(made.order)))) == first
    f.mark_paid(ready.customer(made.order), made.order)
    f.confirm(f.its_trader(made.order), made.order)
    f.work_off("settle_order")
    assert json.dumps(view.public(row.as_created(f.fresh(made.order)))) == first


def test_the_requisite_is_shown_while_the_order_is_to_be_paid(ready):
    order = f.assigned_payin(ready)
    where = _requisite(order)
    shown = view.public(order, view.requisite_of(where, holder="A. Holder"))
    assert shown["requisite"] == {"method": ready.method, "bank": {"code": "alfa", "name": "Alfa-Bank"},
                                  "number": where.mask, "holder": "A. Holder"}
    assert re.fullmatch(r"\d{6}\*{6}\d{4}", where.mask)
    f.cancel(ready.key, order)
    assert view.public(f.fresh(order), view.requisite_of(where, holder="A. Holder"))["requisite"] is None


def test_a_failure_has_a_code_and_a_sentence(cast):
    order = cast.order()
    f.change(order, status="failed", failure_code="no_requisite")
    assert view.public(f.fresh(order))["failure"] == {
        "code": "no_requisite", "message": "Nobody could take this payment in time."}


def test_events_carry_what_the_store_is_told_as_of_their_step(ready):
    order = f.completed_payin(ready)
    events = _events(order)
    assert [event.payload["status"] for event in events] == ["new", "assigned", "paid", "confirmed", "completed"]
    assert [event.payload["version"] for event in events] == [1, 2, 3, 4, 5]
    assert [event.payload["requisite"] is not None for event in events] == [False, True, True, False, False]
    assert payload.whole(events[-1].payload, {}, event="evt_1", with_link=True) == view.public(order)
    assert events[-1].payload["amount_received"] == "1500.00"


def test_the_number_in_full_is_in_nothing_that_is_kept(ready):
    order = f.completed_payin(ready)
    requisite = _requisite(order)
    with f.look() as session:
        number = numbers.reveal(session, session.get_one(Requisite, requisite.id))
        tries = session.scalars(select(MatchTry).where(MatchTry.order_id == order.id)).all()
    kept = json.dumps([[event.payload, event.details] for event in _events(order)] + [t.funnel for t in tries])
    assert requisite.mask in kept
    assert number not in kept
    assert number[6:12] not in kept.replace(requisite.mask, "")


def test_rates_have_six_digits_or_as_many_as_they_need():
    assert [view.rate_text(Decimal(rate)) for rate in ("92", "92.5", "0.010869565217", "1E+2")] == [
        "92.000000", "92.500000", "0.010869565217", "100.000000"]


def _events(order) -> list[OrderEvent]:
    with f.look() as session:
        return list(session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)
                                    .order_by(OrderEvent.version)))


def _requisite(order) -> Requisite:
    assignment = f.assignments_of(order)[-1]
    with f.look() as session:
        return session.get_one(Requisite, assignment.requisite_id)
