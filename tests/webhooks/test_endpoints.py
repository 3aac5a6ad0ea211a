"""Naming endpoints: who may, what is refused, whose they are, what is kept of their secrets."""
from collections.abc import Callable

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from portal.core.access import Actor, ActorKind, Role
from portal.core.audit import AuditRow
from portal.core.commands import bind
from portal.core.db import db, transaction
from portal.core.errors import Invalid, NotFound
from portal.webhooks import queries, service, view
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, DeleteEndpoint, Ping, Resend, RotateSecret
from portal.webhooks.service import ENDPOINTS_MAX, EndpointDisabled, TooManyEndpoints
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import listening

URL = "http://127.0.0.1:9/hook"


def test_the_secret_is_told_once_and_kept_sealed(shop: Shop) -> None:
    endpoint, secret = shop.endpoint(URL)
    assert secret.startswith("whsec_")
    Webhook(secret)
    assert view.endpoint(endpoint, secret=secret)["secret"] == secret
    assert "secret" not in view.endpoint(endpoint)
    kept = db.session.execute(text("SELECT row_to_json(e)::text FROM webhook_endpoints e WHERE id = :id"),
                              {"id": endpoint.id}).scalar_one()
    audited = db.session.execute(text("SELECT string_agg(a::text, '') FROM audit_rows a WHERE target_id = :id"),
                                 {"id": endpoint.public_id}).scalar_one()
    for place in (kept, audited):
        assert secret not in place
        assert secret.removeprefix("whsec_").encode().hex() not in place


@pytest.mark.parametrize(("sent", "field"), [
    ({"url": URL, "events": []}, "/events"), ({"url": URL, "events": ["*", "payin.new"]}, "/events"),
    ({"url": URL, "events": ["payin.review"]}, "/events"), ({"url": URL, "events": "*"}, "/events"),
    ({"url": URL, "events": [1]}, "/events/0"), ({"url": 1, "events": ["*"]}, "/url"), ({"events": ["*"]}, "/url"),
    ({"url": URL}, "/events"), ({"url": URL, "events": ["*"], "store_id": "x"}, "/store_id"),
    ({"url": URL, "events": ["*"], "description": "a\x00"}, "/description"),
    ({"url": URL, "events": ["*"], "description": "a" * 201}, "/description")])
