"""The fast lane: a plain create is written with its neighbours; all else takes the ordinary road and hears the same."""
import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Connection, event, select, text, update

from portal.calls import EXTENSION, Writer
from portal.calls.models import LoggedCall
from portal.core import db_outage, jitter, page_events
from portal.core.db import db, transaction
from portal.core.errors import DatabaseUnavailable, OutcomeUnknown
from portal.core.ids import new_id, parse
from portal.gateway import rate_limits
from portal.orders.intake import store_terms
from portal.orders.models import Order, OrderEvent
from portal.parties import key_invalidation, store_cache
from portal.parties.models import StoreCurrency
from portal.reference import cache
from portal.server.fast_create import CREATES, WAITING_MAX
from portal.server.plain_create import Why
from portal.server.request_body import BodyReader
from portal.tariffs.models import Tariff
from portal.web import forwarded
from tests.gateway.conftest import Shop
from tests.gateway.crowd import at_the_same_time
from tests.gateway.locks import another_process, impatient, no_order_can_be_written
from tests.gateway.street import Answer, Street
from tests.running import wait_for


@pytest.fixture
def street(app, shop, payin) -> Iterator[Street]:
    """Warm: key, terms, tariff and rates are remembered."""
    with closing(Street(app)) as street:
        shop.get("/currencies")
        wait_for(lambda: key_invalidation.of(db.engine).is_listening, "somebody listens for revoked keys", 5)
        street.post(shop, payin())
        street.by_road = 0
        yield street


@pytest.fixture
def another() -> Iterator[Callable[[Flask], Street]]:
    with ExitStack() as open_streets:
        yield lambda app: open_streets.enter_context(closing(Street(app)))


def test_a_plain_create_is_written_whole(street, shop, payin):
    asked = payin(customer={"id": "u-1", "name": "Пётр", "ip": "203.0.113.7"}, metadata={"b": "2", "a": "1"})
    (answer,) = street.post(shop, asked, keys=["k"])
    assert (answer.status, street.by_road) == (201, 0)
    order = db.session.get(Order, parse("pin", answer.json["id"]))
    assert (order.status, order.version, order.amount_minor, order.customer_name) == ("new", 1, 150000, "Пётр")
    told = db.session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)).one()
    assert (told.payload, told.request_id) == (answer.json | {"payment_url": None}, answer.headers["request-id"])
    job = db.session.execute(text("SELECT kind, request_id FROM jobs WHERE reference = :id"), {"id": order.id}).one()
    assert tuple(job) == ("match_order", answer.headers["request-id"])
    again = shop.post("/payins", asked, key="k")
    assert (again.get_data(), again.headers["Idempotent-Replayed"]) == (answer.body, "true")


def test_an_outcome_that_nobody_knows_yet_is_said_so(street, shop, payin, monkeypatch):
    """A frozen standby lets commits wait: the ordinary road would only wait again, with one of eight threads."""
    async def waits(*_: object) -> None:
        raise OutcomeUnknown()

    monkeypatch.setattr(street.lane.database, "run", waits)
    (answer,) = street.post(shop, payin())
    assert (answer.status, street.by_road) == (503, 0)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert (answer.json["code"], answer.json["request_id"]) == ("outcome_unknown", answer.headers["request-id"])


def test_an_outcome_that_nobody_knows_does_not_count(street, another, limited_shop, payin, redis_url, monkeypatch):
    """Who was told to ask again was refused for it once the database was back."""
    async def waits(*_: object) -> None:
        raise OutcomeUnknown()

    street, before = another(limited_shop.app), counted(redis_url, limited_shop)
    monkeypatch.setattr(street.lane.database, "run", waits)
    assert [answer.status for answer in street.post(limited_shop, *[payin() for _ in range(10)])] == [503] * 10
    assert counted(redis_url, limited_shop) == before


def test_its_headers_are_those_of_the_ordinary_road(street, shop, payin):
    (answer,) = street.post(shop, payin())
    road = {name.lower(): value for name, value in shop.post("/payins", payin()).headers.items()}
    assert answer.headers.keys() == road.keys()
    assert {name for name in road if road[name] != answer.headers[name]} <= {
        "request-id", "content-length", "ratelimit-remaining", "ratelimit-reset"}


def batches() -> int:
    """What was written by one statement bears the number of one transaction."""
    with transaction() as session:
        return session.execute(text("SELECT count(DISTINCT xmin::text) FROM orders")).scalar_one()


