"""Developers: an inbox of the desk's own for test orders, and everything since a while ago told once more."""
from collections.abc import Callable
from html import unescape

from portal.core import jobs
from portal.core.db import transaction
from portal.webhooks import Announcement, announce, replays
from tests.web.developers.conftest import Desk, newest
from tests.web.inspect import faults
from tests.webhooks.receiver import listening

Send = Callable[[], int]


def open_inbox(desk: Desk, live: str = "no") -> int:
    return int(desk.send("/endpoints", desk.endpoint_form("", kind="inbox", live=live)).status_code)


def test_an_inbox_shows_bodies_and_that_they_verify(desk: Desk, send: Send) -> None:
    assert open_inbox(desk) == 201
    inbox = newest("whk", desk.page("/endpoints"))
    assert "An inbox keeps" in desk.page(f"/endpoints/{inbox}")
    with transaction() as session:
        announce(session, [Announcement(store_id=desk.store.id, live=False, type="payin.completed", version=2,
                                        payload={"id": "pin_1", "note": "<b>Ж</b>"})])
    send()
    html = desk.page(f"/deliveries/{desk.delivery()}")
    assert "Signature verified" in html
    assert '"note": "<b>Ж</b>"' in unescape(html)
    assert not faults(html, signed_in=True, language="en")


def test_a_live_inbox_is_refused(desk: Desk) -> None:
    assert open_inbox(desk, live="yes") == 409


def test_replayed_from_the_page(desk: Desk, send: Send) -> None:
    import tasks.webhooks  # noqa: F401

    broken = [500]
    with listening(lambda one: (broken[0], {}, b"")) as receiver:
        endpoint, _ = desk.make_endpoint(receiver.url)
        desk.tell()
        send()
        broken[0] = 200
        html = desk.page(f"/endpoints/{endpoint}/replay")
        assert not faults(html, signed_in=True, language="en")
        assert desk.send(f"/endpoints/{endpoint}/replay", {"span": "hour", "which": "undelivered"}).status_code == 303
        while jobs.run(replays.REPLAYS):
            pass
        send()
    assert len(receiver.received) == 2
    shown = desk.page(f"/endpoints/{endpoint}")
    assert "1 event since" in shown
    assert not faults(shown, signed_in=True, language="en")


def test_a_wrong_span_and_a_strangers_endpoint(desk: Desk, stranger: Desk) -> None:
    endpoint, _ = desk.make_endpoint("http://127.0.0.1:9/hook")
    assert desk.send(f"/endpoints/{endpoint}/replay", {"span": "century"}).status_code == 422
    assert stranger.send(f"/endpoints/{endpoint}/replay", {"span": "hour"}).status_code == 404
    stranger.page(f"/endpoints/{endpoint}/replay", 404)
