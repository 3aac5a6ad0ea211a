"""What every answer keeps to itself, whoever asks and however (docs/security.md)."""
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests import people

Desk = Callable[..., Flask]
SOURCES = Path(__file__).parents[3] / "static" / "js"
EVERYWHERE = ("/", "/login", "/docs", "/status", "/nowhere", "/gateway/v1/balance", "/gateway/v1/nowhere",
              "/static/favicon.svg", "/pay/nobody", "/livez", "/.well-known/security.txt")


@pytest.mark.parametrize("path", EVERYWHERE)
def test_https_is_for_a_year_and_all_below(app: Flask, another: Desk, path: str) -> None:
    desk = another(public_url="https://desk.example", trusted_hosts=["desk.example"])
    answer = people.Browser(desk).get(path, base_url="https://desk.example")
    answer.close()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", EVERYWHERE)
def test_no_other_origin_is_let_in(app: Flask, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = people.Browser(app).open(path, method=method, headers={
            "Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
        answer.close()
        assert not [name for name in answer.headers.keys() if name.lower().startswith("access-control-")]  # noqa: SIM118


@pytest.mark.parametrize("path", ["/static/", "/static/vendor/", "/static/vendor", "/static/../portal/settings.py",
                                  "/static/%2e%2e/.env", "/.git/config", "/.env"])
def test_no_folder_is_listed(app: Flask, path: str) -> None:
    assert people.Browser(app).get(path).status_code == 404


@pytest.mark.parametrize("path", EVERYWHERE)
def test_nothing_is_traced(app: Flask, path: str) -> None:
    answer = people.Browser(app).open(path, method="TRACE", headers={"X-Canary": "sings"})
    assert answer.status_code in (403, 404, 405)
    assert "sings" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", EVERYWHERE)
def test_no_answer_tells_what_the_desk_is_made_of(app: Flask, path: str) -> None:
    answer = people.Browser(app).get(path)
    said = str(answer.headers) + ("" if path.startswith(("/static", "/docs")) else answer.get_data(as_text=True))
    answer.close()
    assert not re.search(r"werkzeug|flask|uvicorn|python/|sqlalchemy|psycopg|jinja", said, re.I)


def test_the_browser_keeps_preferences_only() -> None:
    written = {name for file in SOURCES.rglob("*.js") if "vendor" not in file.parts
               for name in re.findall(r"(?:localStorage|sessionStorage)\.setItem\(([^,]+),", file.read_text())}
    assert written <= {'"sound"', '"keys"', '"sample-language"'}, written