def test_those_that_come_together_are_written_together(street, shop, payin):
    before = batches()
    answers = street.post(shop, *[payin() for _ in range(50)])
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 50
    assert street.by_road == 0
    assert 1 <= batches() - before <= 10


def test_one_key_twice_in_a_batch_is_one_order(street, shop, payin):
    body = payin()
    answers = street.post(shop, *[body] * 20, payin(), keys=["same"] * 20 + ["other"])
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers[:20]}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 19
    assert street.by_road == 19


def test_one_key_with_two_bodies_and_one_external_id_with_two_keys_in_a_batch(street, shop, payin):
    first, other = payin(), payin()
    statuses = [a.status for a in street.post(shop, first, first | {"amount": "1600.00"}, other, other,
                                              keys=["a", "a", "b", "c"])]
    assert sorted(statuses) == [201, 201, 409, 422]


@contextmanager
def held_by_another(shop: Shop, payin, *keys: str) -> Iterator[None]:
    """Orders with these keys are being written in another process's transaction, which is taken back in the end."""
    made = shop.post("/payins", payin()).json["id"]
    own = ("id", "idempotency_key", "external_id")
    columns = ", ".join(column.name for column in Order.__table__.columns if column.name not in own)
    with another_process() as other:
        other.execute(text(f"INSERT INTO orders (id, idempotency_key, external_id, {columns})"
                           f" SELECT gen_random_uuid(), key, key, {columns}"
                           " FROM orders, unnest(CAST(:keys AS text[])) AS key WHERE id = :id"),
                      {"id": parse("pin", made), "keys": list(keys)})
        yield


def test_eight_threads_that_wait_for_eight_locks_hear_of_a_conflict_and_not_of_a_database_away(shop, payin):
    """They are twice as many as there are connections: each waits for a connection, then for its lock."""
    keys = [f"held-{number}" for number in range(8)]
    with held_by_another(shop, payin, *keys):
        answers = at_the_same_time(8, lambda number: shop.post("/payins", payin(), key=keys[number]))
    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(409, "idempotency_in_progress")}


def test_who_holds_a_key_holds_up_no_neighbour(street, shop, other_shop, payin):
    """The first request with the key "held" is still in its transaction, in another process."""
    street.post(other_shop, payin())
    held = payin()
    with held_by_another(shop, payin, "held"):
        answers = street.post(shop, held, *[payin() for _ in range(9)], keys=["held", *"abcdefghi"])
    assert [answer.status for answer in answers[1:]] == [201] * 9
    assert (answers[0].status, answers[0].json["code"]) == (409, "idempotency_in_progress")
    assert street.post(shop, held, keys=["held"])[0].status == 201


def waits_for_locks(street: Street, most: str) -> None:
    """The lane's connection, and nothing else ends its statements."""
    street.run(street.lane.database.run(
        "SELECT set_config('lock_timeout', %(most)s, false), set_config('statement_timeout', '0', false)",
        {"most": most}, lambda *_: None))


@contextmanager
def asked_about_orders() -> Iterator[list[str]]:
    """What SQLAlchemy asked of the table; what is written goes past it."""
    asked: list[str] = []

    def note(connection, cursor, statement, *_):
        if "FROM orders" in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("mode", ["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE"])
@pytest.mark.parametrize("kind", ["payins", "payouts"])
def test_while_nobody_can_write_a_create_hears_of_the_database_and_not_of_its_key(funded, payin, payout, mode, kind):
    """It was told that its own first request was still running; and the locked table was read, for 2 s more."""
    body = payin() if kind == "payins" else payout()
    with no_order_can_be_written(mode), impatient(), asked_about_orders() as asked:
        answer = funded.post(f"/{kind}", body, key="k")
    assert (answer.status_code, answer.json["code"], asked) == (503, "database_unavailable", [])
    assert int(answer.headers["Retry-After"]) >= 1
    assert funded.post(f"/{kind}", body, key="k").status_code == 201


