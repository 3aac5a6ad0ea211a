"""Whom a payout goes to, and what sides bring to its dispute, are found nowhere they do not belong.

A payout is paid, disputed, answered and noted on by the demo's people on a running desk; then every row, all of Redis,
every log line, every webhook, the files and the pages of everybody else are searched.
"""
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests import factories as f
from tests.journeys.searching import all_of, all_rows, found
from tests.journeys.test_stranger import Gateway, Shop, shop, sign_in, trader_of
from tests.running import Desk, running_desk, wait_for

assert shop
pytestmark = pytest.mark.slow
NUMBER, PERSON = "2200700799887749", "Zinaida Kanareikina"
WORDS = {"store's words": "canary-opens-4417", "trader's words": "canary-answers-5528",
         "staff's note": "canary-note-6639"}
FILES = {"receipt's name": "canary-receipt-7741.png", "evidence's name": "canary-evidence-8852.png"}
INSIDE = "canary-inside-a-picture-9963"
# What a store said stands in its own log and in its step, as decision 0151 says.
TOLD = {"table public.logged_calls": ["store's words"], "table public.order_events": ["store's words"]}


@pytest.fixture
def desk(fresh_database, redis_url, tmp_path) -> Iterator[Desk]:
    with running_desk(fresh_database, tmp_path / "desk.log", "web",
                      settings={"FILES_FOLDER": str(tmp_path / "files")}) as desk:
        desk.flask("demo", "load")
        desk.start("worker", "dispatcher")
        yield desk


def picture() -> bytes:
    """With words in it that no eye sees, as phones put a place into photographs."""
    told, out = PngInfo(), io.BytesIO()
    told.add_text("Comment", INSIDE)
    Image.open(io.BytesIO(f.picture())).save(out, "PNG", pnginfo=told)
    assert INSIDE.encode() in out.getvalue()
    return out.getvalue()


def test_where_a_payout_goes_and_what_its_dispute_holds_stay_where_they_belong(
        desk, shop: Shop, url_of, fresh_database, redis_url, tmp_path: Path):
    gateway = Gateway(desk)
    gateway.post("/webhook-endpoints", {"url": shop.url, "events": ["*"]}, key="canary-endpoint")
    payout = gateway.post("/payouts", {
        "external_id": "canary-2", "amount": "1500.00", "currency": "RUB",
        "destination": {"method": "card", "bank": "sber", "number": NUMBER, "holder": PERSON}}, key="canary-key-2")
    path = f"/payouts/{payout['id']}"
    wait_for(lambda: gateway.get(path)["status"] == "assigned", "the payout is matched")
    trader = trader_of(desk, payout["id"])
    hidden = {"number": NUMBER}
    assert found(hidden, trader.html) == [], "not before it is accepted"
    assert trader.send("/acceptance") == 200
    assert found(hidden, trader.html) == ["number"], "the search finds what is there"
    assert trader.attach("/payment", "receipt", (FILES["receipt's name"], picture())) == 200
    wait_for(lambda: gateway.get(path)["status"] in ("paid", "confirmed", "completed"), "it is paid")
    dispute = gateway.post(f"{path}/dispute", {"reason": "not_arrived", "text": WORDS["store's words"]}, key="canary-3")
    its = f"disputes/{dispute['id']}"
    merchant, staff, viewer, stranger = (sign_in(desk, who) for who in ("merchant1", "admin", "viewer", "merchant2"))
    assert trader.open(f"/trader/{its}") == 200
    assert trader.attach("/statements", "files", (FILES["evidence's name"], picture()),
                         text=WORDS["trader's words"], shows="receipt") == 200
    assert staff.open(f"/admin/{its}") == 200
    assert staff.attach("/statements", "files", ("", b""), text=WORDS["staff's note"], staff_only="yes", asks="") == 200
    wait_for(lambda: any(b"dispute.answered" in body for _, body in shop.received), "the store was told")

    everything = hidden | WORDS | FILES | {"inside a picture": INSIDE, "person": PERSON}
    tables = all_rows(url_of(fresh_database, "owner"))
    leaks = {f"table {name}": found(everything, text) for name, text in tables.items()}
    assert leaks.pop("table public.dispute_statements") == sorted(WORDS)
    assert leaks.pop("table public.files") == sorted(FILES)
    leaks["redis"], leaks["log"] = found(everything, all_of(redis_url)), found(everything, desk.log.read_text())
    leaks["files"] = found(everything, "".join(
        f"{one} {one.read_bytes()!r}" for one in (tmp_path / "files").rglob("*") if one.is_file()))
    sent = "".join(body.decode() + json.dumps(headers) for headers, body in shop.received)
    leaks["webhooks"] = found(everything, sent)
    assert "person" in leaks["webhooks"], "the store named him itself"
    leaks["webhooks"].remove("person")
    for who, browser, shown in (
            ("store", merchant, (f"/merchant/orders/{payout['id']}", f"/merchant/{its}")),
            ("trader", trader, ("/trader/payouts", f"/trader/{its}")),
            ("viewer", viewer, (f"/admin/orders/{payout['id']}", f"/admin/{its}"))):
        for page in shown:
            assert browser.open(page) == 200, (who, page)
            leaks[f"{who} {page}"] = found(hidden | {"inside a picture": INSIDE}, browser.html)
    for browser, page in ((merchant, f"/merchant/{its}"), (trader, f"/trader/{its}")):
        browser.open(page)
        assert found(WORDS, browser.html) == ["store's words", "trader's words"], "never the note"
    assert found(WORDS, (staff.open(f"/admin/{its}"), staff.html)[1]) == sorted(WORDS)
    for page in (f"/merchant/orders/{payout['id']}", f"/merchant/{its}"):
        assert stranger.open(page) == 404
        leaks[f"stranger {page}"] = found(everything, stranger.html)
    kept = {where.partition("_p2")[0]: what for where, what in leaks.items() if what}
    assert kept == TOLD
