"""What two readers could take differently is read by nobody: heads and bodies of calls and pages alike."""
import asyncio
import json

import pytest
from flask import Flask

from portal.core.errors import FIELDS_MAX
from portal.server.request_body import BodyReader, Limits, taken_by
from portal.web.request import takes
from tests.gateway.test_server import exchange, problem
from tests.running import running_desk

MIB = 1024 * 1024
KINDS = ("/gateway/v1/payins", "/login")


@pytest.fixture(scope="module")
def desk(database, redis_url, tmp_path_factory):
    with running_desk(database, tmp_path_factory.mktemp("desk") / "web.log", "web") as desk:
        yield desk


def sent(path: str, *lines: str, body: str = "{}", host: str = "Host: 127.0.0.1", version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", *([host] if host else []), *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body]).encode()


@pytest.mark.parametrize("path", [*KINDS, "/live"])
@pytest.mark.parametrize("host", ["", "Host:", "Host: a b", "Host: [::1", "Host: 127.0.0.1:x", "Host: 127.0.0.1:123456",
                                  "Host: 127.0.0.1\r\nHost: 127.0.0.1", "Host: 127.0.0.1,127.0.0.1"])
def test_a_request_names_its_host_once(desk, path, host):
    assert exchange(desk, sent(path, host=host))[0] == 400


def test_the_older_protocol_needs_no_host(desk):
    status, _, body = exchange(desk, sent(KINDS[0], host="", version="1.0"))
    assert (status, json.loads(body)["code"]) in [(401, "unauthorized"), (400, "malformed_request")]


@pytest.mark.parametrize("twice", [
    ("Idempotency-Key: a", "Idempotency-Key: b"), ("Idempotency-Key: a", "idempotency-key: a"),
    ("Authorization: Bearer a", "Authorization: Bearer b"), ("Content-Type: application/json", "Content-Type: text/a"),
    ("Content-Length: 2",), ("Origin: http://a", "Origin: http://b"), ("Transfer-Encoding: chunked",)])
def test_what_may_stand_once_stands_once(desk, twice):
    assert problem(exchange(desk, sent(KINDS[0], *twice))) == (400, "malformed_request")
    assert exchange(desk, sent(KINDS[1], *twice))[0] == 400


def test_two_keys_of_idempotency_make_no_order(database, redis_url, shop, payin, tmp_path):
    body = json.dumps(payin())
    lines = (f"Authorization: Bearer {shop.token}", "Content-Type: application/json", "Idempotency-Key: one")
    with running_desk(database, tmp_path / "web.log", "web") as desk:
        assert problem(exchange(desk, sent(KINDS[0], *lines, "Idempotency-Key: two", body=body)))[0] == 400
        assert shop.count() == 0
        assert exchange(desk, sent(KINDS[0], *lines, body=body))[0] == 201
        latin = ("Content-Type: application/json; charset=latin-1",)
        answer = exchange(desk, sent(KINDS[0], lines[0], *latin, "Idempotency-Key: three", body=body))
        assert problem(answer) == (415, "unsupported_encoding")
    assert shop.count() == 1


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("line", [
    "Content-Type: application/json; charset=utf-16", 'Content-Type: application/json; Charset="latin-1"',
    "Content-Type: application/x-www-form-urlencoded; charset=windows-1251", "Content-Encoding: gzip",
    "Content-Encoding: identity, br"])
def test_text_is_utf8_and_not_packed(desk, path, line):
    assert exchange(desk, sent(path, line))[0] == 415


@pytest.mark.parametrize("line", ["Content-Type: application/json; charset=UTF-8", 'Content-Type: application/json;'
                                  ' charset="utf-8"', "Content-Encoding: identity"])
def test_what_says_that_it_is_utf8_is_read(desk, line):
    assert exchange(desk, sent(KINDS[0], line))[0] == 401


def test_a_query_without_an_end_is_refused(desk):
    query = "&".join("a=1" for _ in range(200))
    assert problem(exchange(desk, sent(f"{KINDS[0]}?{query}"))) == (400, "malformed_request")


@pytest.mark.parametrize("path", ["/gateway/v1/nothing/receipts", "/gateway/v1/payins"])
def test_a_large_body_is_read_only_where_it_was_asked_for(desk, path):
    assert problem(exchange(desk, sent(path, body="x" * 2 * MIB))) == (413, "body_too_large")


def test_a_route_may_ask_for_more():
    flask = Flask("asks")

    @flask.post("/files/<name>")
    @takes(3 * MIB)
    def files(name: str) -> str:
        return name

    told: dict[str, list[int]] = {"sizes": [], "statuses": []}

    async def app(scope, receive, send):
        told["sizes"].append(len((await receive())["body"]))

    async def send(message):
        if "status" in message:
            told["statuses"].append(message["status"])

    async def post(path: str, size: int) -> None:
        async def receive():
            return {"type": "http.request", "body": b"x" * size, "more_body": False}

        await BodyReader(app, Limits(asked_for=taken_by(flask)))(
            {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b"",
             "headers": [(b"host", b"here"), (b"content-length", b"%d" % size)]}, receive, send)

    async def all_of_them() -> None:
        await post("/files/a", 3 * MIB)
        await post("/files/a", 3 * MIB + 1)
        await post("/files", 2 * MIB)

    asyncio.run(all_of_them())
    assert told == {"sizes": [3 * MIB], "statuses": [413, 413]}


@pytest.mark.parametrize("body", ["&".join(f"f{n}=x" for n in range(51)), "email=" + "x" * 65 * 1024])
def test_a_form_has_as_few_fields_and_bytes_however_it_is_written(app, body):
    form = app.test_client().post("/login", data=body, content_type="application/x-www-form-urlencoded")
    assert form.status_code == 413


def test_an_answer_tells_of_fifty_wrong_fields(shop, payin):
    answer = shop.post("/payins", payin(**{f"x{n}": 1 for n in range(3000)}))
    assert answer.status_code == 422
    assert len(answer.json["errors"]) == FIELDS_MAX