def test_while_nobody_can_write_the_lane_says_so_itself_and_does_not_count(
        another, limited_shop, payin, redis_url):
    street = another(limited_shop.app)
    street.post(limited_shop, payin())
    street.by_road, before = 0, counted(redis_url, limited_shop)
    unserved = CREATES.labels("fast", "unserved")._value.get()
    waits_for_locks(street, "200ms")
    body = payin()
    with no_order_can_be_written("ACCESS EXCLUSIVE"):
        answers = street.post(limited_shop, body, *[payin() for _ in range(4)], keys=list("abcde"))
    assert {(answer.status, answer.json["code"]) for answer in answers} == {(503, "database_unavailable")}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
    assert {answer.json["request_id"] for answer in answers} == {answer.headers["request-id"] for answer in answers}
    assert (street.by_road, counted(redis_url, limited_shop)) == (0, before)
    assert CREATES.labels("fast", "unserved")._value.get() == unserved + 5, "an outage is no quiet hour"
    assert street.post(limited_shop, body, keys=["a"])[0].status == 201


def somebody_waits(holder: Connection) -> bool:
    return holder.execute(text(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted"
        " AND datname = current_database() AND relation = 'orders'::regclass")).scalar_one() > 0


def test_who_comes_when_a_thousand_wait_is_told_so_at_once_and_those_are_made(
        app, street, shop, payin, monkeypatch):
    """The database holds a create up; behind it others gather, up to the limit, and then nobody more."""
    writer = Writer(db.engine)
    monkeypatch.setattr(writer, "_begin", lambda: None)  # its thread is the test
    monkeypatch.setitem(app.extensions, EXTENSION, writer)
    street.front = BodyReader(street.lane)

    def begin() -> asyncio.Task[Answer]:
        return asyncio.create_task(street.one(shop, payin(), new_id().hex, {}))

    async def rush(holder: Connection) -> tuple[list[Answer], list[Answer]]:
        waiting: list[asyncio.Task[Answer]] = []
        refused: list[asyncio.Task[Answer]] = []
        async with asyncio.timeout(30):
            first = begin()
            while not somebody_waits(holder):
                await asyncio.sleep(.005)
            while len(refused) < 20:
                waiting += [begin() for _ in range(50)]
                await asyncio.sleep(0)
                refused = [one for one in waiting if one.done()]
            holder.rollback()
            taken = [first, *(one for one in waiting if one not in refused)]
            return [one.result() for one in refused], await asyncio.gather(*taken)

    waits_for_locks(street, "30s")  # a thousand take a while to come
    monkeypatch.setattr(db_outage, "ANSWER_WITHIN_S", 30)
    with no_order_can_be_written() as holder:
        refused, taken = street.run(rush(holder))
    assert len(taken) >= WAITING_MAX
    assert {(answer.status, answer.json["code"], answer.json["retryable"]) for answer in refused} == {
        (503, "overloaded", True)}
    assert all(1 <= int(answer.headers["retry-after"]) <= 8 for answer in refused)
    assert {answer.status for answer in taken} == {201}
    assert street.post(shop, payin())[0].status == 201
    writer.close()
    db.session.rollback()
    logged = db.session.scalars(select(LoggedCall).where(
        LoggedCall.store_id == shop.store.id, LoggedCall.code == "overloaded"))
    assert {call.public_id for call in logged} == {answer.headers["request-id"] for answer in refused}


@pytest.mark.parametrize(("changed", "status", "code"), [
    ({"host": "evil.example"}, 400, "malformed_request"), ({"host": "127.0.0.1:x"}, 400, "malformed_request"),
    ({"host": "LOCALHOST"}, 400, "malformed_request"), ({"idempotency_key": " "}, 400, "idempotency_key_invalid"),
    ({"authorization": "Bearer nonsense"}, 401, "unauthorized"), ({"content_type": "text/plain"}, 415,
                                                                  "unsupported_media_type"),
])
def test_what_is_not_plain_hears_the_same_on_the_ordinary_road(street, shop, payin, changed, status, code):
    (answer,) = street.post(shop, payin(), **changed)
    assert (answer.status, answer.json["code"], street.by_road) == (status, code, 1)


@pytest.mark.parametrize(("body", "status"), [
    (b"{", 400), (b'{"a": 1, "a": 2}', 400), (b"[]", 422), ({"amount": "1.00"}, 422), ({"surprise": 1}, 422),
    ({"external_id": "\u0000"}, 422), ({"description": "\ud800"}, 422), ({"method": "nosuch"}, 422),
])
def test_a_bad_body_is_refused_by_the_ordinary_road(street, shop, payin, body, status):
    (answer,) = street.post(shop, body if isinstance(body, bytes) else payin(**body))
    assert (answer.status, street.by_road) == (status, 1)
    assert shop.count() == 1  # the one that warmed the lane


