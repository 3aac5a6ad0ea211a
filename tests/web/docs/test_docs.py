"""The documentation is the OpenAPI document, drawn: nothing is missing, its samples work, it is sent once."""
import json
import re
import shlex
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.core.commands import bind
from portal.gateway import openapi
from portal.gateway.endpoint import BASE
from portal.orders.commands import CreatePayin
from portal.web.docs.pages import PAGES
from tests.gateway import write_errors
from tests.web.inspect import faults

OF_THE_SHELL = {"not_empty"}  # of `bin/flask demo`, which no answer over HTTP carries


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


@pytest.fixture
def everything(app: Flask, client: FlaskClient) -> str:
    tags = {one["tags"][0].lower().replace(" ", "-") for path in openapi.document(app)["paths"].values()
            for one in path.values()}
    return "".join(page(client, f"/docs/reference/{tag}") for tag in tags)


def test_every_call_is_listed_with_its_fields_and_refusals(app: Flask, everything: str) -> None:
    document = openapi.document(app)
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            anchor = described["operationId"].removeprefix("gateway_").replace("_", "-")
            section = unescape(everything.partition(f'<section class="docs-call" id="{anchor}"')[2].partition(
                "</section>")[0])
            assert described["summary"] in section, anchor
            assert described["description"].replace("`", "") in re.sub("</?code>", "", section)
            assert f"{method.upper()}</span> {path.removeprefix('/gateway/v1')}" in section
            for parameter in described["parameters"]:
                assert f"<code>{parameter['name']}</code>" in section
            for response in described["responses"].values():
                for code in re.findall(r"`(\w+)`", response["description"]) if "problem" in str(response) else ():
                    assert f"/docs/errors#{code}" in section


def test_every_code_of_refusal_has_its_anchor(client: FlaskClient) -> None:
    """`type` of every problem is `/docs/errors#code`; the table of docs/errors.md is the same one."""
    html = page(client, "/docs/errors")
    anchors = set(re.findall(r'<tr[^>]* id="([a-z_]+)"', html))
    written = set(re.findall(r"^\| `([a-z_]+)` \|", write_errors.FILE.read_text(), re.M))
    assert written - OF_THE_SHELL <= anchors
    assert len(anchors) > 40


def test_every_event_has_an_example(app: Flask, client: FlaskClient) -> None:
    html = page(client, "/docs/webhooks")
    for name in openapi.document(app)["webhooks"]:
        assert f'id="{name}"' in html
        assert f"&#34;type&#34;: &#34;{name}&#34;" in html


@pytest.mark.parametrize("name", ["", "/reference/payins", *(f"/{name}" for name in PAGES)])
def test_it_is_sent_once_and_makes_no_session(client: FlaskClient, name: str) -> None:
    first = client.get(f"/docs{name}")
    again = client.get(f"/docs{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in first.headers
    other = client.get(f"/docs{name}?lang=ru", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("name", ["", "/reference/payins", *(f"/{name}" for name in PAGES)])
def test_it_is_a_whole_page(client: FlaskClient, name: str) -> None:
    assert not faults(page(client, f"/docs{name}"), signed_in=False, language="en")


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/reference/nothing", "/docs/layout"])
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_link_within_the_docs_leads_somewhere(client: FlaskClient) -> None:
    seen: dict[str, str] = {}
    waiting = ["/docs"]
    broken = []
    while waiting:
        path = waiting.pop()
        html = seen[path] = page(client, path)
        for target in re.findall(r'href="(/docs[^"?]*)"', html):
            where, _, anchor = target.partition("#")
            if where not in seen and where not in waiting:
                waiting.append(where)
            if anchor and f'id="{anchor}"' not in (seen.get(where) or page(client, where)):
                broken.append((path, target))
    assert not broken, sorted(set(broken))[:5]
    assert len(seen) >= 8


FOLLOWED = {
    "host-to-host": ("?wait=30&version=1", "too_many_waits"), "payouts": ("?wait=30&version=",),
    "webhooks": ("updated_from=", "next_cursor", "ids", "/replay"),
    "changelog": ("POST /token", "Quittance-Signature", "/advance", "#before", "#missed", "?wait=", "updated_from")}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("name", FOLLOWED)
def test_how_an_order_is_followed_stands_in_the_guides_and_what_there_is_in_the_changelog(
        client: FlaskClient, name: str, language: str) -> None:
    html = unescape(page(client, f"/docs/{name}?lang={language}")).partition("<h1")[2]
    assert [words for words in FOLLOWED[name] if words not in html] == []
    for target, anchor in re.findall(r'href="(/docs[^"?#]*)#([^"]+)"', html):
        assert f'id="{anchor}"' in page(client, f"{target}?lang={language}"), (target, anchor)


def test_the_login_page_leads_there(client: FlaskClient) -> None:
    assert 'href="/docs"' in page(client, "/login")


def _sample(html: str, anchor: str, language: str) -> str:
    section = html.partition(f'<section class="docs-call" id="{anchor}"')[2]
    found = re.search(rf'aria-label="{language}"><code>(.*?)</code>', section, re.S)
    assert found
    return unescape(found[1])


def test_samples_are_whole(everything: str) -> None:
    curl, python = _sample(everything, "create-payin", "curl"), _sample(everything, "create-payin", "Python")
    assert 'Authorization: Bearer qk_test_…"' in curl
    assert 'Idempotency-Key: order-1042-try-1"' in curl
    compile(python, "sample", "exec")
    assert '"external_id": "order-1042"' in python
    assert "Authorization" not in _sample(everything, "openapi", "curl")


def test_every_sample_in_python_compiles(everything: str) -> None:
    found = [unescape(text) for text in re.findall(r'aria-label="Python"><code>(.*?)</code>', everything, re.S)]
    assert len(found) >= 10
    for text in found:
        compile(text, "sample", "exec")


def test_the_sample_of_a_create_is_taken_by_the_gateway(app: Flask, everything: str) -> None:
    """The very body that the page shows, sent with a key; only what is each shop's own differs."""
    words = shlex.split(_sample(everything, "create-payin", "curl").replace("\\\n", " "))
    body: dict[str, Any] = json.loads(words[words.index("-d") + 1])
    assert words[1].endswith(f"{BASE}/payins")
    assert bind(CreatePayin, body).external_id == "order-1042"
