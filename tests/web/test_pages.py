"""Every page of everybody, in both languages: whole, labelled, translated, escaped, with its headers."""
import re

import pytest

from portal.core.access import TEMPLATES
from portal.web.headers import CSP, PERMISSIONS
from tests.web.inspect import faults
from tests.web.stage import PAYLOAD, SEATS, Stage

LANGUAGES = ("en", "ru")
ENGLISH = re.compile(r">\s*([A-Z][a-z]+(?: [a-z]+)+[.?!:]?)\s*<")  # a phrase in English, as a whole text
RUSSIAN = re.compile(r"[А-Яа-яЁё]")
OURS = {"Books", "Bookshop", "Trader One", "Three books", "By bank transfer", "Cold wallet",
        "Both statements seen"}  # what people wrote
ON_EVERY_ANSWER = {
    "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_keeps_the_rules_of_a_page(stage: Stage, language: str) -> None:
    seats = {kind: stage.seat(kind) for kind in (*SEATS.values(), "support_readonly", "nobody")}
    pages = stage.pages()
    pages += [("support_readonly", path) for who, path in pages if who == "super_admin" and _readable(stage, path)]
    opened, wrong = 0, []
    for who, path in pages:
        answer = seats[who].get(path, query_string={"lang": language})
        if answer.status_code == 303 and path in ("/", "/trader/", "/login"):
            continue
        assert answer.status_code == 200, (who, path, answer.status_code)
        html = answer.get_data(as_text=True)
        opened += 1
        wrong += [(who, path, fault) for fault in faults(html, signed_in=who != "nobody", language=language)]
        if PAYLOAD in html or "<img src=x" in html:
            wrong.append((who, path, "a stranger's text is not escaped"))
        if language == "ru" and not path.startswith(("/dev/", "/docs")):  # of programs, in English
            left = [text for text in ENGLISH.findall(re.sub(r"<[^>]*data-[^>]*>", "", html)) if text not in OURS]
            wrong += [(who, path, f"English: {text!r}") for text in left]
    assert opened > 40
    assert not wrong, wrong


def _readable(stage: Stage, path: str) -> bool:
    """Open to support that may only read."""
    endpoint, _ = stage.app.url_map.bind("localhost").match(path)
    return getattr(stage.app.view_functions[endpoint], "permission", None) in TEMPLATES["support_readonly"]


def test_errors_are_pages_too(stage: Stage) -> None:
    for who, path, status in (("nobody", "/nowhere", 404), ("trader", "/admin/", 403),
                              ("super_admin", "/admin/orders/pin_nothing", 404), ("nobody", "/pay/nothing", 404)):
        for language in LANGUAGES:
            answer = stage.seat(who).get(path, query_string={"lang": language})
            assert answer.status_code == status
            html = answer.get_data(as_text=True)
            assert not faults(html, signed_in=False, language=language), path
            assert answer.headers["Request-Id"] in html
            assert bool(RUSSIAN.search(re.sub(r"Русский", "", html))) == (language == "ru")


@pytest.mark.parametrize(("who", "path", "more"), [
    ("nobody", "/login", {}), ("trader", "/trader/orders", {}), ("trader", "/trader/orders", {"HX-Request": "true"}),
    ("nobody", "/nowhere", {}), ("nobody", "/trader/orders", {}), ("trader", "/admin/", {}),
    ("nobody", "/livez", {}), ("nobody", "/servez", {}), ("nobody", "/static/favicon.svg", {}),
    ("nobody", "/gateway/v1/balance", {}),
    ("nobody", "/gateway/v1/openapi.json", {}), ("nobody", "/gateway/v1/nothing", {})])
def test_headers_stand_on_every_kind_of_answer(stage: Stage, who: str, path: str, more: dict[str, str]) -> None:
    answer = stage.seat(who).get(path, headers=more, buffered=True)
    sent = {name: answer.headers.get(name) for name in ON_EVERY_ANSWER}
    assert sent == ON_EVERY_ANSWER
    assert answer.headers["Referrer-Policy"] == "same-origin"
    if not path.startswith("/static/"):
        assert "no-store" in answer.headers["Cache-Control"] or "openapi" in path
    assert "Strict-Transport-Security" not in answer.headers, "only where the desk is reached over https"


def test_pages_that_are_also_fragments_say_so_to_caches(stage: Stage) -> None:
    answer = stage.seat("trader").get("/trader/orders")
    assert "HX-Request" in answer.headers["Vary"]


def test_a_payment_page_tells_nobody_where_its_payer_came_from(stage: Stage) -> None:
    path = next(path for _, path in stage.pages() if path.startswith("/pay/"))
    answer = stage.seat("nobody").get(path)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


def test_built_files_stay_in_the_browser_for_good(stage: Stage) -> None:
    page = stage.seat("nobody").get("/login").get_data(as_text=True)
    for path in re.findall(r'(?:src|href)="(/static/vendor/[^"]+)"', page):
        answer = stage.seat("nobody").get(path.partition("#")[0], buffered=True)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