def test_what_is_not_remembered_is_read_in_a_thread_and_remembered_then(street, shop, payin):
    store_terms.forget()
    key_invalidation.of(db.engine).forget()
    assert [answer.status for answer in street.post(shop, *[payin() for _ in range(9)])] == [201] * 9
    assert street.by_road == 0


def test_a_revoked_key_a_missing_scope_and_a_suspended_store_open_nothing(street, shop, payin):
    reading = shop.with_scopes("orders:read")
    reading.get("/currencies")
    assert street.post(reading, payin())[0].json["code"] == "scope_missing"
    elsewhere = shop.with_networks("203.0.113.0/24")
    assert street.post(elsewhere, payin())[0].json["code"] == "ip_not_allowed"
    shop.suspend("store")
    wait_for(lambda: street.post(shop, payin())[0].status == 403, "the suspension is heard of", 5)
    shop.revoke()
    wait_for(lambda: street.post(shop, payin())[0].status == 401, "the revocation is heard of", 5)


def test_calls_are_counted_and_the_last_is_refused(street, another, limited_shop, payin, monkeypatch):
    monkeypatch.setattr(rate_limits, "BURST", 5)
    street = another(limited_shop.app)
    first = street.post(limited_shop, payin())[0]
    assert (first.status, first.headers["ratelimit-limit"]) == (201, str(rate_limits.BURST))
    assert int(first.headers["ratelimit-remaining"]) < rate_limits.BURST
    statuses = [answer.status for answer in street.post(limited_shop, *[payin() for _ in range(20)])]
    assert 429 in statuses
    assert statuses.count(201) <= 10  # two windows at most


def counted(redis_url: str, shop: Shop) -> int:
    """Writes of its key, in whatever window they fell."""
    with Redis.from_url(redis_url) as redis:
        return sum(int(redis.get(name) or 0) for name in redis.scan_iter(f"quittance:gateway:{shop.key_id}:w:*"))


def test_a_call_counts_once_whichever_way_it_takes(street, another, limited_shop, payin, redis_url):
    """A replay or a refusal was counted on the lane and again on the ordinary road."""
    street, body, before = another(limited_shop.app), payin(), counted(redis_url, limited_shop)
    sent = [(body, "k"), (body, "k"), (body, "other")]  # made, replayed, refused: the external id is taken
    assert [street.post(limited_shop, each, keys=[key])[0].status for each, key in sent] == [201, 201, 409]
    assert street.by_road == 2
    assert counted(redis_url, limited_shop) - before == 3


def test_what_the_desk_itself_could_not_do_does_not_count(street, another, limited_shop, payin, redis_url, monkeypatch):
    """After an outage 2,300 refusals for knocking too often made it longer."""
    street, before = another(limited_shop.app), counted(redis_url, limited_shop)

    def away(*given, **named):
        raise DatabaseUnavailable()

    with monkeypatch.context() as outage:
        outage.setattr(street.lane.database, "run", away)
        outage.setattr("portal.orders.intake.create.create", away)
        outage.setattr("portal.gateway.orders.create", away)
        answers = street.post(limited_shop, *[payin() for _ in range(10)])
    assert {answer.status for answer in answers} == {503}
    assert all(1 <= int(answer.headers["retry-after"]) <= 8 for answer in answers)
    assert counted(redis_url, limited_shop) == before
    assert street.post(limited_shop, payin())[0].status == 201
    assert counted(redis_url, limited_shop) == before + 1


def test_who_comes_back_does_not_come_all_at_once():
    assert len({jitter.retry_after(2) for _ in range(200)}) == 3


def test_an_endpoint_is_told_of_an_order_from_the_lane(street, shop, payin):
    made = shop.post("/webhook-endpoints", {"url": "http://127.0.0.1:9/hook", "events": ["payin.new"]})
    assert made.status_code == 201, made.json
    (answer,) = street.post(shop, payin())
    told = db.session.execute(text("SELECT payload FROM webhook_events WHERE order_id = :id AND type = 'payin.new'"),
                              {"id": parse("pin", answer.json["id"])}).scalar_one()
    assert (told, street.by_road) == (answer.json | {"payment_url": None}, 0)


