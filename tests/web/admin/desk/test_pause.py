"""The switch on the desk's page, and the banner that everybody sees while the desk stands still."""
from collections.abc import Iterator

import pytest
from flask import Flask

from portal import reference
from portal.core.access import SYSTEM
from portal.orders import payment_links
from portal.reference import pausing
from tests import factories, people
from tests.factories import Cast
from tests.web.inspect import faults


@pytest.fixture(autouse=True)
def _afterwards(app: Flask) -> Iterator[None]:
    yield
    if reference.snapshot().pause is not None:
        with factories.act() as session:
            pausing.resume(session, SYSTEM, pausing.ResumeDesk())


def read(seat: people.Seat, path: str) -> str:
    answer = seat.get(path)
    assert answer.status_code == 200, path
    html = str(answer.get_data(as_text=True))
    assert not faults(html, signed_in=not path.startswith("/pay"), language="en"), path
    return html


def test_everybody_is_told_and_only_staff_why(app: Flask, cast: Cast, admin: people.Seat) -> None:
    order = factories.create_payin(cast).order
    factories.cancel(cast.key, order)
    pages = {
        "staff": (admin, "/admin/orders"),
        "merchant": (people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id)), "/merchant/"),
        "trader": (people.seat(app, people.person("trader")), "/trader/orders"),
        "payer": (people.stranger(app), f"/pay/{payment_links.token_of(order.id)}")}
    assert "Stop taking orders" in read(admin, "/admin/")
    for seat, path in pages.values():
        assert "Back at noon" not in read(seat, path)
    form = {"for_minutes": "60", "reason": "A key has leaked", "message": "Back at noon"}
    assert admin.send("/admin/pause", form).status_code == 303
    for who, (seat, path) in pages.items():
        html = read(seat, path)
        assert ("Back at noon" in html) == (who != "staff"), who
        assert ("A key has leaked" in html) == (who == "staff"), who
    assert "A key has leaked" in read(admin, "/admin/pause")
    for who, (seat, _) in list(pages.items())[:3]:
        banner = seat.get("/paused", headers={"HX-Request": "true"}).get_data(as_text=True)
        assert banner.count("<div") == 1
        assert ("A key has leaked" in banner) == (who == "staff"), who
    assert admin.send("/admin/pause/end", {}).status_code == 303
    assert "leaked" not in read(admin, "/admin/orders")
    assert admin.send("/admin/pause/end", {}).status_code == 409


@pytest.mark.parametrize("wrong", [{"for_minutes": "0"}, {"for_minutes": "99999"}, {"reason": " "},
                                   {"for_minutes": ""}])
def test_a_stop_without_end_or_reason_is_refused(admin: people.Seat, wrong: dict[str, str]) -> None:
    assert admin.send("/admin/pause", {"for_minutes": "60", "reason": "x"} | wrong).status_code == 422
    assert reference.snapshot().pause is None


def test_support_reads_it_and_cannot_switch(app: Flask, admin: people.Seat) -> None:
    support = people.seat(app, people.person("support_orders"))
    assert support.send("/admin/pause", {"for_minutes": "60", "reason": "x"}).status_code == 403
    assert 'action="/admin/pause"' not in read(support, "/admin/pause")
