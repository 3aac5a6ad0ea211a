"""The log of calls: each of a known key stands in it, whichever road it took, and nothing secret ever does."""
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select, text

from portal.calls import EXTENSION, Seen, Writer, queries, redaction
from portal.calls.models import LoggedCall
from portal.calls.queries import CallFilters
from portal.calls.writer import CALLS, CALLS_MAX
from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.db import db, reader, transaction
from portal.core.errors import Invalid, NotFound
from portal.gateway import rate_limits
from portal.web.merchant.developers_requests import told_of
from tests import factories, people
from tests.gateway.conftest import Shop
from tests.gateway.street import Street
from tests.running import wait_for

CARD, ACCOUNT, PHONE, PASSPORT = "4111111111111111", "40817810099910004312", "+7 912 345-67-89", "4509 123456"


@pytest.fixture
def written(app, monkeypatch) -> Iterator[Writer]:
    """The log is on; `flush` writes what waits."""
    with app.app_context():
        writer = Writer(db.engine)
    monkeypatch.setitem(app.extensions, EXTENSION, writer)
    monkeypatch.setattr(writer, "_begin", lambda: None)  # here its thread is the test
    yield writer
    writer.close()


def calls_of(shop: Shop, writer: Writer) -> list[LoggedCall]:
    """Oldest first."""
    writer.flush()
    db.session.rollback()
    return list(db.session.scalars(select(LoggedCall).where(LoggedCall.store_id == shop.store.id)
                                   .order_by(LoggedCall.created_at, LoggedCall.id)))


@pytest.mark.parametrize("fast", [False, True])
def test_a_create_is_written_down_on_either_road(shop, payin, written, fast):
    shop = replace(shop, fast=fast)
    if fast:
        shop.post("/payins", payin())  # what the lane remembers
    answer = shop.post("/payins", payin(external_id="order-1042"))
    assert answer.status_code == 201
    call = calls_of(shop, written)[-1]
    assert (call.method, call.path, call.status, call.code) == ("POST", "/gateway/v1/payins", 201, None)
    assert call.public_id == answer.headers["Request-Id"]
    assert (call.key_id, call.live, call.external_id) == (shop.key_id, True, "order-1042")
    assert call.order_id == ids.parse("pin", json.loads(answer.get_data())["id"])
    assert abs(call.created_at - clock.now()) < timedelta(minutes=1)
    assert 0 <= call.ms < 60_000
    assert json.loads(call.request)["amount"] == "1500.00"
    assert (call.answer is None) is fast  # it is the order's first, and not kept twice
    told = json.loads(told_of(reader(), call) or "")
    assert (told["status"], told["amount"], told["settlement"]["net"]) == ("new", "1500.00", "15.896739")
    assert "/pay/" not in json.dumps(told).replace("/pay/[hidden]", "")


def test_refused_calls_stand_there_too_and_an_unknown_key_has_no_log(shop, payin, written):
    shop.get("/payins", surprise=1)
    shop.with_scopes("balance:read").get("/payins")
    shop.with_networks("203.0.113.0/24").get("/balance")
    shop.get("/no-such-call")  # nobody asks whose key it is
    shop.send("/payins", b"{")
    shop.as_key("nonsense").get("/payins")
    assert [(call.status, call.code) for call in calls_of(shop, written)] == [
        (422, "invalid"), (403, "scope_missing"), (403, "ip_not_allowed"), (400, "malformed_json")]
    shop.suspend("store")
    wait_for(lambda: shop.get("/payins").status_code == 403, "the suspension is heard of", 5)
    assert calls_of(shop, written)[-1].code == "store_suspended"


def test_who_is_refused_for_calling_too_often_finds_that_too(limited_shop, written, monkeypatch):
    monkeypatch.setattr(rate_limits, "BURST", 2)
    statuses = [limited_shop.get("/balance").status_code for _ in range(6)]
    assert [call.status for call in calls_of(limited_shop, written)] == statuses
    assert 429 in statuses


def test_of_who_calls_too_often_only_the_line_is_kept(limited_shop, payin, written, monkeypatch):
    monkeypatch.setattr(rate_limits, "BURST", 0)
    body = payin(external_id="too-often")
    assert limited_shop.post("/payins", body).status_code == 429
    assert "too-often" not in str(written._waiting[-1]), "nor does it wait in memory"
    (call,) = calls_of(limited_shop, written)
    assert (call.status, call.code, call.request, call.answer) == (429, "rate_limited", None, None)
    assert call.request_bytes == len(json.dumps(body).encode())


