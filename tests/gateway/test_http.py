"""HTTP as it is meant, on either road; over the real server a crowd with one key, and more than it can do."""
import http.client
import json
import threading
import time

import pytest

from tests import people
from tests.gateway.crowd import at_the_same_time
from tests.running import running_desk


def test_what_an_address_takes_is_told_and_no_other_site_is_let_in(client):
    """A browser's preflight finds no leave in it, so a page of another site cannot call."""
    answer = client.options("/gateway/v1/payins", headers={
        "Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization"})
    assert (answer.status_code, answer.get_data()) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["Request-Id"].startswith("req_")
    refused = client.delete("/gateway/v1/payins")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_an_answer_to_another_site_says_nothing_of_it(either_road, payin):
    shop = either_road
    shop.seen.clear()
    shop.get("/balance", headers={"Origin": "https://evil.example"})
    shop.post("/payins", payin())
    for answer in shop.seen:
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_head_says_what_a_get_would_and_has_no_body(shop, app):
    full = shop.get("/currencies")
    head = app.test_client(use_cookies=False).head("/gateway/v1/currencies", headers={
        "Authorization": f"Bearer {shop.token}"})
    assert (head.status_code, head.get_data()) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == full.headers[name]
    again = app.test_client(use_cookies=False).head("/gateway/v1/currencies", headers={
        "Authorization": f"Bearer {shop.token}", "If-None-Match": full.headers["ETag"]})
    assert again.status_code == 304


def accepting(shop, app, payin, accept: str | None):
    headers = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": people.new_id().hex,
               "Content-Type": "application/json"} | ({} if accept is None else {"Accept": accept})
    if shop.fast:
        return shop._by_the_fast_road({name: value for name, value in headers.items() if name != "Authorization"},
                                      data=json.dumps(payin()).encode(), content_type="application/json")
    return app.test_client(use_cookies=False).post("/gateway/v1/payins", data=json.dumps(payin()), headers=headers)


@pytest.mark.parametrize(("accept", "status"), [
    (None, 201), ("*/*", 201), ("application/json", 201), ("application/*", 201), ("application/problem+json", 201),
    ("application/json, text/plain, */*", 201), ("text/html, */*;q=0.8", 201), ("", 201), ("nonsense", 406),
    ("text/html", 406), ("application/xml, text/*;q=0.5", 406), ("application/json;q=0", 406),
    ("text/html, application/json;q=0.0", 406)])
def test_who_takes_no_json_is_told_that_there_is_nothing_else(either_road, app, payin, accept, status):
    shop = either_road
    answer = accepting(shop, app, payin, accept)
    assert answer.status_code == status
    if status == 406:
        problem = json.loads(answer.get_data())
        assert (problem["code"], answer.headers["Content-Type"]) == ("not_acceptable", "application/problem+json")
        assert shop.count() == 0


def test_no_cookie_is_read_or_set(app, shop):
    """A person signed in at this browser is nobody here: a call is let in by its key alone."""
    seat = people.seat(app, people.person("super_admin"))
    answer = seat.get("/gateway/v1/balance")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)
    for answer in (shop.get("/balance"), shop.get("/nothing"), shop.get("/payins?limit=0")):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_every_call_says_what_is_left(limited_shop):
    seen = [limited_shop.get("/balance"), limited_shop.get("/payins?limit=0"), limited_shop.get("/nothing"),
            limited_shop.get("/payins/pin_x"), limited_shop.post("/payins", {}), limited_shop.get("/openapi.json"),
            limited_shop.as_key("nonsense").get("/balance"), limited_shop.get("/currencies", {
                "If-None-Match": limited_shop.get("/currencies").headers["ETag"]})]
    assert [answer.status_code for answer in seen] == [200, 422, 404, 404, 422, 200, 401, 304]
    for answer in seen:
        named = {name.lower() for name, _ in answer.headers}
        assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= named


def test_a_crowd_with_one_key_over_http(database, redis_url, shop, payin, tmp_path):
    body = json.dumps(payin()).encode()
    headers = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": "crowd", "Content-Type": "application/json"}

    with running_desk(database, tmp_path / "web.log", "web") as desk:
        def post(_):
            connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=30)
            try:
                connection.request("POST", "/gateway/v1/payins", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("Idempotent-Replayed"), answer.read()
            finally:
                connection.close()

        answers = at_the_same_time(100, post)
    assert {status for status, _, _ in answers} == {201}
    assert sum(replayed is None for _, replayed, _ in answers) == 1
    assert len({sent for _, _, sent in answers}) == 1
    assert shop.count() == 1


RUSH_S, CLIENTS, BASELINE = 8, 320, 25


@pytest.mark.slow
def test_over_capacity_it_sheds_in_bounded_time_and_comes_back(database, redis_url, shop, tmp_path):
    """More than its threads and their queue hold, each asking again at once: nobody waits long, and 30 s after the
    rush an answer takes what it took before."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    settings = {"RATELIMIT_ENABLED": "false", "CONNECTIONS_PER_ADDRESS": str(CLIENTS + 50)}
    with running_desk(database, tmp_path / "web.log", "web", settings=settings) as desk:
        def ask() -> tuple[int, float, str | None]:
            connection, began = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60), time.monotonic()
            try:
                connection.request("GET", "/gateway/v1/payins?limit=100", headers=headers)
                answer = connection.getresponse()
                answer.read()
                return answer.status, time.monotonic() - began, answer.getheader("Retry-After")
            finally:
                connection.close()

        def usual() -> float:
            return sorted(ask()[1] for _ in range(BASELINE))[BASELINE // 2]

        usual()
        before, answers, until = usual(), list[tuple[int, float, str | None]](), time.monotonic() + RUSH_S

        def rush() -> None:
            while time.monotonic() < until:
                answers.append(ask())

        crowd = [threading.Thread(target=rush) for _ in range(CLIENTS)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
        over, after = time.monotonic(), usual()
        while after > max(2 * before, .05) and time.monotonic() < over + 30:
            after = usual()
    assert {status for status, _, _ in answers} == {200, 503}
    assert max(took for _, took, _ in answers) < 15
    assert all(later for status, _, later in answers if status == 503)
    assert after <= max(2 * before, .05), f"{before * 1000:.0f} ms before, {after * 1000:.0f} ms 30 s after the rush"
