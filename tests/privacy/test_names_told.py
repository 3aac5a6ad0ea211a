"""Names in what stores are told: sealed where they are kept, told for as long as they are, and never after that."""
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from portal.core import clock, crypto, jobs, seal_check, seals
from portal.core.access import SCOPES
from portal.core.db import db
from portal.orders import replacing
from portal.orders.models import Order
from portal.webhooks import backoff, claims, payload, queries, replays, request_preview, service, view
from portal.webhooks.commands import CreateEndpoint, ReplayEvents
from portal.webhooks.models import NAME_NOT_OPENED, Attempt, Delivery
from tests import factories as f
from tests import people
from tests.gateway.conftest import Shop
from tests.privacy.erasing import erase
from tests.statements import statements
from tests.waiting import until
from tests.webhooks.receiver import Receiver, listening

PERSON, FIRST, SECOND = "Zinaida Kanareikina", "Anna Pervaya", "Boris Vtoroy"
BEGAN = clock.now()
WHOLE_ROWS = "SELECT e::text FROM order_events e UNION ALL SELECT e::text FROM webhook_events e"


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    return f.new_cast()


@pytest.fixture
def receiver(cast) -> Iterator[Receiver]:
    """Of the cast's store: it is told everything."""
    with listening() as receiver:
        with f.act() as session:
            service.create_endpoint(session, cast.key, CreateEndpoint(url=receiver.url, events=["*"]))
        yield receiver


def send() -> None:
    while jobs.run("deliver_webhook"):
        pass


def told(receiver: Receiver, part: str) -> list[dict[str, Any]]:
    """What came of this part of orders, in the order of their versions."""
    sent = [json.loads(one.body)["data"] for one in receiver.received]
    return [one[part] for one in sorted((one for one in sent if one.get(part)), key=lambda one: one["version"])]


def holders_of(parts: list[dict[str, Any]]) -> list[str | None]:
    return [part["holder"] for part in parts]


def rows() -> str:
    with f.look() as session:
        return "\n".join(session.scalars(text(WHOLE_ROWS)))


def a_payout(cast: f.Cast, **asked: Any) -> Order:
    """Completed."""
    order = f.paid_payout(cast, destination={"method": cast.method, "number": "2200700799887749", "holder": PERSON},
                          **asked)
    f.agree(cast.key, order)
    f.work_off("settle_order")
    return f.fresh(order)


def replay(cast: f.Cast) -> None:
    with f.act() as session:
        endpoint = queries.endpoints(session, cast.key).rows[0]
        replays.replay(session, cast.key, ReplayEvents(endpoint_id=endpoint.public_id,
                                                       since=BEGAN - timedelta(minutes=5)))
    while jobs.run(replays.REPLAYS):
        pass
    send()


def all_sealed() -> None:
    def nothing_waits() -> bool:
        with f.act() as session:
            seals.seal(session)
        with f.look() as session:
            return seals.state(session).waiting_since is None

    assert until(nothing_waits, within_s=30)


def shown(cast: f.Cast) -> list[dict[str, Any]]:
    """As `GET /events` shows them, oldest first."""
    with f.look() as session:
        events = queries.events(session, cast.key).rows[::-1]
        named = payload.names(session, [one.payload for one in events])
        return [view.event(one, named, with_link=True)["data"] for one in events]


def test_a_payouts_recipient_is_told_until_he_is_erased(cast, receiver):
    """His name stood in clear in rows that nobody may change, and an erasure left it there."""
    order = a_payout(cast, customer={"id": "c-77"})
    send()
    before = told(receiver, "destination")
    assert len(before) >= 4
    assert holders_of(before) == [PERSON] * len(before)
    assert holders_of([one["destination"] for one in shown(cast) if "destination" in one]) == holders_of(before)
    kept = rows()
    assert order.public_id in kept
    assert PERSON not in kept
    all_sealed()

    erase(cast, "c-77")
    receiver.received.clear()
    replay(cast)
    assert told(receiver, "destination") == [part | {"holder": None} for part in before], "all else as it was told"
    assert holders_of([one["destination"] for one in shown(cast) if "destination" in one]) == [None] * len(before)
    with f.look() as session:
        delivery = queries.deliveries_of_order(session, cast.owner, order.id)[0]
        body = request_preview.request_of(session, delivery, with_link=True).body
    assert json.loads(body)["data"]["destination"]["holder"] is None, "on the page of a delivery too"
    assert set(kept.splitlines()) <= set(rows().splitlines()), "no row was touched"
    all_sealed()
    with Session(db.engine) as session:
        assert list(seal_check.check(session).wrong) == []