def test_no_body_takes_long_to_be_cleaned():
    """Each of 32 KiB and made for a look that goes back over what it has read. CPU time, and generous."""
    longest = 32 * 1024 - 100
    pieces = ["eyJ", " eyJ", "eyJa.", "-eyJ", ".eyJa", "a", "1", "1   ", "1   1   1   1   1   1   1    ", "1 1 1-",
              "abcde_", "abcd", "qk_live_", "qk_live", "whsec_", "qsign_", "/pay/", "://", "://a", "://?a=", "?&#=",
              "@:", "2026-11-27", "2026-11-27T10:11:12.", "1234567.", "1.11.", "_amount", "passw", "api_",
              "pin_01KB2X7M0V3Q4R5S6T7V8W9X0Y"]
    texts = [piece * (longest // len(piece)) for piece in pieces]
    texts += ["://" + text[3:] for text in texts]
    bodies = [{name: text} for text in texts for name in ("a", "external_id")]
    bodies += [{text: "12345678"} for text in texts]
    sent = [json.dumps(body).encode() for body in bodies]
    sent += [b"[" * 16_000 + b"]" * 16_000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
             b"[" * 60 + b"1," * 8000 + b"1" + b"]" * 60,
             b"[" + b'"12345678",' * 2900 + b"1]", b'{"a":' + b"1" * longest + b"}", b"[" + b"1," * 16_000 + b"1]"]
    took = []
    for body in sent:
        began = time.thread_time()
        redaction.body(body)
        took.append((time.thread_time() - began, body[:40]))
    took.sort(reverse=True)
    assert sum(seconds for seconds, _ in took[:10]) < 1, took[:10]


def test_nothing_secret_ever_stands_in_the_table(shop, payin, written):
    """Canaries through many calls: in bodies, texts, paths, queries, field names, answers."""
    street = replace(shop, fast=True)
    for each in (shop, street, shop.in_test_mode()):
        each.post("/payins", payin(description=f"to {CARD}", customer={
            "id": PHONE, "name": "Ivan Canary", "ip": "203.0.113.77"}, metadata={"a": ACCOUNT, "passport": PASSPORT}))
        each.post("/payins", payin(external_id=CARD, return_url="https://shop.example/thanks?session=canarysession"))
    endpoint = shop.post("/webhook-endpoints", {"url": "http://127.0.0.1:9/hook?key=canarykey", "events": ["*"]}).json
    rotated = shop.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret").json
    for body in ({"card": CARD}, {CARD: 1}, {"amount": int(CARD)}, {"password": "canaryword"}, [CARD],
                 {"destination": {"number": CARD, "holder": "Ivan Canary", "bank": "alfa"}},
                 {"destination": {"number": "1234567"}}, {"token": shop.token}, {"metadata": {"n": shop.token}}):
        shop.post("/payins", body)
        shop.post("/payouts", body, key="k")
    shop.send("/payins", f'{{"card": "{CARD}", '.encode())
    shop.send("/payins", CARD.encode(), content_type="text/plain")
    shop.get(f"/payins/{CARD}")
    shop.get("/payins", customer_id=PHONE, external_id=CARD, token=shop.token)
    shop.get("/webhook-endpoints")
    made = shop.post("/payins", payin()).json
    with closing(Street(shop.app)) as lane:
        lane.post(shop, payin(description=ACCOUNT))
    calls_of(shop, written)
    kept = "\n".join(reader().scalars(text("SELECT logged_calls::text FROM logged_calls WHERE store_id = :id"),
                                      {"id": shop.store.id}))
    assert kept.count("\n") > 30
    digits = re.sub(r"[^0-9A-Za-z]+", "", kept)
    for canary in (CARD, ACCOUNT, "79123456789", "9123456789", "4509123456", "1234567"):
        assert canary not in digits, canary
    for canary in ("Ivan Canary", "203.0.113.77", "canarysession", "canarykey", "canaryword", endpoint["secret"],
                   rotated["secret"], shop.token, shop.token[16:], made["payment_url"].rsplit("/", 1)[1]):
        assert canary not in kept, canary
    assert "order-" in kept


@pytest.mark.parametrize("same", [
    {"amount": "1500.00", "settlement": {"net": "15.896739", "rate": "92.000000"}},
    {"id": "pin_01KB2X7M0V3Q4R5S6T7V8W9X0Y"},
    {"created_at": "2026-11-27T10:11:12.123Z"}, {"external_id": "order-202611270001"}, {"code": "alfa", "name": "Alfa"},
    {"description": "between 50.00 and 100000.00 RUB"}, {"status": 1, "live": True, "requisite": None},
    {"number": "220000******0004"}])
def test_what_is_no_secret_stays_readable(same):
    assert redaction.cleaned(same) == same


def test_what_is_no_json_or_too_large_is_told_by_its_size(shop, payin, written):
    shop.send("/payins", b"\xff\xfe not json")
    shop.send("/payins", json.dumps(payin(description="x" * 40_000)).encode())
    shop.send("/payins", json.dumps(payin(description="x" * 9_000)).encode())
    odd, long, large = sorted(calls_of(shop, written), key=lambda one: one.request_bytes)  # all of one millisecond
    assert (odd.request, odd.request_bytes) == (None, 11)
    assert (large.request, large.request_bytes > 40_000) == (None, True)
    assert len(long.request) == redaction.KEPT_MAX
    assert long.request.endswith("…")


def test_a_full_queue_drops_and_counts_and_holds_up_nobody(shop, written):
    seen = Seen(ids.public("req", ids.new_id()), shop.store.id, True, shop.key_id, "GET", "/x", "", 200, 0.0, b"", b"")
    before = CALLS.labels("dropped")._value.get()
    for _ in range(CALLS_MAX):
        written.put(seen)
    written.put(seen)
    assert CALLS.labels("dropped")._value.get() == before + 1
    written._waiting.clear()


def test_what_cannot_be_written_now_is_written_later(shop, written, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("away")

    shop.get("/balance")
    with monkeypatch.context() as outage:
        outage.setattr(psycopg, "connect", away)
        with pytest.raises(psycopg.OperationalError):
            written.flush()
    assert [call.path for call in calls_of(shop, written)] == ["/gateway/v1/balance"]


def test_an_external_id_no_index_can_hold_stops_nobody(shop, payin, written):
    """A thousand characters of four bytes are no row of an index: the batch came back for ever, for all."""
    long, wide = "9f3a" * 250, "\U00010348" * 1000
    for odd in (wide, "\U00010348" * 255, long, {"a": 1}, ["x"], "x" * 255):
        assert shop.post("/payins", payin(external_id=odd)).status_code in (201, 422)
    shop.get("/balance")
    kept = calls_of(shop, written)
    assert len(kept) == 7
    assert [call.external_id for call in kept if call.external_id] == ["x" * 255]
    assert any(wide[:100] in (call.request or "") for call in kept), "in the body it can still be read"


def test_one_call_that_cannot_be_written_is_dropped_alone(shop, written, monkeypatch):
    """Whatever it is that PostgreSQL will not take of it."""
    good = [Seen(ids.public("req", ids.new_id()), shop.store.id, True, shop.key_id, "GET", "/gateway/v1/balance", "",
                 200, .001, b"", b"{}") for _ in range(3)]
    of_none = good[1]._replace(request_id=good[0].request_id)  # the key is taken
    too_much = good[1]._replace(request_id=ids.public("req", ids.new_id()), status=10**10)
    broken = good[1]._replace(request_id="no id")  # a bug of ours
    monkeypatch.setattr("portal.calls.writer.SEARCHED_BYTES_MAX", 10**6)
    monkeypatch.setattr("portal.calls.writer.SEARCH_MAX", 10**6)
    no_index = good[1]._replace(request_id=ids.public("req", ids.new_id()),
                                body=json.dumps({"external_id": "".join(map(chr, range(0x10400, 0x107e8)))}).encode())
    failed, done = (CALLS.labels(outcome)._value.get() for outcome in ("failed", "written"))
    for seen in (good[0], of_none, too_much, good[1], broken, no_index, good[2]):
        written.put(seen)
    assert {call.public_id for call in calls_of(shop, written)} == {seen.request_id for seen in good}
    assert CALLS.labels("failed")._value.get() == failed + 4
    assert CALLS.labels("written")._value.get() == done + 3
    assert not written._waiting


def test_who_is_hung_up_on_between_calls_loses_none_of_them(shop, written, monkeypatch):
    """Row by row after a bad one, the database goes away: what is left waits, in its order."""
    for _ in range(3):
        shop.get("/balance")
    first, *rest = written._waiting
    written._waiting.insert(1, first)  # twice
    write, calls = written._write, []

    def and_goes(batch):
        calls.append(batch)
        if len(calls) == 4:  # the batch, its first, the bad one, then this
            with psycopg.connect(**written._arguments, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [written._connection.info.backend_pid])
        write(batch)

    monkeypatch.setattr(written, "_write", and_goes)
    with pytest.raises(psycopg.OperationalError):
        written.flush()
    assert list(written._waiting) == rest
    assert {call.public_id for call in calls_of(shop, written)} == {ids.public("req", row[0]) for row in (first, *rest)}


def test_its_thread_writes_by_itself(app, shop, monkeypatch):
    with app.app_context():
        writer = Writer(db.engine)
    monkeypatch.setitem(app.extensions, EXTENSION, writer)
    shop.get("/balance")
    writer.close()
    assert len(calls_of(shop, writer)) == 1


def test_a_page_narrows_and_turns(shop, payin, written):
    made = [shop.post("/payins", payin(external_id=f"turn-{number}")).json for number in range(27)]
    shop.post("/payins", payin(external_id="turn-0"))  # taken
    shop.post(f"/payins/{made[0]['id']}/cancel")
    shop.get("/balance")
    asked = calls_of(shop, written)[0]

    def found(**wanted: str):
        return queries.page(reader(), SYSTEM, shop.store.id, CallFilters.of(wanted), cursor=None)

    first = found()
    second = queries.page(reader(), SYSTEM, shop.store.id, CallFilters(), cursor=first.next_cursor)
    assert (len(first.rows), len(second.rows), second.next_cursor) == (25, 5, None)
    assert len({call.id for call in (*first.rows, *second.rows)}) == 30
    assert [call.status for call in found(status="refused").rows] == [409]
    assert [call.status for call in found(status="4xx").rows] == [409]
    assert found(status="5xx").rows == []
    assert {call.status for call in found(status="ok").rows} == {200, 201}
    assert [call.path for call in found(method="GET").rows] == ["/gateway/v1/balance"]
    assert len(found(path="/cancel").rows) == 1
    assert found(path="%").rows == []
    assert [call.status for call in found(q="turn-0").rows] == [200, 409, 201]
    assert [call.status for call in found(q=made[0]["id"]).rows] == [200, 201]
    assert [call.id for call in found(q=asked.public_id).rows] == [asked.id]
    assert found(mode="test").rows == []
    with pytest.raises(Invalid):
        CallFilters.of({"status": "7xx"})


def test_a_stranger_sees_none_of_it(shop, other_shop, written):
    shop.get("/balance")
    call = calls_of(shop, written)[0]
    owner = people.person("merchant_owner", merchant_id=shop.store.merchant_id)
    stranger = people.person("merchant_owner", merchant_id=other_shop.store.merchant_id)
    assert queries.one(reader(), owner.actor, call.public_id).id == call.id
    with pytest.raises(NotFound):
        queries.one(reader(), stranger.actor, call.public_id)
    assert queries.page(reader(), stranger.actor, shop.store.id, CallFilters(), cursor=None).rows == []


def test_days_are_made_ahead_and_dropped_when_their_time_is_over(fresh_app, fresh_database, url_of):
    with psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner:
        owner.execute("CREATE TABLE logged_calls_p20200101 PARTITION OF logged_calls"
                      " FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')")
    factories.work_off("keep_days")
    with transaction() as session:
        session.execute(text("SELECT keep_days(7, 7), make_partitions(3)"))
        days = set(session.scalars(text(
            "SELECT relname FROM pg_class WHERE relname ~ '^logged_calls_p' AND relkind = 'r'")))
    today = clock.now().date()
    assert days == {"logged_calls_p2default", *(
        f"logged_calls_p{today + timedelta(days=ahead):%Y%m%d}" for ahead in range(-1, 8))}
