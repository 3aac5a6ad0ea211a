"""Under /gateway/ every refusal is a problem document, and every code is in the registry and its table."""
import functools

import pytest
import sqlalchemy
from sqlalchemy import text

from portal.core.db import db
from portal.gateway import problems
from tests.gateway import write_errors


@pytest.fixture
def shop(either_road):
    """Every test holds on both roads."""
    return either_road


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/gateway", 404), ("GET", "/gateway/", 404), ("GET", "/gateway/v1", 404), ("GET", "/gateway/v1/", 404),
    ("GET", "/gateway/v2/payins", 404), ("GET", "/gateway/v1/nothing", 404), ("POST", "/gateway/v1/token", 415),
    ("GET", "/gateway/v1/token", 405),
    ("GET", "/gateway/v1/payins/", 404), ("GET", "/gateway//v1/payins", 404), ("GET", "/gateway/v1//payins", 404),
    ("DELETE", "/gateway/v1/payins", 405), ("OPTIONS", "/gateway/v1/nothing", 404), ("PUT", "/gateway/v1/balance", 405),
    ("TRACE", "/gateway/v1/balance", 405), ("PATCH", "/gateway/v1/openapi.json", 405),
    ("GET", "/gateway/v1/payins", 401), ("POST", "/gateway/v1/payins", 401), ("GET", "/gateway/v1/%00", 404),
    ("GET", "/gateway/../login", 404), ("GET", "/gateway/v1/payins/<script>", 401),
])
def test_no_html_leaves_an_address_under_gateway(client, method, path, status):
    answer = client.open(path, method=method)
    assert answer.status_code == status, answer.get_data()
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["Request-Id"]
    assert answer.json["code"] in problems.registry()
    if status == 405:
        assert answer.headers["Allow"]


def test_a_head_of_a_problem_has_no_body(client):
    answer = client.head("/gateway/v1/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_the_request_id_of_a_stranger_is_not_taken(client):
    answer = client.get("/gateway/v1/payins", headers={"Request-Id": "mine", "X-Request-Id": "mine"})
    assert answer.headers["Request-Id"] != "mine"
    assert "mine" not in answer.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_a_body_that_does_not_say_json_is_unsupported(shop, content_type):
    answer = shop.send("/payins", b"{}", content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_too_large(shop):
    answer = shop.send("/payins", b'{"description": "' + b"x" * 1024 * 1024 + b'"}')
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_a_bug_shows_a_request_id_and_nothing_else(app, shop, monkeypatch):
    @functools.wraps(app.view_functions["gateway.currencies"])
    def broken():
        raise ZeroDivisionError("secret detail of ours")

    monkeypatch.setitem(app.view_functions, "gateway.currencies", broken)
    answer = shop.get("/currencies")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "secret detail" not in answer.text
    assert answer.json["request_id"] == answer.headers["Request-Id"]


def test_a_database_that_went_away_is_503_with_retry_after_and_the_next_call_is_well(shop):
    shop.get("/payins")
    killer = sqlalchemy.create_engine(db.engine.url)
    with killer.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
                                " AND datname = current_database() AND application_name = 'quittance-web'"))
    killer.dispose()
    answers = [shop.get("/payins") for _ in range(12)]
    away = [answer for answer in answers if answer.status_code != 200]
    assert away
    assert answers[-1].status_code == 200
    for answer in away:
        assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json["retryable"] is True


def test_the_table_of_codes_is_the_registry():
    """To bring docs/errors.md up to date: `python -m tests.gateway.write_errors`."""
    assert write_errors.FILE.read_text() == write_errors.document()
