"""An inbox: a test order's webhooks for who has no server yet; the desk keeps and verifies them itself."""
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from standardwebhooks import Webhook

from portal.core import clock
from portal.core.commands import bind
from portal.core.db import db, transaction
from portal.core.errors import Invalid
from portal.webhooks import announce, outcome, queries, request_preview, service, signature
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, Resend, RotateSecret
from portal.webhooks.models import Delivery, Endpoint
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import listening

Send = Callable[[], int]


@pytest.fixture
def tester(shop: Shop) -> Shop:
    """The same store by a test key."""
    return replace(shop, key=replace(shop.key, live=False))


def open_inbox(tester: Shop) -> tuple[Endpoint, str]:
    with transaction() as session:
        return service.create_endpoint(session, tester.key, CreateEndpoint(kind="inbox", events=["*"]))


def tell(tester: Shop, live: bool = False) -> None:
    with transaction() as session:
        announce(session, [replace(tester.step("payin.completed"), live=live)])


def test_it_keeps_what_would_be_sent_and_says_that_it_verifies(tester: Shop, send: Send) -> None:
    _, secret = open_inbox(tester)
    tell(tester)
    send()
    (delivery,) = tester.deliveries()
    assert (delivery.state, delivery.response_status, delivery.response_text) == (
        "delivered", 200, "signature verified")
    delivery = queries.delivery(db.session(), tester.key, delivery.public_id)
    (attempt,) = queries.attempts(db.session(), delivery)
    body = request_preview.request_of(db.session(), delivery, with_link=False).body
    Webhook(secret).verify(body, request_preview.read_lines(attempt.request_head))  # a stranger's library agrees


def test_of_what_is_told_again_and_again_it_keeps_the_newest(tester: Shop, send: Send) -> None:
    """Nobody slows it down and nobody pays for it: a replay a minute would fill the desk's own books."""
    open_inbox(tester)
    tell(tester)
    tell(tester)
    send()
    again, once = tester.deliveries()
    for _ in range(6):
        with transaction() as session:
            service.resend(session, tester.key, Resend(delivery_id=again.public_id))
        send()

    def numbers(of: Delivery) -> list[int]:
        db.session.rollback()
        return [one.number for one in queries.attempts(db.session(), of)]

    assert numbers(again) == [3, 4, 5, 6, 7]
    assert numbers(once) == [1]


def test_what_was_sent_to_a_store_cannot_be_taken_away(shop: Shop, send: Send) -> None:
    """Not by the same way, whatever it is asked for."""
    with listening() as receiver:
        shop.endpoint(receiver.url)
        shop.tell(1)
        send()
    (delivery,) = shop.deliveries()
    with transaction() as session:
        assert session.scalar(outcome.TRIM, {"wanted": delivery.id, "newest": 0}) == 0
    assert len(queries.attempts(db.session(), delivery)) == 1


def test_after_a_new_secret_it_verifies_with_that(tester: Shop, send: Send) -> None:
    endpoint, _ = open_inbox(tester)
    with transaction() as session:
        service.rotate_secret(session, tester.key, RotateSecret(endpoint_id=endpoint.public_id))
    tell(tester)
    send()
    assert tester.deliveries()[0].state == "delivered"


def test_live_orders_are_told_to_no_inbox(shop: Shop, tester: Shop) -> None:
    with pytest.raises(service.InboxOfLive), transaction() as session:
        service.create_endpoint(session, shop.key, CreateEndpoint(kind="inbox", events=["*"]))
    endpoint, _ = open_inbox(tester)
    tell(tester, live=True)
    assert tester.deliveries() == []
    with pytest.raises(IntegrityError), transaction() as session:  # nor by any other way
        session.get_one(Endpoint, endpoint.id).live = True


def test_it_has_no_address_and_an_address_is_no_inbox(tester: Shop) -> None:
    for wrong in ({"kind": "inbox", "url": "http://127.0.0.1:9/x"}, {"kind": "url"}, {}):
        with pytest.raises(Invalid) as refusal:
            bind(CreateEndpoint, {"events": ["*"], **wrong})
        assert [one.code for one in refusal.value.fields] == ["url_or_inbox"]
    endpoint, _ = open_inbox(tester)
    with pytest.raises(service.InboxHasNoAddress), transaction() as session:
        service.change_endpoint(session, tester.key, ChangeEndpoint(
            endpoint_id=endpoint.public_id, url="http://127.0.0.1:9/x"))


@pytest.mark.parametrize("spoil", ["body", "key", "old"])
def test_what_is_not_ours_does_not_verify(spoil: str) -> None:
    key, body = signature.new_secret(), b'{"type":"x"}'
    signed = signature.headers("evt_1", clock.now(), body, [key])
    assert signature.verified(signed, body, key, clock.now())
    shown = body + b" " if spoil == "body" else body
    held = signature.new_secret() if spoil == "key" else key
    later = timedelta(seconds=signature.TOLERANCE_S + 2 if spoil == "old" else 0)
    assert not signature.verified(signed, shown, held, clock.now() + later)
