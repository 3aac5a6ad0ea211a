"""Deliveries in the portal: the log and its filters, one with its tries and its request, sent again."""
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import text

from portal.core import ids
from portal.core.db import db, transaction
from portal.orders import payment_links
from portal.webhooks import Announcement, announce
from tests.factories import at_the_same_time
from tests.web.developers.conftest import Desk, desk_of
from tests.web.inspect import faults
from tests.webhooks.receiver import listening

URL = "http://127.0.0.1:9/hook"


def test_one_shows_what_was_sent_and_each_answer(desk: Desk, send: Callable[[], int]) -> None:
    with listening(lambda one: (500, {}, b"<b>broken</b>")) as receiver:
        desk.make_endpoint(receiver.url)
        desk.tell()
        send()
    html = desk.page(f"/deliveries/{desk.delivery()}")
    words, request = unescape(html), receiver.received[0]
    for name in ("Content-Type", "User-Agent", "Content-Length", "webhook-id"):
        assert f"{name}: {request.headers[name.lower()]}" in words, name
    assert request.body.decode() in words, "the button copies the exact body"
    assert request.headers["webhook-signature"].split(",")[1] not in words
    assert "webhook-signature: v1,••••" in words
    assert "&lt;b&gt;broken&lt;/b&gt;" in html
    assert "500 · " in html
    assert not faults(html, signed_in=True, language="en")


def test_the_payment_link_is_shown_to_who_may_do_what_it_opens(app: Flask, desk: Desk) -> None:
    """Who may only read the log of deliveries cancelled orders by the link in a body."""
    owner, order_id = desk_of(app, "merchant_owner"), ids.new_id()
    for one in (desk, owner):
        one.make_endpoint(URL)
        one.tell(id=ids.public("pin", order_id), payment_url="https://desk.example/pay/once")
    path = payment_links.path_of(order_id)
    assert path not in desk.page(f"/deliveries/{desk.delivery()}")
    assert path in owner.page(f"/deliveries/{owner.delivery()}")


def test_the_log_is_narrowed_by_its_address(desk: Desk, send: Callable[[], int]) -> None:
    with listening() as receiver:
        first, _ = desk.make_endpoint(receiver.url, events=["payin.completed"])
        desk.tell("payin.completed")
        send()
    second, _ = desk.make_endpoint(URL, events=["payin.expired"])
    desk.tell("payin.expired")
    done, waiting = "payin.completed<", "payin.expired<"
    for query, sees, misses in ((f"endpoint={first}", done, waiting), (f"endpoint={second}", waiting, done),
                                ("state=delivered", done, waiting), ("state=pending", waiting, done),
                                ("type=payin.expired", waiting, done), ("mode=live", done, "nothing at all")):
        rows = desk.page(f"/deliveries?{query}").partition("<tbody")[2]
        assert sees in rows, query
        assert misses not in rows, query
    for query in ("mode=test", "order=pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB", "order=nonsense", "endpoint=nonsense"):
        assert "No delivery fits these filters" in desk.page(f"/deliveries?{query}"), query


@pytest.mark.parametrize("query", ["state=nonsense", "type=nonsense", "mode=nonsense", "after=nonsense"])
def test_an_unknown_filter_is_said(desk: Desk, query: str) -> None:
    desk.page(f"/deliveries?{query}", status=422)


def test_the_order_leads_to_its_deliveries(desk: Desk) -> None:
    desk.make_endpoint(URL)
    order_id = ids.new_id()
    with transaction() as session:
        announce(session, [Announcement(store_id=desk.store.id, live=True, type="payin.new", order_id=order_id,
                                        version=1, payload={"id": "pin_1"})])
    assert "payin.new" in desk.page(f"/deliveries?order={ids.public('pin', order_id)}").partition("<tbody")[2]


def test_sent_again_under_the_same_id(desk: Desk, send: Callable[[], int]) -> None:
    with listening() as receiver:
        desk.make_endpoint(receiver.url)
        desk.tell()
        send()
        delivery_id = desk.delivery()
        for _ in range(2):  # the second press came from the page that the first one was made on
            answer = desk.send(f"/deliveries/{delivery_id}/resending", {"after_attempts": "1"})
            assert answer.status_code == 303
        send()
        assert desk.send(f"/deliveries/{delivery_id}/resending", {"after_attempts": "1"}).status_code == 303
        send()
    assert len(receiver.ids) == 2, "once at first, once again"
    assert len(set(receiver.ids)) == 1
    acts = db.session.execute(text("SELECT count(*) FROM audit_rows WHERE action = 'webhook_delivery.resent'"
                                   " AND target_id = :id"), {"id": delivery_id}).scalar_one()
    assert acts == 1


def test_four_presses_at_once_send_it_once(desk: Desk, send: Callable[[], int]) -> None:
    with listening() as receiver:
        desk.make_endpoint(receiver.url)
        desk.tell()
        send()
        delivery_id = desk.delivery()
        outcomes = at_the_same_time(desk.app, [lambda: desk.send(
            f"/deliveries/{delivery_id}/resending", {"after_attempts": "1"}).status_code] * 4)
        send()
    assert outcomes == [303] * 4
    assert len(receiver.ids) == 2


def test_one_that_waits_for_its_next_try_goes_now(desk: Desk, send: Callable[[], int]) -> None:
    answers = [500, 200]
    with listening(lambda one: (answers.pop(0), {}, b"")) as receiver:
        desk.make_endpoint(receiver.url)
        desk.tell()
        send()
        assert "Trying again" in desk.page("/deliveries")
        desk.send(f"/deliveries/{desk.delivery()}/resending", {"after_attempts": "1"})
        send()
    assert len(receiver.ids) == 2
    assert "Delivered" in desk.page(f"/deliveries/{desk.delivery()}")


def test_not_while_its_endpoint_is_off(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    desk.tell()
    desk.send(f"/endpoints/{endpoint_id}/state", {"on": "no"})
    page = desk.page(f"/deliveries/{desk.delivery()}")
    assert "resending" not in page
    assert desk.send(f"/deliveries/{desk.delivery()}/resending").status_code == 409


def test_a_strangers_delivery_does_not_exist(desk: Desk, stranger: Desk) -> None:
    desk.make_endpoint(URL)
    desk.tell()
    delivery_id = desk.delivery()
    stranger.page(f"/deliveries/{delivery_id}", status=404)
    assert stranger.send(f"/deliveries/{delivery_id}/resending").status_code == 404
    assert delivery_id not in stranger.page("/deliveries")


def test_an_empty_log_says_what_will_be_there(desk: Desk) -> None:
    assert "Nothing was told yet" in desk.page("/deliveries")


def test_a_try_shows_the_heads_of_both_sides(desk: Desk, send: Callable[[], int]) -> None:
    with listening(lambda one: (500, {"X-Shop": "over <there>", "X-Long": "y" * 2000}, b"")) as receiver:
        desk.make_endpoint(receiver.url)
        desk.tell()
        send()
    words = unescape(desk.page(f"/deliveries/{desk.delivery()}"))
    assert "X-Shop: over <there>" in words
    assert "yyyy" not in words, "a kilobyte of whole lines is kept"
    assert f"webhook-timestamp: {receiver.received[0].headers['webhook-timestamp']}" in words
    assert receiver.received[0].headers["webhook-signature"].split(",")[1] not in words