def test_what_is_not_well_formed_is_refused(sent: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        bind(CreateEndpoint, sent)
    assert [one.field for one in refusal.value.fields] == [field]


def test_sixteen_endpoints_and_no_more(shop: Shop) -> None:
    made = [shop.endpoint(f"{URL}/{number}") for number in range(ENDPOINTS_MAX)]
    with pytest.raises(TooManyEndpoints):
        shop.endpoint(URL)
    with transaction() as session:
        service.delete_endpoint(session, shop.key, DeleteEndpoint(endpoint_id=made[0][0].public_id))
    shop.endpoint(URL)


def test_lists_are_paged_newest_first(shop: Shop) -> None:
    made = [shop.endpoint(f"{URL}/{number}")[0].public_id for number in range(5)]
    seen, cursor = [], None
    while True:
        page = queries.endpoints(db.session(), shop.key, cursor=cursor, limit=2)
        seen += [one.public_id for one in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_merchants_people_name_the_store(shop: Shop, stranger: Shop) -> None:
    with transaction() as session:
        endpoint, _ = service.create_endpoint(session, shop.owner, CreateEndpoint(url=URL, events=["*"]),
                                              store_id=shop.store.id, live=False)
    assert (endpoint.store_id, endpoint.live) == (shop.store.id, False)
    with pytest.raises(NotFound), transaction() as session:
        service.create_endpoint(session, shop.owner, CreateEndpoint(url=URL, events=["*"]),
                                store_id=stranger.store.id, live=True)


def test_a_stranger_sees_and_changes_nothing(shop: Shop, stranger: Shop, send: Callable[[], int]) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell()
        send()
    delivery = shop.deliveries()[0]
    test_key = Actor(kind=ActorKind.KEY, store_id=shop.store.id, live=False)
    trader = Actor(kind=ActorKind.USER, role=Role.TRADER)
    acts: list[Callable[..., object]] = [
        lambda s, a: queries.endpoint(s, a, endpoint.public_id),
        lambda s, a: queries.delivery(s, a, delivery.public_id),
        lambda s, a: service.change_endpoint(s, a, ChangeEndpoint(endpoint_id=endpoint.public_id, active=False)),
        lambda s, a: service.rotate_secret(s, a, RotateSecret(endpoint_id=endpoint.public_id)),
        lambda s, a: service.delete_endpoint(s, a, DeleteEndpoint(endpoint_id=endpoint.public_id)),
        lambda s, a: service.ping(s, a, Ping(endpoint_id=endpoint.public_id)),
        lambda s, a: service.resend(s, a, Resend(delivery_id=delivery.public_id))]
    for actor in (stranger.key, stranger.owner, test_key, trader):
        for act in acts:
            with pytest.raises(NotFound), transaction() as session:
                act(session, actor)
        assert queries.endpoints(db.session(), actor).rows == []
        assert queries.deliveries(db.session(), actor).rows == []
        assert queries.events(db.session(), actor).rows == []
        assert queries.deliveries_of_order(db.session(), actor, _order_of(shop)) == []
    assert [d.id for d in queries.deliveries_of_order(db.session(), shop.owner, _order_of(shop))] == [delivery.id]


def _order_of(shop: Shop) -> object:
    order_id = queries.events(db.session(), shop.key).rows[0].order_id
    assert order_id is not None
    return order_id


def test_a_ping_goes_to_this_endpoint_whatever_it_wants(shop: Shop, send: Callable[[], int]) -> None:
    with listening() as receiver, listening() as other:
        endpoint, secret = shop.endpoint(receiver.url, ["payin.expired"])
        shop.endpoint(other.url)
        with transaction() as session:
            delivery = service.ping(session, shop.key, Ping(endpoint_id=endpoint.public_id))
        send()
    assert other.received == []
    told = Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    assert (told["type"], told["data"]) == ("test.ping", {"endpoint": endpoint.public_id})
    assert delivery.public_id.startswith("dlv_")


def test_off_and_on_again(shop: Shop, send: Callable[[], int]) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        for active in (False, True):
            with transaction() as session:
                command = ChangeEndpoint(endpoint_id=endpoint.public_id, active=active)
                service.change_endpoint(session, shop.key, command)
            if not active:
                shop.tell()
                with pytest.raises(EndpointDisabled), transaction() as session:
                    service.ping(session, shop.key, Ping(endpoint_id=endpoint.public_id))
        shop.tell()
        send()
    assert len(receiver.received) == 1
    actions = [row.action for row in db.session.query(AuditRow).filter_by(target_id=endpoint.public_id)
               .order_by(AuditRow.id)]
    assert actions == ["webhook_endpoint.created", "webhook_endpoint.changed", "webhook_endpoint.changed"]


def test_the_history_of_a_delivery_is_shown(shop: Shop, send: Callable[[], int]) -> None:
    with listening(lambda one: (500, {}, b"<b>no</b>")) as receiver:
        shop.endpoint(receiver.url)
        shop.tell()
        send()
    delivery = queries.deliveries(db.session(), shop.owner, store_id=shop.store.id, live=True, state="pending").rows[0]
    shown = view.delivery(delivery)
    assert shown["response"] | {"duration_ms": 0, "headers": {}} == {
        "status": 500, "duration_ms": 0, "error": None, "headers": {}, "body": "<b>no</b>"}
    assert shown["response"]["headers"]["content-length"] == "9"
    assert (shown["status"], shown["attempts"], shown["type"]) == ("pending", 1, "payin.completed")
    assert [(one.number, one.status) for one in queries.attempts(db.session(), delivery)] == [(1, 500)]
    event = queries.event(db.session(), shop.key, shown["event_id"])
    assert view.event(event, {}, with_link=False)["data"]["id"] == "pin_0"
