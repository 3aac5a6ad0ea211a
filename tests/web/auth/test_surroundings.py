"""The doors when something around them is missing, and on https."""
import random
from collections.abc import Callable

import pytest
import segno
from flask import Flask
from pydantic import SecretStr

from portal.core.ids import new_id, text
from portal.orders import payment_links
from tests import people

Desk = Callable[..., Flask]
NOWHERE = "127.0.0.1:1"


def test_without_the_database_a_signed_in_page_says_so(app: Flask, another: Desk) -> None:
    sid = people.seat(app, people.person("trader")).sid
    cut_off = another(database_url=SecretStr(f"postgresql://x:y@{NOWHERE}/z"))
    browser = people.Browser(cut_off)
    assert browser.get("/login").status_code == 200
    browser.set_cookie("sid", sid)
    answer = browser.get("/trader/orders")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "<h1>" in answer.get_data(as_text=True)
    told = answer.headers.getlist("Set-Cookie")
    assert not any(line.startswith("sid=") for line in told), "nobody is signed out by it"


def test_on_https_no_other_host_can_set_the_cookie(app: Flask, another: Desk) -> None:
    me = people.person("trader")
    desk = another(public_url="https://desk.example", trusted_hosts=["desk.example"])
    browser, base = people.Browser(desk), "https://desk.example"
    opened = browser.get("/login", base_url=base)
    page = opened.get_data(as_text=True)
    assert [line.partition("=")[0] for line in opened.headers.getlist("Set-Cookie")] == ["__Host-csrf"]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(opened.headers["Set-Cookie"].split("; "))
    form = {"csrf_token": page.partition('name="csrf-token" content="')[2].partition('"')[0], "email": me.email,
            "password": people.PASSWORD}
    answer = browser.post("/login", data=form, base_url=base, environ_overrides={"REMOTE_ADDR": "10.66.6.6"})
    assert answer.status_code == 303
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if "sid=" in line)
    assert cookie.startswith("__Host-sid=")
    gone = next(line for line in answer.headers.getlist("Set-Cookie") if "csrf=" in line)
    assert gone.startswith("__Host-csrf=;")
    assert {"Secure", "Path=/", "Max-Age=0"} <= set(gone.split("; ")), "else a browser does not hear of it"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.get("/", base_url=base).location == "/trader/orders"


@pytest.mark.parametrize("path", ["/", "/login", "/docs", "/nowhere", "/static/favicon.svg"])
def test_a_host_that_is_not_ours_is_a_bad_request(app: Flask, path: str) -> None:
    answer = people.Browser(app).get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in answer.get_data(as_text=True)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_code_on_a_payment_page_names_the_public_address(another: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, drawn = another(public_url="http://desk.example", trusted_hosts=["desk.example", "other.example"]), []
    make = segno.make
    monkeypatch.setattr(segno, "make", lambda page, **how: drawn.append(page) or make(page, **how))
    with desk.app_context():
        link = payment_links.path_of(new_id())
    assert people.Browser(desk).get(f"{link}/qr.svg", headers={"Host": "other.example"}).status_code == 200
    assert drawn == [f"http://desk.example{link}"]


@pytest.mark.parametrize("redis", ["there", "away"])
def test_a_payment_link_is_asked_for_sixty_times_a_minute(another: Desk, redis: str) -> None:
    more = {"redis_url": SecretStr(f"redis://{NOWHERE}/0")} if redis == "away" else {}
    browser = people.Browser(another(ratelimit_enabled=True, **more))
    link = f"/pay/{text(new_id())}AAAA"
    here = {"REMOTE_ADDR": f"198.18.{random.randrange(256)}.{random.randrange(256)}"}
    answers = [browser.get(link, environ_overrides=here) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [404] * 60 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[0].headers["RateLimit-Limit"] == "60"
    assert "Retry-After" not in answers[0].headers
    assert 1 <= int(answers[0].headers["RateLimit-Reset"]) <= 60
    assert browser.get(f"/pay/{text(new_id())}AAAA", environ_overrides=here).status_code == 404
