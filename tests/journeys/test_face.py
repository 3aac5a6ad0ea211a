"""The whole way in browsers: the shop, the payment page, the trader's queue that updates by itself, merchant, staff."""
import re
import time
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import desk, sign_in, trader_of
from tests.web.browser.conftest import chromium, looking

assert desk  # the fixture: all processes with the demo's people
assert chromium
pytestmark = pytest.mark.browser
WITHIN_S = 3.0  # the pause between two polls: the stream was quicker; how quick says benchmarks/RESULTS.md


def opened(browser: Browser, desk, who: PlainBrowser, path: str, at: ExitStack) -> Page:
    """A page of somebody who has signed in already."""
    page = at.enter_context(looking(browser, desk, who.cookie("sid"), width=1440, height=900, theme="light")).page
    page.goto(desk.url + path)
    return page


def test_from_the_shop_to_the_books(desk, chromium: Browser) -> None:
    with ExitStack() as at:
        buyer = at.enter_context(looking(chromium, desk, None, width=390, height=844, theme="light")).page
        buyer.goto(f"{desk.url}/shop")
        buyer.locator("form[action$='/shop/orders'] button").first.click()
        buyer.wait_for_url("**/pay/**")
        claim = buyer.get_by_role("button", name="I have paid")
        claim.wait_for(timeout=20_000)
        order_id = re.search(r"pin_\w+", buyer.content())[0]

        trader = trader_of(desk, order_id)
        queue = opened(chromium, desk, trader, "/trader/orders", at)
        expect(queue.locator(".live")).to_have_attribute("data-state", "on")
        row = queue.locator(f"#needs-you #order-{order_id}")
        expect(queue.locator(f"#waiting #order-{order_id}")).to_be_visible()
        claim.click()
        begun = time.monotonic()
        row.wait_for(timeout=5_000)
        took = time.monotonic() - begun
        expect(queue).to_have_title(re.compile(r"^\(\d+\) "))
        assert took <= WITHIN_S, f"the queue took {took:.2f} s"

        merchant = sign_in(desk, "merchant1")
        sold = opened(chromium, desk, merchant, "/merchant/orders", at)
        expect(sold.locator(".live")).to_have_attribute("data-state", "on")
        row.locator("[data-key=a]").click()
        queue.locator("form[action$='/confirmation'] .button.primary").click()
        expect(sold.locator(f"#order-{order_id}")).to_contain_text("Completed", timeout=10_000)

        admin = opened(chromium, desk, sign_in(desk, "admin"), f"/admin/orders/{order_id}", at)
        whole = admin.locator("main").inner_text()
        assert "Completed" in whole
        assert "Order settled" in whole
