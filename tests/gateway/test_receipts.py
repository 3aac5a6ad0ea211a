"""Receipts over the gateway: taken once, told of exactly, refused with what is wrong, and seen by who has the order."""
import hashlib
from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from portal import files
from portal.files.storage import storage
from tests import factories as f
from tests import people
from tests.gateway.conftest import Shop


@pytest.fixture
def cast(app):
    made = f.new_cast()
    made.requisite(payout=True)
    return made


@pytest.fixture
def store(app, cast):
    return Shop(app, cast.store, "", None)._with_key()


def multipart(*files, **fields):
    boundary, body = encode_multipart(MultiDict(
        [("file", FileStorage(BytesIO(content), name)) for name, content in files] + list(fields.items())))
    return {"body": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def send(shop, order, *files, key="", **fields):
    kind = order.public_id.partition("_")[0]
    path = f"/{'payins' if kind == 'pin' else 'payouts'}/{order.public_id}/receipts"
    return shop.send(path, key=key, **multipart(*files, **fields))


def test_files_become_receipts_that_trader_and_staff_see(app, cast, store):
    order, first, second = f.paid_payin(cast), f.picture(), f.picture()
    answer = send(store, order, ("a.png", first), ("b.png", second))
    assert answer.status_code == 201
    assert [one["name"] for one in answer.json["data"]] == ["a.png", "b.png"]
    assert answer.json["data"][0]["sha256"] == hashlib.sha256(first).hexdigest()
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    staff = people.seat(app, people.person("support_readonly"))
    stranger = people.seat(app, people.person("trader", trader_id=f.new_trader().id))
    for seat, page in ((trader, "trader"), (staff, "admin")):
        assert "a.png" in seat.get(f"/{page}/orders/{order.public_id}").text
    file = f"/files/{answer.json['data'][0]['id']}"
    assert [seat.get(file).status_code for seat in (trader, staff, stranger)] == [200, 200, 404]


def test_a_payout_takes_them_too(cast, store):
    order = f.paid_payout(cast)
    assert send(store, order, ("statement.png", f.picture())).status_code == 201


def test_the_same_key_gives_the_first_answer_and_keeps_nothing_twice(cast, store):
    order, content = f.paid_payin(cast), f.picture()
    first = send(store, order, ("a.png", content), key="once-1")
    again = send(store, order, ("a.png", content), key="once-1")
    other = send(store, order, ("a.png", f.picture()), key="once-1")
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert f.receipts_of(order) == ["a.png"]


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("a.png", b"", "empty"), ("a.png", b"<html>", "unreadable"), ("a.png", bytes(5 * 1024 * 1024 + 1), "too_large")])
def test_what_is_wrong_with_a_file_is_told_and_none_is_taken(cast, store, name, content, reason):
    order = f.paid_payin(cast)
    answer = send(store, order, ("good.png", f.picture()), (name, content))
    assert (answer.status_code, answer.json["code"], answer.json["reason"]) == (422, "bad_file", reason)
    assert answer.json["errors"][0]["field"] == "/file"
    assert f.receipts_of(order) == []


def test_what_is_no_multipart_or_holds_more_is_refused(cast, store):
    order = f.paid_payin(cast)
    path = f"/payins/{order.public_id}/receipts"
    assert store.send(path, b"{}").json["code"] == "not_multipart"
    assert send(store, order).json["errors"][0]["code"] == "missing"
    assert send(store, order, ("a.png", f.picture()), note="x").json["errors"][0]["code"] == "unknown_field"
    six = [(f"{n}.png", b"x") for n in range(6)]
    assert send(store, order, *six).json["errors"][0]["code"] == "too_many"
    assert store.send(path, b"x" * (7 * 1024 * 1024), content_type="multipart/form-data; boundary=a").status_code == 413


def test_before_anybody_has_it_there_is_nothing_to_show(cast, store):
    order = f.create_payin(cast, "1506.00").order
    answer = send(store, order, ("a.png", f.picture()))
    assert (answer.status_code, answer.json["code"]) == (409, "no_receipt_wanted")


def test_twenty_are_enough(cast, store):
    order = f.paid_payin(cast)
    for _ in range(4):
        assert send(store, order, *[("a.png", f.picture(9, 9)) for _ in range(5)]).status_code == 201
    assert send(store, order, ("a.png", f.picture(9, 9))).json["code"] == "too_many_receipts"


def test_anothers_order_and_a_key_that_only_reads(cast, store, shop):
    order = f.paid_payin(cast)
    assert send(shop, order, ("a.png", f.picture())).status_code == 404
    reading = send(store.with_scopes("orders:read"), order, ("a.png", f.picture()))
    assert (reading.status_code, reading.json["code"]) == (403, "scope_missing")
    payout = f.paid_payout(cast)
    assert store.send(f"/payins/{payout.public_id}/receipts", **multipart(("a.png", f.picture()))).status_code == 404


def test_nothing_is_left_in_the_storage_of_what_was_refused(cast, store, tmp_path):
    order, before = f.create_payin(cast, "1507.00").order, storage()
    files.configure(files.LocalFolder(tmp_path))
    try:
        refused = [send(store, order, ("a.png", f.picture())), send(store, order, ("a.png", f.picture()), ("b", b"x"))]
    finally:
        files.configure(before)
    assert [answer.status_code for answer in refused] == [409, 422]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
