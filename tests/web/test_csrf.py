"""A form counts only when it was sent from our own page by the browser that was given it: every unsafe route."""
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from portal.core.ids import new_id, text
from portal.orders import payment_links
from portal.web.csrf import SAFE, SIGNED
from tests import people

NUMBERED = ("job_id", "entry_id")  # in addresses; all others have public ids
KINDS = ("super_admin", "merchant_owner", "trader")


def unsafe(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(method, address, endpoint) of every route that changes something. Programs bring a key or a signature."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - SAFE):
            if not rule.endpoint.startswith("gateway") and rule.endpoint not in SIGNED:
                yield method, address_of(app, rule), rule.endpoint


def address_of(app: Flask, rule: Rule) -> str:
    """An address of the rule with some id for each gap: what it names need not exist."""
    values: dict[str, object] = {name: "1" if name in NUMBERED else f"pin_{text(new_id())}" for name in rule.arguments}
    if "kind" in values:
        values["kind"] = "trader"  # of who wants to join
    if "token" in values:
        values["token"] = payment_links.token_of(new_id())
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, rule.methods and next(
        iter(sorted(rule.methods - {"OPTIONS", "HEAD"})))))


@pytest.fixture
def browsers(app: Flask) -> list[people.Seat]:
    return [*(people.seat(app, people.person(kind)) for kind in KINDS), people.stranger(app)]


@pytest.mark.parametrize("how", ["no token", "another's token", "another site", "another origin", "a made-up token"])
def test_every_unsafe_route_refuses(app: Flask, browsers: list[people.Seat], how: str) -> None:
    other = people.seat(app, people.person("trader"))
    found = list(unsafe(app))
    assert len(found) > 10
    for browser in browsers:
        for method, address, endpoint in found:
            form, headers = _sent(how, browser, other)
            answer = browser.open(address, method=method, data=form, headers=headers)
            assert answer.status_code == 403, (endpoint, how, answer.status_code)


def test_a_form_of_our_own_passes(app: Flask, browsers: list[people.Seat]) -> None:
    for browser in browsers[:-1]:
        own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
        assert browser.send("/logout", headers=own).status_code == 303


def test_htmx_sends_the_token_in_a_header(app: Flask) -> None:
    browser = people.seat(app, people.person("trader"))
    assert browser.post("/logout", headers={"X-CSRFToken": browser.token}).status_code == 303


def test_the_payment_pages_forms_come_without_an_origin(app: Flask) -> None:
    """It sends no referrer, so browsers write `Origin: null`; elsewhere that is a sandboxed frame of somebody's."""
    order_id, browser = new_id(), people.stranger(app)
    link, sent = f"{payment_links.path_of(order_id)}/claim", {"csrf_token": payment_links.form_token_of(order_id)}
    assert browser.post(link, data=sent, headers={"Origin": "null"}).status_code == 404  # let through: no such order
    assert browser.post("/login", data={"csrf_token": browser.token}, headers={"Origin": "null"}).status_code == 403


def test_a_payers_browser_may_keep_no_cookies(app: Flask) -> None:
    """The link is the right, and its forms are bound to it: the token of another link's page is refused."""
    order_id, browser = new_id(), people.Browser(app, use_cookies=False)
    link = f"{payment_links.path_of(order_id)}/claim"
    assert browser.post(link, data={"csrf_token": payment_links.form_token_of(order_id)}).status_code == 404
    assert browser.post(link, data={"csrf_token": payment_links.form_token_of(new_id())}).status_code == 403
    assert browser.post(f"/pay/{text(new_id())}x/claim", data={"csrf_token": "x"}).status_code == 404


def _sent(how: str, browser: people.Seat, other: people.Seat) -> tuple[dict[str, str], dict[str, str]]:
    return {
        "no token": ({}, {}),
        "another's token": ({"csrf_token": other.token}, {}),
        "a made-up token": ({"csrf_token": "IjEi.aaaa.bbbb"}, {}),
        "another site": ({"csrf_token": browser.token}, {"Sec-Fetch-Site": "cross-site"}),
        "another origin": ({"csrf_token": browser.token}, {"Origin": "https://evil.example"}),
    }[how]
