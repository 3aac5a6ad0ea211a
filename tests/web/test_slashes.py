"""An address with a slash too many leads to its page, for every page there is; calls of the gateway stay strict."""
from urllib.parse import unquote

import pytest
from flask import Flask


def test_every_page_is_found_with_a_slash_at_its_end(app: Flask) -> None:
    browser = app.test_client()
    paths = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments
             and not rule.rule.endswith("/") and not rule.endpoint.startswith("gateway")]
    assert {"/trader/orders", "/merchant/developers", "/login", "/docs"} <= {*paths}
    for path in paths:
        for method in ("GET", "HEAD"):
            answer = browser.open(f"{path}/?a=1%262&b=%D1%91", method=method)
            assert (answer.status_code, answer.location) == (308, f"{path}?a=1%262&b=%D1%91"), (method, path)


@pytest.mark.parametrize(("path", "leads"), [
    ("/admin/orders/pin_x%3Fy/", "/admin/orders/pin_x%3Fy"),
    ("/trader/orders//", "/trader/orders"),
    ("/nowhere/", None),
    ("//stranger.example/", None),
    ("//stranger.example/trader/", None),
    ("/gateway/v1/balance/", None),
    ("/gateway/v1/payins/pin_x/", None),
])
def test_only_a_page_of_ours_is_led_to(app: Flask, path: str, leads: str | None) -> None:
    answer = app.test_client().get(environ_overrides={"PATH_INFO": unquote(path)})
    assert (answer.status_code, answer.location) == ((308, leads) if leads else (404, None))


def test_what_is_sent_is_not_led_elsewhere(app: Flask) -> None:
    assert app.test_client().post("/login/", data={"email": "a"}).status_code in (400, 404)
    assert app.test_client().post("/trader/orders/").status_code in (404, 405)


@pytest.mark.parametrize("area", ["trader", "merchant", "admin"])
def test_every_area_has_a_door(app: Flask, area: str) -> None:
    browser = app.test_client()
    assert browser.get(f"/{area}").location == f"http://localhost/{area}/"
    assert browser.get(f"/{area}/").status_code == 303, "to the login, or to one's own first page"
