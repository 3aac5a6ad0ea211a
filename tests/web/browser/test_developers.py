"""A developer with a real browser: a key is made, copied, kept, and revoked in a dialog; the page forgets it."""
import pytest
from playwright.sync_api import Browser, Error

from tests import people
from tests.running import Desk
from tests.web.browser.conftest import looking, show_who
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


def test_a_key_is_made_copied_and_revoked(chromium: Browser, desk: Desk, stage: Stage) -> None:
    seat = stage.seat("merchant_owner")
    with looking(chromium, desk, seat.sid, width=1440, height=900, theme="light") as look:
        page = look.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{desk.url}/merchant/developers/keys/new")
        page.get_by_label("Name").fill("Till in the shop")
        page.get_by_role("button", name="Make the key").click()
        show_who(look, people.PASSWORD)
        token = page.locator("#secret").inner_text()
        assert token.startswith("qk_test_")
        assert not look.axe()
        page.get_by_role("button", name="Copy the key").click()
        assert page.evaluate("navigator.clipboard.readText()") == token
        page.locator("label", has_text="Python").click()
        assert page.get_by_text("import requests").is_visible()

        page.get_by_role("link", name="I have kept it").click()
        page.get_by_role("link", name="Revoke Till in the shop").click()
        dialog = page.locator("#dialog[open]")
        dialog.get_by_role("heading", name="Revoke Till in the shop?").wait_for()
        dialog.get_by_role("button", name="Revoke the key").click()
        page.get_by_text("The key is revoked").wait_for()
        assert token not in page.content()
        assert not look.complaints


def test_going_back_shows_no_key(chromium: Browser, desk: Desk, stage: Stage) -> None:
    seat = stage.seat("merchant_owner")
    with looking(chromium, desk, seat.sid, width=390, height=844, theme="dark") as look:
        page = look.page
        page.goto(f"{desk.url}/merchant/developers/keys/new")
        page.get_by_label("Name").fill("Another till")
        page.get_by_role("button", name="Make the key").click()
        show_who(look, people.PASSWORD)
        page.locator("#secret").wait_for()
        page.get_by_role("link", name="I have kept it").click()
        page.get_by_role("link", name="Another till", exact=True).wait_for()
        with pytest.raises(Error, match="ERR_CACHE_MISS"):  # the browser kept nothing of that answer
            page.go_back()
