"""Receivers that fail: tried again, given up, switched off, sent once more by hand."""
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from portal.core import clock, jobs
from portal.core.audit import AuditRow
from portal.core.db import db, transaction
from portal.notices.models import Happening
from portal.webhooks import service
from portal.webhooks.announce import KIND
from portal.webhooks.commands import ChangeEndpoint, Resend
from portal.webhooks.models import Attempt, Delivery, DeliveryState, Endpoint
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import Received, bare, listening

Send = Callable[[], int]


def job_of(delivery: Delivery) -> jobs.Job | None:
    db.session.expire_all()
    return db.session.query(jobs.Job).filter_by(kind=KIND, reference=delivery.id).one_or_none()


def endpoint_of(shop: Shop) -> Endpoint:
    db.session.expire_all()
    return db.session.query(Endpoint).filter_by(store_id=shop.store.id).one()


def test_the_whole_schedule_and_then_the_merchant_is_told(shop: Shop, send: Send) -> None:
    with listening(lambda one: (500, {}, b"out of order")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        moved, gaps = timedelta(0), []
        for attempt in range(1, 11):
            with clock.moved(moved):
                send()
                send()  # nothing is due yet
                assert len(receiver.received) == attempt
                delivery = shop.deliveries()[0]
                assert delivery.attempts == attempt
                if delivery.next_attempt_at is None:
                    break
                assert delivery.last_attempt_at is not None
                gaps.append((delivery.next_attempt_at - delivery.last_attempt_at).total_seconds())
                moved += delivery.next_attempt_at - clock.now() + timedelta(milliseconds=5)
    assert attempt == 10
    expected = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert all(0.8 * pause <= gap <= 1.2 * pause for pause, gap in zip(expected, gaps, strict=True)), gaps
    assert len(set(receiver.ids)) == 1, "webhook-id stays"
    assert len({one.headers["webhook-timestamp"] for one in receiver.received}) > 1
    assert delivery.state == DeliveryState.FAILED
    assert (delivery.response_status, delivery.response_text) == (500, "out of order")
    endpoint = endpoint_of(shop)
    assert (endpoint.status, endpoint.disabled_because, endpoint.notice_pending) == ("disabled", "failing", True)
    audited = db.session.query(AuditRow).filter_by(
        target_id=endpoint.public_id, action="webhook_endpoint.disabled").one()
    assert (audited.actor_kind, audited.reason) == ("system", "failing")
    attempts = db.session.query(Attempt).filter_by(delivery_id=delivery.id).order_by(Attempt.number)
    assert [one.number for one in attempts] == list(range(1, 11))


def test_an_endpoint_that_takes_other_events_is_left_on(shop: Shop, send: Send) -> None:
    def picky(one: Received) -> tuple[int, dict[str, str], bytes]:
        return (500 if b"poison" in one.body else 200), {}, b""

    with listening(picky) as receiver:
        shop.endpoint(receiver.url)
        shop.tell(poison="poison")
        moved = timedelta(0)
        for _ in range(10):
            with clock.moved(moved):
                send()
                delivery = shop.deliveries()[0]
                if delivery.next_attempt_at is not None:
                    moved += delivery.next_attempt_at - clock.now() + timedelta(milliseconds=5)
                shop.tell()
                send()
    assert shop.deliveries()[0].state == DeliveryState.FAILED
    assert endpoint_of(shop).status == "active"


def test_410_switches_the_endpoint_off_at_once(shop: Shop, send: Send) -> None:
    with listening(lambda one: (410, {}, b"")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
        assert endpoint_of(shop).disabled_because == "gone"
        with transaction() as session:  # its people are told
            facts = session.scalars(select(Happening.facts).where(
                Happening.audience_id == endpoint_of(shop).store_id, Happening.event == "webhook.disabled")).one()
        assert facts["endpoint"] == endpoint_of(shop).public_id
        assert shop.deliveries()[0].state == DeliveryState.FAILED
        shop.tell()
        send()
        assert len(receiver.received) == 1
    assert len(shop.deliveries()) == 1, "a disabled endpoint is told nothing more"


def test_what_waits_for_a_disabled_endpoint_is_dropped(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell(3)
        with transaction() as session:
            service.change_endpoint(session, shop.key, ChangeEndpoint(endpoint_id=endpoint.public_id, active=False))
        send()
        assert receiver.received == []
    assert {d.state for d in shop.deliveries()} == {"dropped"}
    assert all(job_of(delivery) is None for delivery in shop.deliveries())


def test_retry_after_is_honoured_and_bounded(shop: Shop, send: Send) -> None:
    asked = iter(["120", "99999999"])
    with listening(lambda one: (503, {"Retry-After": next(asked)}, b"")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
        delivery = shop.deliveries()[0]
        assert delivery.next_attempt_at is not None
        assert 119 < (delivery.next_attempt_at - clock.now()).total_seconds() <= 120
        with clock.moved(timedelta(seconds=121)):
            send()
            delivery = shop.deliveries()[0]
            assert delivery.next_attempt_at is not None
            assert 86_390 < (delivery.next_attempt_at - clock.now()).total_seconds() <= 86_400
    assert len(receiver.received) == 2


def test_a_redirect_is_a_failure(shop: Shop, send: Send) -> None:
    with bare() as inside, listening(
            lambda one: (302, {"Location": f"http://127.0.0.1:{inside.port}/"}, b"")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
        assert inside.connections == 0
    delivery = shop.deliveries()[0]
    assert (delivery.state, delivery.response_status) == ("pending", 302)


def test_resending_keeps_the_id_and_begins_the_schedule_anew(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
        with transaction() as session:
            service.resend(session, shop.owner, Resend(delivery_id=shop.deliveries()[0].public_id))
        send()
        receiver.answer = lambda one: (500, {}, b"")
        with transaction() as session:
            service.resend(session, shop.owner, Resend(delivery_id=shop.deliveries()[0].public_id))
        send()
    delivery = shop.deliveries()[0]
    assert len(receiver.received) == 3
    assert len(set(receiver.ids)) == 1
    assert (delivery.attempts, delivery.begun_at_attempt, delivery.state) == (3, 2, "pending")
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at - clock.now() < timedelta(seconds=7), "the first pause again"


def test_resending_one_that_waits_sends_it_now(shop: Shop, send: Send) -> None:
    with listening(lambda one: (503, {"Retry-After": "3600"}, b"")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
        receiver.answer = lambda one: (200, {}, b"")
        with transaction() as session:
            service.resend(session, shop.key, Resend(delivery_id=shop.deliveries()[0].public_id))
        send()
    assert shop.deliveries()[0].state == DeliveryState.DELIVERED
    assert len(receiver.received) == 2
