"""`POST /payins/{id}/advance` and `/payouts/{id}/advance`: a test order's own clock, and nobody else's."""
import time
from datetime import datetime

import psycopg
import pytest

from portal import ledger
from portal.core import jobs
from portal.gateway import rate_limits
from portal.requisites import robots
from tests import factories as f


@pytest.fixture
def robot(test_shop, method):
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[method])


@pytest.fixture
def elsewhere(app, test_shop):
    """Another transaction."""
    with psycopg.connect(app.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def ordered(test_shop, payin, robot):
    def ordered(amount):
        return test_shop.post("/payins", payin(amount=amount)).json["id"]
    return ordered


def test_what_nobody_pays_is_expired_when_the_answer_comes(test_shop, ordered):
    id = ordered("1500.04")  # not even matched yet: that happens first
    answer = test_shop.post(f"/payins/{id}/advance", {"seconds": 3600})
    assert (answer.status_code, answer.json["status"]) == (200, "expired")
    assert [one["type"] for one in answer.json["events"]] == ["payin.new", "payin.assigned", "payin.expired"]


def test_a_deadline_comes_that_much_sooner_and_no_more(test_shop, ordered):
    id = ordered("1500.01")
    first = test_shop.post(f"/payins/{id}/advance", {"seconds": 60}).json
    second = test_shop.post(f"/payins/{id}/advance", {"seconds": 300}).json
    assert first["status"] == second["status"] == "assigned"
    assert _seconds_between(second["expires_at"], first["expires_at"]) == 300
    assert f.found(id).match_by < f.found(id).created_at  # all of its clocks


def test_an_order_that_pays_itself_is_completed_in_one_call(test_shop, ordered):
    answer = test_shop.post(f"/payins/{ordered('1500.00')}/advance", {"seconds": 1})
    assert answer.json["status"] == "completed"


def test_a_whole_number_may_be_written_with_a_point(test_shop, ordered):
    """A JSON number has no type of its own: some languages write 3600.0."""
    answer = test_shop.send(f"/payins/{ordered('1500.04')}/advance", b'{"seconds": 3600.0}')
    assert (answer.status_code, answer.json["status"]) == (200, "expired")


def test_a_payout_too(test_shop, method, robot):
    f.deposit_to(ledger.store_available(test_shop.store.id, "USDT", False), "100.000000")
    with f.act() as session:
        f.set_fee(session, f.SYSTEM, f.SetFee(store_id=test_shop.store.id, direction="payout", fee_bps=250))
    f.forget()
    asked = {"external_id": "p-1", "amount": "60.04", "currency": "RUB",
             "destination": {"method": method, "number": robots.test_number("luhn16", "x")}}
    made = test_shop.post("/payouts", asked, key="one")
    assert made.status_code == 201, made.json
    answer = test_shop.post(f"/payouts/{made.json['id']}/advance", {"seconds": 86_400})
    assert (answer.status_code, answer.json["status"]) == (200, "expired")


def test_the_same_key_gives_the_same_answer_and_moves_no_clock(test_shop, ordered):
    id = ordered("1500.01")
    first = test_shop.post(f"/payins/{id}/advance", {"seconds": 60}, key="one")
    again = test_shop.post(f"/payins/{id}/advance", {"seconds": 60}, key="one")
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    other = test_shop.post(f"/payins/{id}/advance", {"seconds": 61}, key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    now = test_shop.get(f"/payins/{id}").json
    assert now["expires_at"] == first.json["expires_at"]


@pytest.mark.parametrize("direction", ["payins", "payouts"])
def test_a_live_key_is_refused_whatever_it_names(shop, ordered, direction):
    for id in (ordered("1500.04"), "pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB", "x"):
        answer = shop.post(f"/{direction}/{id}/advance", {"seconds": 60})
        assert (answer.status_code, answer.json["code"]) == (403, "test_only")


def test_a_live_order_is_nobody_elses_clock(shop, test_shop, other_shop, payin, ordered):
    live = shop.post("/payins", payin()).json["id"]
    assert test_shop.post(f"/payins/{live}/advance", {"seconds": 60}).status_code == 404
    theirs = other_shop.in_test_mode().post(f"/payins/{ordered('1500.04')}/advance", {"seconds": 60})
    assert theirs.status_code == 404


@pytest.mark.parametrize("seconds", [0, -1, 86_401, 1.5, "60", True, None])
def test_what_is_no_number_of_seconds_in_a_day_is_refused(test_shop, ordered, seconds):
    answer = test_shop.post(f"/payins/{ordered('1500.04')}/advance", {"seconds": seconds})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["/seconds"]


def test_sixteen_at_once_expire_it_once(app, test_shop, ordered):
    id = ordered("1500.04")
    answers = f.at_the_same_time(app, [lambda: test_shop.post(f"/payins/{id}/advance", {"seconds": 3600})] * 16)
    assert {answer.status_code for answer in answers} == {200}
    assert test_shop.get(f"/payins/{id}").json["version"] == 3


def test_a_worker_that_has_the_order_in_hand_finds_it_done(app, test_shop, ordered):
    id = ordered("1500.00")
    claimed = jobs.claim("match_order", limit=5000, lease_s=30)  # and is then slow
    assert [job.reference for job in claimed if job.reference == f.found(id).id]
    answer = test_shop.post(f"/payins/{id}/advance", {"seconds": 1})
    assert answer.json["status"] == "completed"
    jobs.hand_back(claimed)
    f.work_off()
    assert f.found(id).status == "completed"


def test_who_finds_the_robots_taken_is_told_to_come_again(test_shop, ordered, elsewhere):
    """They are one lock for all test orders of a currency: a key that only asks could hold every thread there."""
    ended, idle, due = ordered("1500.04"), ordered("1500.01"), ordered("1500.01")
    test_shop.post(f"/payins/{ended}/advance", {"seconds": 3600})
    for id in (idle, due):
        test_shop.post(f"/payins/{id}/advance", {"seconds": 1})
    elsewhere.execute("SELECT id FROM traders WHERE robot FOR NO KEY UPDATE")
    assert test_shop.post(f"/payins/{ended}/advance", {"seconds": 60}).json["status"] == "expired"
    assert test_shop.post(f"/payins/{idle}/advance", {"seconds": 60}).json["status"] == "assigned"
    began = time.monotonic()
    refused = test_shop.post(f"/payins/{due}/advance", {"seconds": 86_400})
    assert (refused.status_code, refused.json["code"], refused.json["retryable"]) == (409, "busy", True)
    assert time.monotonic() - began < 1.5, "as long as any lock is waited for"
    assert int(refused.headers["Retry-After"]) >= 1
    elsewhere.rollback()
    assert test_shop.post(f"/payins/{due}/advance", {"seconds": 86_400}).json["status"] == "expired"


def test_a_store_turns_clocks_only_so_often(app, test_shop, ordered, redis_url, monkeypatch):
    monkeypatch.setattr(rate_limits, "ADVANCE_MAX", 2)
    id, other = ordered("1500.01"), ordered("1500.01")
    monkeypatch.setitem(app.extensions, rate_limits.EXTENSION, rate_limits.Counter(redis_url))
    monkeypatch.setattr(rate_limits, "_slot", lambda window_s: 1)  # all in one window
    asked = [test_shop.post(f"/payins/{one}/advance", {"seconds": 1}) for one in (id, other, id)]
    assert [answer.status_code for answer in asked] == [200, 200, 429]
    assert (asked[2].json["code"], int(asked[2].headers["Retry-After"]) >= 1) == ("rate_limited", True)
    assert asked[2].headers["RateLimit-Limit"] == str(rate_limits.BURST), "the key's own, which is far from its end"
    assert test_shop.get(f"/payins/{id}").status_code == 200


def _seconds_between(earlier, later):
    return round((datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())
