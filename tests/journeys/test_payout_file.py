"""Payouts from a file to `completed`, as two people of a merchant and a trader see it, at a desk and on a phone."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests import factories as f
from tests import people
from tests.payouts.conftest import csv_of, prefund, row
from tests.running import Desk, running_desk, wait_for
from tests.web.browser.conftest import chromium, settle

assert chromium
pytestmark = pytest.mark.browser
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
VIEWS = pytest.mark.parametrize("view", [pytest.param(PHONE, id="phone"),
                                         pytest.param(DESKTOP, id="desktop", marks=pytest.mark.slow)])
SOON_MS = 20_000


@pytest.fixture
def cast(fresh_app: Flask) -> f.Cast:
    cast = f.new_cast()
    cast.requisite(payout=True)
    prefund(cast, "1000.000000")
    f.change(cast.store, payout_alone_max_minor=30_000_000)
    return cast


@pytest.fixture
def desk(cast: f.Cast, fresh_database: str, tmp_path: Path) -> Iterator[Desk]:
    with running_desk(fresh_database, tmp_path / "desk.log") as running:
        yield running


@pytest.fixture
def opened(chromium: Browser, desk: Desk, fresh_app: Flask) -> Callable[..., object]:
    """`opened(person, view)`: a page with somebody signed in."""

    @contextmanager
    def open_one(person: people.Person, view: dict[str, int]) -> Iterator[Page]:
        phone = view is PHONE
        context = chromium.new_context(viewport=view, has_touch=phone, is_mobile=phone)  # type: ignore[arg-type]
        context.add_cookies([{"name": "sid", "value": people.seat(fresh_app, person).sid, "url": desk.url}])
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        try:
            yield page
        finally:
            settle(page)
            context.close()

    return open_one


def agreed(page: Page, label: str) -> None:
    """Press an act that asks first, say yes, and show who sits there."""
    page.get_by_role("button", name=label).first.click()
    page.locator("dialog[open]").get_by_role("button", name=label).click()
    page.get_by_label("Your password").fill(people.PASSWORD)
    page.get_by_role("button", name="Go on").click()


def fits(page: Page, view: dict[str, int]) -> None:
    """No sideways scroll: a phone would zoom out instead, and its window grow."""
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"], page.url


@VIEWS
def test_from_the_file_to_completed(cast: f.Cast, desk: Desk, opened: Callable[..., object], tmp_path: Path,
                                    view: dict[str, int]) -> None:
    path = tmp_path / "salaries.csv"
    path.write_bytes(csv_of([row(cast, external_id="anna"), row(cast, external_id="boris", amount="2000"),
                             row(cast, external_id="wrong", number="2200150000000008")]))
    asker, second = (people.person(kind, merchant_id=cast.merchant.id) for kind in (
        "merchant_owner", "merchant_finance"))
    trader = people.person("trader", trader_id=cast.traders[0].id)
    with opened(asker, view) as page:  # type: ignore[attr-defined]
        page.goto(f"{desk.url}/merchant/payouts")
        page.get_by_role("link", name="From a file").click()
        page.set_input_files("input[name=file]", path)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_text("1 row is wrong and stays out")).to_be_visible()
        expect(page.get_by_text("check digit")).to_be_visible()
        fits(page, view)
        agreed(page, "Send 2 payouts")
        expect(page.get_by_text("above what one person may send alone").first).to_be_visible()
        file_page = page.url
        with opened(second, view) as others:  # type: ignore[attr-defined]
            others.goto(f"{desk.url}/merchant/payouts")
            others.get_by_role("link", name="salaries.csv").click()
            fits(others, view)
            agreed(others, "Let it go")
            expect(others.get_by_text("2 payouts are made")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("2 payouts are made")).to_be_visible(timeout=SOON_MS)  # by itself
        fits(page, view)
        for _ in range(2):
            paid_by_its_trader(opened, trader, desk, view)
        page.goto(f"{file_page}")
        links = page.locator("a[href*='/merchant/payouts/pout_']")
        expect(links).to_have_count(2)
        for url in [str(link.get_attribute("href")) for link in links.all()]:
            page.goto(f"{desk.url}{url}")
            agreed(page, "The recipient has the money")
            expect(page.get_by_text("It cost")).to_be_visible()
            wait_for(lambda url=url: f.found(url.rpartition("/")[2]).status == "completed", "it is settled")
            page.reload()
            expect(page.locator(".badge", has_text="Completed").first).to_be_visible()
    assert f.store_held(cast.store) == f.usdt("0.000000")
    assert f.store_available(f.fresh(cast.store)) == f.usdt("1000.000000") - f.usdt("38.994565")


def paid_by_its_trader(opened: Callable[..., object], trader: people.Person, desk: Desk, view: dict[str, int]) -> None:
    with opened(trader, view) as page:  # type: ignore[attr-defined]
        page.goto(f"{desk.url}/trader/payouts")
        page.locator("a[href*='/trader/payouts/pout_']").first.click()
        page.get_by_role("button", name="Accept the payout").click()
        page.set_input_files("input[name=receipt]", {"name": "receipt.png", "mimeType": "image/png",
                                                     "buffer": f.picture()})
        page.get_by_role("button", name="I have sent the money").click()
        expect(page.get_by_text("The store looks whether the money has arrived")).to_be_visible()


@VIEWS
def test_the_cost_follows_what_is_typed_and_no_number_is_sent_along(
        cast: f.Cast, desk: Desk, opened: Callable[..., object], view: dict[str, int]) -> None:
    asked: list[str] = []
    with opened(people.person("merchant_owner", merchant_id=cast.merchant.id), view) as page:  # type: ignore[attr-defined]
        page.on("request", lambda request: asked.append(request.url) if "/quote" in request.url else None)
        page.goto(f"{desk.url}/merchant/payouts/new")
        page.get_by_label("Recipient's number").fill("2200150000000007")
        page.get_by_label("Method").select_option(cast.method)
        page.get_by_label("Amount").press_sequentially("1500", delay=30)
        expect(page.locator("#quote")).to_contain_text("16.711957")
        page.get_by_label("Amount").fill("99000")
        expect(page.locator("#quote")).to_contain_text("are missing")
        fits(page, view)
    assert len(asked) <= 6, "not for every letter"
    assert not [url for url in asked if "2200150000000007" in url or "csrf" in url]
