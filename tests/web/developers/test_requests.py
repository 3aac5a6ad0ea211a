"""The log of calls at the browser: a list that narrows, one call in full, nothing of another mode or merchant."""
from html import unescape

import pytest
from sqlalchemy import select

from portal.core import ids
from portal.core.db import reader
from portal.parties.models import ApiKey
from tests.web.developers.conftest import Desk, desk_of
from tests.web.developers.sample import logged_call


@pytest.fixture
def key(desk: Desk) -> ApiKey:
    made, _ = desk.make_key()
    return reader().scalars(select(ApiKey).where(ApiKey.id == ids.parse("key", made))).one()


def test_a_call_is_listed_and_shown_with_both_bodies(desk, key):
    asked = logged_call(key, body=b'{"external_id": "order-1042", "customer": {"name": "Anna"}}', status=422,
                        answer=b'{"code": "invalid", "detail": "Please correct."}')
    assert "/requests/" not in desk.page("/requests")  # a test key's, and the list begins with live ones
    listed = desk.page("/requests?mode=test")
    assert f"/requests/{asked}" in listed
    assert "order-1042" in listed
    page = unescape(desk.page(f"/requests/{asked}"))
    for word in ("422", "/docs/errors#invalid", "order-1042", "Please correct.", "[hidden]", key.name):
        assert word in page, word
    assert "Anna" not in page


def test_the_list_is_searched_and_narrowed(desk, key):
    one = logged_call(key, body=b'{"external_id": "o-1"}')
    other = logged_call(key, path="/gateway/v1/nowhere", status=404)
    for wanted, found in (("q=o-1", {one}), (f"q={other}", {other}), ("status=4xx", {other}), ("status=ok", {one}),
                          ("path=nowhere", {other}), ("method=POST", {one, other}), ("method=GET", set()),
                          ("q=nothing", set()), (f"store={desk.store.public_id}", {one, other})):
        page = desk.page(f"/requests?mode=test&{wanted}")
        assert {call for call in (one, other) if f"/requests/{call}" in page} == found, wanted
    desk.page("/requests?status=7xx", status=422)
    desk.page(f"/requests?store={ids.public('str', ids.new_id())}", status=404)
    desk.page("/requests?after=nonsense", status=422)


def test_a_stranger_finds_nothing(app, desk, key):
    asked = logged_call(key)
    stranger = desk_of(app)
    stranger.page(f"/requests/{asked}", status=404)
    stranger.page(f"/requests?mode=test&store={desk.store.public_id}", status=404)
