"""A longer list costs no more statements than a short one, and every row is one page away."""
import re

from portal.core import ids
from portal.core.db import db
from portal.parties import key_list
from portal.parties.models import ApiKey
from portal.webhooks import listing, queries
from tests.statements import statements
from tests.web.developers.conftest import Desk

URL = "http://127.0.0.1:9/hook"
PAGES = ("", "/endpoints", "/deliveries")


def test_no_query_for_a_row(desk: Desk) -> None:
    desk.make_key()
    desk.make_endpoint(URL)
    desk.tell()
    short = [_count(desk, path) for path in PAGES]
    for at in range(6):
        desk.make_key(name=f"Key {at}")
        desk.make_endpoint(f"{URL}/{at}")
        desk.tell()
    assert [_count(desk, path) for path in PAGES] == short


def _count(desk: Desk, path: str) -> int:
    """The least of three looks: what is remembered is read anew by one of them when it has grown old."""
    return min(_once(desk, path) for _ in range(3))


def _once(desk: Desk, path: str) -> int:
    with statements() as seen:
        desk.page(path)
    return len(seen)


def test_keys_are_paged_newest_first(desk: Desk) -> None:
    for at in range(key_list.PAGE + 3):
        db.session.add(ApiKey(public_id=ids.text(ids.new_id())[-12:], store_id=desk.store.id, live=False,
                              name=f"Key {at}", digest=b"x", scopes=["orders:read"]))
        db.session.flush()
    db.session.commit()
    first = desk.page()
    after = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert after
    second = desk.page(after[1].removeprefix("/merchant/developers").replace("&amp;", "&"))
    seen = re.findall(r">(Key \d+)<", first), re.findall(r">(Key \d+)<", second)
    assert [len(names) for names in seen] == [key_list.PAGE, 3]
    assert [*seen[0], *seen[1]] == [f"Key {at}" for at in reversed(range(key_list.PAGE + 3))]


def test_deliveries_are_paged_newest_first(desk: Desk) -> None:
    desk.make_endpoint(URL)
    for _ in range(listing.PAGE + 2):
        desk.tell()
    first = desk.page("/deliveries?type=payin.completed")
    after = re.search(r'href="[^"]*/deliveries(\?[^"]*after=[^"]*)"', first)
    assert after
    assert "type=payin.completed" in after[1], "the next page keeps the filters"
    second = desk.page("/deliveries" + after[1].replace("&amp;", "&"))
    seen = [re.findall(r'id="(dlv_\w+)"', html) for html in (first, second)]
    everything = [row.public_id for row in queries.deliveries(db.session(), desk.person.actor).rows]
    assert [*seen[0], *seen[1]] == everything
