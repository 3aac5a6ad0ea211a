"""The same key, the same answer: on an order's own row for creates, in a table for other POSTs."""
import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select, text

from portal import tariffs
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import db, transaction
from portal.core.ids import parse
from portal.gateway.models import IdempotencyKey
from portal.orders.models import Order
from portal.tariffs.commands import SetFee
from portal.tariffs.service import set_fee
from tasks import upkeep
from tests.gateway.conftest import BASE
from tests.gateway.crowd import at_the_same_time
from tests.gateway.locks import another_process, impatient

REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def shop(either_road):
    """Every test holds on both roads."""
    return either_road


def test_a_hundred_posts_with_one_key_make_one_order(shop, payin):
    body = payin()
    answers = at_the_same_time(100, lambda _: shop.post("/payins", body, key="one"))
    created = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} == {201}, [a.json for a in answers if a.status_code != 201][:3]
    assert len({answer.get_data() for answer in created}) == 1
    assert sum(answer.headers.get(REPLAYED) == "true" for answer in created) == 99
    assert shop.count() == 1
    orders = db.session.scalars(select(Order.id).where(Order.external_id == body["external_id"])).all()
    jobs = db.session.scalar(text("SELECT count(*) FROM jobs WHERE kind = 'match_order' AND reference = ANY(:ids)"),
                             {"ids": orders})
    assert (len(orders), jobs) == (1, 1)


def test_while_the_first_is_slow_others_hear_conflict_or_the_same_answer(open_shop, payin):
    """The first needs 4 s to commit, in Flask: one unmarked 201, the others 409 or a marked replay."""
    shop = open_shop()
    body, begun = payin(), threading.Event()

    def delay(connection):
        if not begun.is_set():
            begun.set()
            connection.exec_driver_sql("SELECT pg_sleep(4)")

    def post(number):
        return shop.post("/payins", body, key="slow") if number == 0 or begun.wait(5) else None

    event.listen(db.engine, "commit", delay)
    try:
        answers = at_the_same_time(16, post)
    finally:
        event.remove(db.engine, "commit", delay)
    unmarked = [a for a in answers if a.status_code == 201 and REPLAYED not in a.headers]
    assert len(unmarked) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json["code"], answer.json["retryable"]) == ("idempotency_in_progress", True)
            assert int(answer.headers["Retry-After"]) >= 1
        elif answer is not unmarked[0]:
            assert (answer.status_code, answer.headers[REPLAYED]) == (201, "true"), answer.json
    later = shop.post("/payins", body, key="slow")
    assert later.headers[REPLAYED] == "true"
    assert later.get_data() == unmarked[0].get_data()
    assert shop.count() == 1


def test_the_first_answer_stays_when_the_order_moves_on(shop, payin):
    body = payin()
    first = shop.post("/payins", body, key="k")
    shop.post(f"/payins/{first.json['id']}/cancel")
    again = shop.post("/payins", body, key="k")
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    assert again.get_data() == first.get_data()
    assert shop.get(f"/payins/{first.json['id']}").json["status"] == "cancelled"