def test_each_step_tells_the_holder_of_its_own_attempt(cast, receiver):
    """The payer exchanged the first requisite for the second: what was told of the first stays its holder's name."""
    for name in (FIRST, SECOND):
        cast.requisite(cast.trader(), holder=name)
    order = f.assigned_payin(cast, customer={"id": "c-78"})
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    f.mark_paid(cast.customer(order), f.fresh(order))
    f.confirm(f.its_trader(order), order)
    f.work_off("settle_order")
    send()
    first, *later = holders_of(told(receiver, "requisite"))
    assert {first, *later} == {FIRST, SECOND}
    assert later == [later[0]] * 2
    assert first != later[0]
    kept = rows()
    assert FIRST not in kept
    assert SECOND not in kept
    erase(cast, "c-78")
    receiver.received.clear()
    replay(cast)
    assert holders_of(told(receiver, "requisite")) == [first, *later], "a trader's person did not ask to be erased"


def test_names_are_asked_for_once_however_many_are_told(cast, receiver):
    for amount in ("1500.00", "1501.00"):
        f.assigned_payout(cast, amount)
    with statements() as seen:
        taken = [parcel.told() for parcel in claims.claim(16, alone=False)]
    assert [one["destination"]["holder"] for one in taken] == ["I PETROV"] * claims.ENDPOINT_MAX
    assert len(asked_for_names(seen)) == 1
    with statements() as seen:
        assert [one["destination"]["holder"] for one in shown(cast)] == ["I PETROV"] * 4
    assert len(asked_for_names(seen)) == 1
    with statements() as seen:
        assert shown(f.new_cast()) == []
    assert asked_for_names(seen) == []


def asked_for_names(seen: list[str]) -> list[str]:
    return [one for one in seen if "name_sealed" in one and "recipient_sealed" in one]


@pytest.fixture
def broken(cast, receiver) -> Iterator[Order]:
    """Of three payouts the one whose recipient's name does not open; nothing was sent yet. Each told two events."""
    orders = [f.assigned_payout(cast, amount) for amount in ("1500.00", "1501.00", "1502.00")]
    f.change(orders[1], recipient_sealed=seal_that_was_cut())
    return orders[1]


def seal_that_was_cut() -> bytes:
    return crypto.seal("I PETROV", place="orders|recipient_sealed|x")[:8]


def lines(told: list[Any]) -> list[dict[str, Any]]:
    return [line for line in told if line["event"] == "name_not_opened"]


def test_a_name_that_does_not_open_is_null_in_the_feed_and_ends_no_paging(fresh_app, cast, broken):
    """One such row was a 500, and whoever paged stood before it for good."""
    shop = Shop(fresh_app, cast.store, "", None).with_scopes(*SCOPES)
    with capture_logs() as said:
        answer = shop.get("/events")
    assert answer.status_code == 200
    told = answer.json["data"]
    assert len(told) == 6
    nameless = {one["id"] for one in told if one["data"]["destination"]["holder"] is None}
    assert nameless == {one["id"] for one in told if one["data"]["id"] == broken.public_id}
    assert {one["data"]["destination"]["holder"] for one in told if one["id"] not in nameless} == {"I PETROV"}
    assert sorted((line["event_id"], line["keeper"], line["log_level"]) for line in lines(said)) == [
        (event, broken.public_id, "error") for event in sorted(nameless)]
    assert "PETROV" not in str(said)
    paged, cursor = [], {}
    while cursor is not None:
        page = shop.get("/events", limit=1, **cursor).json
        paged += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}
    assert paged == [one["id"] for one in told]
    assert shop.get(f"/events/{min(nameless)}").status_code == 200