def test_behind_a_proxy_the_address_is_the_one_it_wrote(app, street, another, shop, payin, monkeypatch):
    settings = app.extensions["settings"]
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"proxy_hops": 1}))
    street = another(app)
    (answer,) = street.post(shop, payin(), x_forwarded_for="1.2.3.4, 203.0.113.9", x_forwarded_host="127.0.0.1")
    assert street.by_road == 0
    with transaction() as session:
        told = session.scalars(select(OrderEvent).where(
            OrderEvent.order_id == parse("pin", answer.json["id"]))).one()
        assert str(told.address) == "203.0.113.9"


ODD = [("198.51.100.7:443", "198.51.100.7"), ("[2001:db8::7]:443", "2001:db8::7"), ("fe80::1%eth0", "fe80::1"),
       ("::ffff:198.51.100.7", "198.51.100.7"), ('"[2001:db8::7]"', "2001:db8::7"), ("unknown", None), ("_x", None),
       ("1.2.3.4.5", None), ("[", None), ("9" * 5000, None), ("\u00e9", None)]


@pytest.mark.parametrize(("sent", "told"), ODD)
def test_odd_addresses_from_a_proxy_are_read_or_ignored_on_lane_and_road(another, app, shop, payin, monkeypatch, sent,
                                                                         told):
    settings = app.extensions["settings"].model_copy(update={"proxy_hops": 1})
    monkeypatch.setitem(app.extensions, "settings", settings)
    monkeypatch.setattr(app, "wsgi_app", forwarded.behind(1, app.wsgi_app))
    street = another(app)
    bodies = payin(), payin(customer={"name": "x" * 20_000})
    for body, status in zip(bodies, (201, 422), strict=True):
        (answer,) = street.post(shop, body, x_forwarded_for=sent, x_forwarded_host="127.0.0.1")
        assert answer.status == status, answer.json
    (asked,) = street.post(shop, payin(), x_forwarded_for=sent, x_forwarded_host="127.0.0.1",
                           x_forwarded_proto="gopher", content_type="application/json;a=b")  # the ordinary road
    assert asked.status == 201, asked.json
    with transaction() as session:
        seen = session.scalars(select(OrderEvent.address).where(OrderEvent.type == "payin.new").join(
            Order, Order.id == OrderEvent.order_id).where(Order.store_id == shop.store.id)).all()
    assert [None if address is None else str(address) for address in seen] == [told, told]
    bound = shop.with_networks("198.51.100.7/32", "2001:db8::/32", "fe80::/16")
    (answer,) = street.post(bound, payin(), x_forwarded_for=sent, x_forwarded_host="127.0.0.1")
    assert answer.status == (403 if told is None else 201)


@pytest.mark.parametrize("name", ["x_forwarded_host", "x_forwarded_proto", "x_forwarded_port", "x_forwarded_prefix",
                                  "forwarded", "accept_language", "if_none_match", "range", "authorization", "cookie"])
@pytest.mark.parametrize("value", ["[", "127.0.0.1:x", "127.0.0.1:99999999", "a,b,,", "\u00ff=;q=x", "%00", "9" * 5000])
def test_odd_values_of_headers_make_no_500(another, app, shop, payin, monkeypatch, name, value):
    settings = app.extensions["settings"].model_copy(update={"proxy_hops": 1})
    monkeypatch.setitem(app.extensions, "settings", settings)
    monkeypatch.setattr(app, "wsgi_app", forwarded.behind(1, app.wsgi_app))
    assert another(app).post(shop, payin(), **{name: value})[0].status < 500
    page = app.test_client().get("/login", headers={name.replace("_", "-"): value.encode().decode("latin-1")})
    assert page.status_code < 500


def test_changed_terms_and_a_changed_tariff_are_heard_of_by_every_process(street, shop, payin):
    """Not by `forget`, which works in the process that changed them: by a notification, long before HEARD_S."""
    before = street.post(shop, payin())[0].json["settlement"]["fee"]
    with transaction() as session:
        session.add(Tariff(store_id=shop.store.id, direction="payin", fee_bps=500))
    wait_for(lambda: street.post(shop, payin())[0].json["settlement"]["fee"] != before, "the new tariff counts", 5)
    with transaction() as session:
        session.get_one(StoreCurrency, (shop.store.id, "RUB")).max_minor = 1000_00
    wait_for(lambda: street.post(shop, payin())[0].status == 422, "the new limit counts", 5)


