"""A developer reads: finds by typing, sees all samples in their language, tries a call with a test key."""
import pytest
from playwright.sync_api import Browser, expect

from portal.core.access import SYSTEM
from portal.parties import keys
from portal.parties.commands import CreateKey
from tests import factories
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


def test_it_is_found_by_typing(chromium: Browser, desk: Desk) -> None:
    with looking(chromium, desk, None, width=390, height=844, theme="dark") as look:
        page = look.page
        page.goto(f"{desk.url}/docs/search")
        page.get_by_label("Search the documentation").press_sequentially("external_id tak")
        expect(page.locator("#found > li:visible")).to_have_count(1)
        assert page.locator("#found > li:visible a").get_attribute("href") == "/docs/errors#external_id_taken"
        page.get_by_label("Search the documentation").fill("no such words")
        expect(page.locator("#nothing-found")).to_be_visible()
        page.reload()
        expect(page.locator("#nothing-found")).to_be_visible()
        assert not look.axe()
        assert not look.complaints


@pytest.mark.parametrize("path", ["/docs/errors", "/docs/errors?lang=ru", "/docs/reference/webhooks", "/docs/clients",
                                  "/docs/host-to-host?lang=ru"])
def test_nothing_is_wider_than_a_phone(chromium: Browser, desk: Desk, path: str) -> None:
    with looking(chromium, desk, None, width=320, height=700, theme="light") as look:
        look.page.goto(f"{desk.url}{path}")
        assert not look.too_wide()
        assert not look.axe()


def test_a_language_is_chosen_once(chromium: Browser, desk: Desk) -> None:
    with looking(chromium, desk, None, width=1440, height=900, theme="light") as look:
        page = look.page
        page.goto(f"{desk.url}/docs/reference/payins")
        page.locator("#create-payin label", has_text="Go").click()
        assert page.locator("#list-payins").get_by_text("http.DefaultClient").is_visible()
        page.goto(f"{desk.url}/docs/payouts")
        assert page.get_by_text("http.DefaultClient").is_visible()
        assert not look.complaints


def test_a_call_is_tried_with_a_test_key(chromium: Browser, desk: Desk, stage: Stage) -> None:
    with stage.app.app_context(), factories.act() as session:
        _, token = keys.create(session, SYSTEM, CreateKey(
            store_id=stage.orders["test"].store_id, live=False, name="docs", scopes=("orders:read",)))
    with looking(chromium, desk, stage.seat("merchant_owner").sid, width=1440, height=900, theme="light") as look:
        page = look.page
        page.goto(f"{desk.url}/docs/reference/payins")
        assert f"Bearer {token.rpartition('_')[0]}_…" in page.locator("#create-payin .code-box").first.inner_text()
        call = page.locator("#list-payins")
        call.get_by_text("Try it").click()
        call.get_by_label("Your test key").fill("qk_live_something")
        call.get_by_role("button", name="Send").click()
        expect(call.get_by_text("Only a test key")).to_be_visible()
        call.get_by_label("Your test key").fill(token)
        call.get_by_label("limit", exact=True).fill("1")
        call.get_by_role("button", name="Send").click()
        expect(call.locator("[data-try] pre")).to_contain_text("200  req_")
        expect(call.locator("[data-try] pre")).to_contain_text('"next_cursor"')
        call.get_by_label("limit", exact=True).fill("1000")
        call.get_by_role("button", name="Send").click()
        expect(call.locator("[data-try] pre")).to_contain_text('"code": "invalid"')
        assert not look.axe()
        assert token not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")