def test_the_page_of_a_delivery_whose_name_does_not_open_opens(fresh_app, cast, broken):
    send()
    with f.look() as session:
        delivery = queries.deliveries_of_order(session, cast.owner, broken.id)[0].public_id
    shop = Shop(fresh_app, cast.store, "", None).with_scopes(*SCOPES)
    with capture_logs() as said:
        told = shop.get(f"/webhook-deliveries/{delivery}").json
    assert json.loads(told["request"]["body"])["data"]["destination"]["holder"] is None
    assert len(lines(said)) == 1
    assert told["response"] == {"status": None, "duration_ms": None, "error": NAME_NOT_OPENED, "headers": {},
                                "body": None}
    assert [(one["error"], one["request_headers"]) for one in told["tries"]][:1] == [(NAME_NOT_OPENED, {})]
    owner = people.seat(fresh_app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    page = owner.get(f"/merchant/developers/deliveries/{delivery}")
    assert page.status_code == 200
    assert "Name not opened" in page.get_data(as_text=True)


def test_a_name_that_does_not_open_is_a_failed_try_and_is_told_once_it_opens(cast, receiver):
    """Such a delivery held a place of its endpoint for 45 s, without a try that its store saw: four held them all."""
    orders = [f.assigned_payout(cast, amount) for amount in ("1500.00", "1501.00")]
    sealed = [f.fresh(order).recipient_sealed for order in orders]
    for order in orders:
        f.change(order, recipient_sealed=seal_that_was_cut())
    other = f.create_payin(cast).order
    with capture_logs() as said:
        send()
    assert [json.loads(one.body)["data"]["id"] for one in receiver.received] == [other.public_id], "at once"
    kept = deliveries(cast, orders)
    assert len(kept) == claims.ENDPOINT_MAX
    for delivery, tries in kept:
        assert (delivery.state, delivery.response_error) == ("pending", NAME_NOT_OPENED)
        assert delivery.next_attempt_at is not None
        assert [one.error for one in tries] == [NAME_NOT_OPENED] * delivery.attempts != []
    assert {(line["event_id"], line["keeper"]) for line in lines(said)} == {
        (delivery.event.public_id, order.public_id) for order in orders for delivery, _ in deliveries(cast, [order])}
    f.accept(f.its_trader(orders[0]), orders[0])
    assert f.fresh(orders[0]).accepted_at is not None, "nor does the order stand still"

    for order, before in zip(orders, sealed, strict=True):
        f.change(order, recipient_sealed=before)
    receiver.received.clear()
    with clock.moved(timedelta(seconds=10)):
        send()
    assert set(holders_of(told(receiver, "destination"))) == {"I PETROV"}
    assert {delivery.state for delivery, _ in deliveries(cast, orders)} == {"delivered"}


def test_an_endpoint_is_not_switched_off_for_names_that_do_not_open(cast, receiver):
    """The fault is the desk's: its store would have to switch it on again, and miss what came meanwhile."""
    order = f.assigned_payout(cast)
    f.change(order, recipient_sealed=b"gone.broken")
    moved = timedelta(0)
    for _ in range(len(backoff.PAUSES_S) + 1):
        with clock.moved(moved):
            send()
            due = [one.next_attempt_at for one, _ in deliveries(cast, [order]) if one.next_attempt_at is not None]
            moved += max(due, default=clock.now()) - clock.now() + timedelta(milliseconds=5)
    assert {(one.state, one.attempts) for one, _ in deliveries(cast, [order])} == {("failed", 10)}
    assert receiver.received == []
    with f.look() as session:
        assert [one.status for one in queries.endpoints(session, cast.key).rows] == ["active"]


def deliveries(cast: f.Cast, orders: list[Order]) -> list[tuple[Delivery, list[Attempt]]]:
    with f.look() as session:
        return [(one, list(queries.attempts(session, one)))
                for order in orders for one in queries.deliveries_of_order(session, cast.owner, order.id)]