def test_white_space_and_order_of_names_do_not_matter_but_values_do(shop, payin):
    body = payin()
    first = shop.post("/payins", body, key="k")
    spaced = json.dumps(dict(reversed(body.items())), indent=4).encode()
    assert shop.send("/payins", spaced, key="k").get_data() == first.get_data()
    other = shop.post("/payins", body | {"amount": "1600.00"}, key="k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert shop.count() == 1


def test_stores_and_modes_have_keys_of_their_own(shop, other_shop, test_shop, payin):
    made = [each.post("/payins", payin(external_id="same"), key="same") for each in (shop, other_shop, test_shop)]
    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert len({answer.json["id"] for answer in made}) == 3


@pytest.mark.parametrize("key", [" ", "a b", "x" * 256, "é", "a\tb"])
def test_an_unusable_key_is_refused(shop, payin, key):
    answer = shop.post("/payins", payin(), key=key)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_invalid")


def test_a_create_without_a_key_is_refused(shop, payin):
    answer = shop.send("/payins", json.dumps(payin()).encode(), key=None)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")


def test_a_refused_create_is_judged_again(shop, payin):
    bad = payin(amount="1.0")
    assert shop.post("/payins", bad, key="k").status_code == 422
    assert shop.post("/payins", bad | {"amount": "1500.00"}, key="k").status_code == 201


def test_the_scope_is_checked_before_the_key(shop, payin):
    shop.post("/payins", payin(), key="k")
    reader = shop.with_scopes("orders:read")
    answer = reader.send("/payins", b"{", key="k")
    assert (answer.status_code, answer.json["code"], answer.json["scope"]) == (403, "scope_missing", "orders:write")


def test_other_posts_keep_answers_and_refusals_of_the_business(shop, payin):
    order = shop.post("/payins", payin()).json
    path = f"/payins/{order['id']}/cancel"
    first, again = shop.post(path, key="c"), shop.post(path, key="c")
    assert first.json["status"] == "cancelled"
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    refused, same = shop.post(path, key="d"), shop.post(path, key="d")
    assert (refused.status_code, refused.json["code"]) == (409, "invalid_transition")
    assert (same.status_code, same.get_data(), same.headers[REPLAYED]) == (409, refused.get_data(), "true")
    assert shop.post(path, {"x": 1}, key="e").status_code == 422
    assert shop.post(path, key="e").status_code == 409  # a validation error was not kept
    assert shop.post(f"/payins/{order['id']}/mark-paid", key="c").headers.get(REPLAYED) is None  # another path


def test_changes_and_deletions_take_a_key_too(shop):
    made = shop.post("/webhook-endpoints", {"url": "http://127.0.0.1:9/hook", "events": ["*"]}).json
    path = f"/webhook-endpoints/{made['id']}"
    for method, body in (("PATCH", b'{"active": false}'), ("DELETE", b"")):
        sent = {"data": body, "content_type": "application/json"} if body else {}
        first, again = (shop._open(method, path, {"Idempotency-Key": method}, **sent) for _ in range(2))
        assert first.status_code == 200, first.json
        assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
        assert again.headers["Request-Id"] != first.headers["Request-Id"]
    gone = [shop._open("DELETE", path, {"Idempotency-Key": "late"}) for _ in range(2)]
    assert [(answer.status_code, REPLAYED in answer.headers) for answer in gone] == [(404, False)] * 2


def test_what_was_not_remembered_leaves_the_key_to_another_body(shop, payin):
    shop.post("/payins", payin(external_id="first"))
    taken = shop.post("/payins", payin(external_id="first"), key="k")
    assert (taken.status_code, taken.json["code"]) == (409, "external_id_taken")
    assert shop.post("/payins", payin(external_id="second"), key="k").status_code == 201
    assert shop.get("/payins", {"Idempotency-Key": "a b"}).status_code == 200


def test_what_was_accepted_once_is_answered_so_though_the_fee_would_eat_it_today(shop, payin):
    body = payin(amount="50.00")
    first = shop.post("/payins", body, key="k")
    assert first.status_code == 201, first.json
    with transaction() as session:
        set_fee(session, SYSTEM, SetFee(store_id=shop.store.id, direction="payin", fee_bps=0,
                                        fee_fixed_minor=1_000_000_000))
    tariffs.forget()
    assert shop.post("/payins", payin(amount="50.00")).json["code"] == "amount_too_small"
    again = shop.post("/payins", body, key="k")
    assert (again.status_code, again.get_data()) == (201, first.get_data())


def test_an_orders_key_is_remembered_as_long_as_the_order(shop, payin):
    body = payin()
    first = shop.post("/payins", body, key="k")
    with clock.moved(timedelta(hours=100)):
        _forget()
        again = shop.post("/payins", body, key="k")
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")


def test_a_secret_that_is_told_once_lies_sealed_and_is_told_again_to_the_same_key(shop):
    body = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    first, again = (shop.post("/webhook-endpoints", body, key="w") for _ in range(2))
    assert first.status_code == 201, first.json
    assert first.json["secret"].startswith("whsec_")
    assert (again.get_data(), again.headers[REPLAYED]) == (first.get_data(), "true")
    assert len(shop.get("/webhook-endpoints").json["data"]) == 1
    kept = db.session.scalars(select(IdempotencyKey.answer_sealed).where(IdempotencyKey.key == "w")).all()
    assert not any(first.json["secret"].encode() in bytes(answer) for answer in kept)
    other = shop.post("/webhook-endpoints", body | {"events": ["payin.new"]}, key="w")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_fifty_posts_with_one_key_do_it_once(shop):
    body = {"url": "http://127.0.0.1:9/hook", "events": ["payin.completed"]}
    answers = at_the_same_time(50, lambda _: shop.post("/webhook-endpoints", body, key="many"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.get_data() for answer in made}) == 1
    assert sum(REPLAYED not in answer.headers for answer in made) == 1
    assert len(shop.get("/webhook-endpoints").json["data"]) == 1


def test_a_key_that_another_process_holds_is_in_progress(shop, payin):
    path = f"/payins/{shop.post('/payins', payin()).json['id']}/cancel"
    with another_process() as other, impatient():
        other.execute(insert(IdempotencyKey).values(
            store_id=shop.store.id, live=True, method="POST", path=f"{BASE}{path}", key="c", request_hash=b"",
            content_type=""))
        answer = shop.post(path, key="c")
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_in_progress")
    assert shop.post(path, key="c").json["status"] == "cancelled"


def test_an_order_that_somebody_else_changes_is_busy_and_its_key_is_not_in_progress(shop, payin):
    """Its own first request was said to be still running."""
    made = shop.post("/payins", payin()).json["id"]
    with another_process() as other, impatient():
        other.execute(select(Order.id).where(Order.id == parse("pin", made)).with_for_update())
        answer = shop.post(f"/payins/{made}/cancel", key="c")
    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (409, "busy", True)
    assert shop.post(f"/payins/{made}/cancel", key="c").json["status"] == "cancelled"


def test_who_waits_behind_others_for_one_balance_hears_busy_as_they_do(funded, payout):
    """PostgreSQL names no row to the second in line: that was taken for a locked table, and told as an outage."""
    bodies = [payout(external_id=f"behind-{number}") for number in range(4)]
    with another_process() as other, impatient():
        other.execute(text("SELECT FROM balances WHERE account_id IN (SELECT id FROM accounts WHERE owner_id = :store)"
                           " FOR UPDATE"), {"store": funded.store.id})
        answers = at_the_same_time(4, lambda number: funded.post("/payouts", bodies[number], key=f"behind-{number}"))
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "busy")] * 4


def test_keys_that_nobody_can_write_are_the_databases_trouble(shop, payin):
    """What is locked was asked on a second connection while the first was held: a pool of few had none for it."""
    made, taken = shop.post("/payins", payin()).json["id"], []

    def count(connection, cursor, statement, *more):
        if "pg_locks" in statement:
            taken.append(db.engine.pool.checkedout())

    with another_process() as other, impatient():
        other.execute(text("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE"))
        event.listen(db.engine, "before_cursor_execute", count)
        try:
            answer = shop.post(f"/payins/{made}/cancel", key="c")
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert taken == [1]


def test_a_key_is_remembered_for_72_hours_and_forgotten_some_time_after(shop, payin):
    path = f"/payins/{shop.post('/payins', payin()).json['id']}/cancel"
    first = shop.post(path, key="c")
    with clock.moved(timedelta(hours=73)):
        _forget()
        assert shop.post(path, key="c").get_data() == first.get_data()
    with clock.moved(timedelta(hours=76)):
        _forget()
        assert shop.post(path, key="c").json["code"] == "invalid_transition"


def _forget():
    with transaction() as session:
        upkeep.forget_idempotency_keys(session, [])