def test_open_pages_hear_of_a_new_order(street, shop, payin, redis_url, monkeypatch):
    with Redis.from_url(redis_url) as redis, closing(redis.pubsub(ignore_subscribe_messages=True)) as pages:
        pages.subscribe(page_events.channel_of(redis_url))
        with closing(page_events.Publisher(redis_url)) as telegraph:
            monkeypatch.setattr(page_events, "_telegraph", telegraph)
            street.post(shop, payin())
            wait_for(lambda: page_events.store(shop.store.id) in told(pages), "who looks at the store is told", 5)


def told(pages) -> list[str]:
    message = pages.get_message(timeout=1)
    return json.loads(message["data"]).get("orders", []) if message else []


def test_a_connection_that_was_ended_is_made_anew_and_no_order_is_lost(street, shop, payin):
    with transaction() as session:
        assert session.execute(text("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE"
                                    " datname = current_database() AND application_name = 'quittance-loop'"
                                    " AND usename = current_user")).scalar_one() == 1
    assert [answer.status for answer in street.post(shop, payin(), payin())] == [201, 201]
    assert street.by_road == 2
    assert street.post(shop, payin())[0].status == 201
    assert street.by_road == 2


def test_reference_data_is_read_anew_in_time_and_not_on_the_loop(street, shop, payin, monkeypatch):
    monkeypatch.setattr(cache, "FRESH_S", 0.01)
    copy = cache._copies[db.engine]
    before = copy.read_at
    wait_for(lambda: street.post(shop, payin())[0].status == 201 and copy.read_at > before, "it is read", 5)
    assert street.by_road == 0


def test_a_stores_terms_and_tariff_are_read_anew_in_time_and_not_on_the_loop(street, shop, payin, monkeypatch):
    """What somebody changed past every session is seen, though nobody was told of it."""
    fee = street.post(shop, payin())[0].json["settlement"]["fee"]
    monkeypatch.setattr(store_cache, "RENEWED_S", 0.01)
    monkeypatch.setattr(store_cache, "FRESH_S", 60.0)  # where nobody listens: no order may wait for the database
    with transaction() as session:
        session.execute(update(Tariff).where(Tariff.store_id == shop.store.id).values(fee_bps=Tariff.fee_bps + 100))
    before = street.by_road
    wait_for(lambda: street.post(shop, payin())[0].json["settlement"]["fee"] != fee, "the changed tariff counts", 5)
    assert street.by_road == before


def creates(road: str, reason: str) -> float:
    return CREATES.labels(road, reason)._value.get()


@pytest.mark.parametrize(("changed", "why"), [
    ({"content_type": "text/plain"}, Why.MEDIA_TYPE), ({"host": "elsewhere.example"}, Why.HOST),
    ({"idempotency_key": "кey"}, Why.REFUSED), ({"authorization": "Bearer nothing"}, Why.REFUSED)])
def test_why_a_create_went_by_flask_is_counted(street, shop, payin, changed, why):
    before, fast = creates("flask", why), creates("fast", "")
    [answer] = street.post(shop, payin(), **changed)
    assert answer.status >= 400
    assert (creates("flask", why), creates("fast", "")) == (before + 1, fast)
    assert street.post(shop, payin())[0].status == 201
    assert creates("fast", "") == fast + 1


def test_a_key_that_was_used_is_counted_as_taken(street, shop, payin):
    body, before = payin(), creates("flask", Why.TAKEN)
    assert [street.post(shop, body, keys=["again"])[0].status for _ in range(2)] == [201, 201]
    assert creates("flask", Why.TAKEN) == before + 1


@pytest.mark.parametrize(("sent", "hops", "host"), [
    ({"host": "desk.example"}, 0, "desk.example"), ({"host": "desk.example"}, 1, "desk.example"),
    ({"host": "inner", "x-forwarded-host": "desk.example"}, 1, "desk.example"),
    ({"host": "inner", "x-forwarded-host": "evil.example, desk.example"}, 1, "desk.example"),
    ({"host": "desk.example", "x-forwarded-host": "evil.example"}, 0, "desk.example"),
    ({"host": "desk.example", "x-forwarded-host": "one"}, 2, "desk.example")])
def test_both_roads_read_the_same_host_off_proxies(sent, hops, host):
    """nginx' usual lines keep Host and name no other: every create went by Flask, and nobody knew."""
    seen = []

    def app(environ, start_response):
        seen.append(environ["HTTP_HOST"])
        return []

    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
    forwarded.behind(hops, app)(environ | {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http"}, None)
    assert seen == [host] == [forwarded.host(lambda name: sent.get(name, ""), hops)]
