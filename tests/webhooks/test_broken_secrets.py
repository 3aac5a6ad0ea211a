"""An endpoint whose secret does not open: its own deliveries fail and are tried again, and nobody else's wait."""
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, update
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from portal.core import clock
from portal.core.db import db, transaction
from portal.webhooks import backoff, claims, service
from portal.webhooks.commands import RotateSecret
from portal.webhooks.models import SECRET_NOT_OPENED, Attempt, Delivery, Endpoint
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import listening

Send = Callable[[], int]
LOST = b"gone."  # the name of a master key that no setting holds


def write(endpoint: Endpoint, column: str, sealed: bytes) -> None:
    with transaction() as session:
        session.execute(update(Endpoint).where(Endpoint.id == endpoint.id).values({column: sealed}))


def of(shop: Shop, endpoint: Endpoint) -> list[Delivery]:
    return [one for one in shop.deliveries() if one.endpoint_id == endpoint.id]


def tries(delivery: Delivery) -> list[tuple[str | None, str | None]]:
    rows = db.session.query(Attempt).filter_by(delivery_id=delivery.id).order_by(Attempt.number)
    return [(one.error, one.outcome.error) for one in rows]


@pytest.fixture(autouse=True)
def _no_broken_secret_stays(app: Flask) -> Iterator[None]:
    """No process starts on a database that holds what none of its keys opens."""
    yield
    with transaction() as session:
        session.execute(update(Endpoint).where(func.substr(Endpoint.secret_sealed, 1, len(LOST)) == LOST)
                        .values(secret_sealed=b""))


@pytest.mark.parametrize("column", ["secret_sealed", "previous_secret_sealed"])
@pytest.mark.parametrize("broken", [LOST + b"of a key that is no more", b"", "cut", "of another"])
def test_it_is_a_failed_try_of_its_own_and_goes_out_once_the_secret_is_put_back(
        shop: Shop, send: Send, column: str, broken: bytes | str) -> None:
    """It opened within the claim: while one such was due, no store was told anything."""
    with listening() as at_fault, listening() as receiver:
        endpoint, _ = shop.endpoint(at_fault.url)
        other, others_secret = shop.endpoint(receiver.url)
        with transaction() as session:
            _, secret = service.rotate_secret(session, shop.key, RotateSecret(endpoint_id=endpoint.public_id))
        with transaction() as session:
            kept = getattr(session.get_one(Endpoint, endpoint.id), column)
            elsewhere = session.get_one(Endpoint, other.id).secret_sealed
        write(endpoint, column, {"cut": kept[:20], "of another": elsewhere}.get(broken, broken))
        shop.tell(claims.ENDPOINT_MAX)  # all places of an endpoint
        with capture_logs() as said:
            send()
        assert len(receiver.received) == claims.ENDPOINT_MAX
        for one in receiver.received:
            Webhook(others_secret).verify(one.body, one.headers)
        assert at_fault.received == []
        for delivery in of(shop, endpoint):
            assert (delivery.state, delivery.attempts, delivery.response_status) == ("pending", 1, None)
            assert delivery.next_attempt_at > clock.now(), "in its turn"
            assert tries(delivery) == [(SECRET_NOT_OPENED, SECRET_NOT_OPENED)], "kept so, and read so by its store"
        told = [(one["endpoint"], one["log_level"]) for one in said if one["event"] == SECRET_NOT_OPENED]
        assert told == [(endpoint.public_id, "error")] * claims.ENDPOINT_MAX

        write(endpoint, column, kept)
        with clock.moved(timedelta(seconds=10)):
            send()
        assert len(at_fault.received) == claims.ENDPOINT_MAX
        for one in at_fault.received:
            Webhook(secret).verify(one.body, one.headers)
    assert {one.state for one in shop.deliveries()} == {"delivered"}


@pytest.mark.parametrize("mended_at_last", [False, True])
def test_its_endpoint_is_not_switched_off(shop: Shop, send: Send, mended_at_last: bool) -> None:
    """The fault is the desk's: its store would have to switch it on again, and miss what came meanwhile. Mended before
    the last try, that one failure of the receiver's was told as days in which it took nothing."""
    with listening(lambda one: (500, {}, b"")) as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        kept = endpoint.secret_sealed
        write(endpoint, "secret_sealed", LOST + b"broken")
        shop.tell()
        moved, last = timedelta(0), len(backoff.PAUSES_S)
        for number in range(last + 1):
            if mended_at_last and number == last:
                write(endpoint, "secret_sealed", kept)
            with clock.moved(moved):
                send()
                due = shop.deliveries()[0].next_attempt_at
                moved += (due or clock.now()) - clock.now() + timedelta(milliseconds=5)
        assert len(receiver.received) == mended_at_last
    delivery = shop.deliveries()[0]
    assert (delivery.state, delivery.attempts) == ("failed", len(backoff.PAUSES_S) + 1)
    assert db.session.get_one(Endpoint, endpoint.id).status == "active"


def test_a_store_heals_it_by_a_new_secret(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        write(endpoint, "secret_sealed", b"")
        with transaction() as session:
            _, secret = service.rotate_secret(session, shop.key, RotateSecret(endpoint_id=endpoint.public_id))
        shop.tell(1)
        send()
        [one] = receiver.received
        Webhook(secret).verify(one.body, one.headers)
