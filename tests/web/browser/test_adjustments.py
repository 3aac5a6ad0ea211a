"""Balances put right with a real browser: refused to its author, approved by a second; reversals; the result."""
import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests import factories as f
from tests import people
from tests.running import Desk
from tests.treasury import books
from tests.treasury.test_reserve import terms
from tests.treasury.test_result import compute
from tests.treasury.test_transfers import another
from tests.web.browser.conftest import looking, show_who
from tests.web.browser.test_treasury import SIZES, held, staff
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


def shop(app: Flask) -> f.Cast:
    with app.app_context():
        cast = f.new_cast()
        f.deposit_to(f.ledger.store_available(cast.store.id, "USDT", True), "100.000000")
        return cast


@SIZES
def test_refused_to_its_author_then_approved_by_a_second(chromium: Browser, desk: Desk, stage: Stage, width: int,
                                                         height: int, theme: str) -> None:
    cast = shop(stage.app)
    with looking(chromium, desk, staff(stage.app), width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/treasury/adjustments")
        page.get_by_role("link", name="Put a balance right").first.click()
        page.get_by_label("Store or trader").fill(cast.store.public_id)
        page.get_by_label("Store or trader").press("Enter")
        held(look)
        page.get_by_role("link", name=cast.store.name).first.click()
        page.locator("[name=amount]").fill("12.50")
        page.get_by_label("What happened").fill("Counted twice in the file of Monday")
        held(look)
        page.get_by_role("button", name="Ask for it").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("You asked for this: somebody else decides.").first.wait_for()
        assert page.get_by_role("button", name="Approve").count() == 0
        page.get_by_text("What would be posted").wait_for()
        held(look)
        approval = page.url
    with looking(chromium, desk, staff(stage.app), width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(approval)
        page.get_by_text("112.50").first.wait_for()
        page.get_by_role("button", name="Approve").click()
        page.locator("dialog[open]").get_by_role("button", name="Approve").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("Approved", exact=True).first.wait_for()
        page.goto(f"{desk.url}/admin/treasury/adjustments")
        page.get_by_text("In the books").first.wait_for()
        held(look)
    with stage.app.app_context():
        assert f.store_available(cast.store).text == "112.500000"


@SIZES
def test_an_entry_reversed_and_suspense_placed(chromium: Browser, desk: Desk, stage: Stage, width: int, height: int,
                                               theme: str) -> None:
    with stage.app.app_context():
        books.adjusted("world", amount="30", direction="debit", code="unplaced")
        entry = books.entry_of(books.adjusted("store", shop(stage.app).store.id).id)
    with looking(chromium, desk, staff(stage.app), width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/ledger/entries/{entry}")
        page.get_by_label("Reason").fill("Posted twice")
        held(look)
        page.get_by_role("button", name="Reverse this entry").click()
        page.locator("dialog[open]").get_by_role("button", name="Reverse this entry").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("Waits for a second person.").wait_for()
        held(look)
        page.goto(f"{desk.url}/admin/treasury/suspense?currency=USDT")
        held(look)


@SIZES
def test_reserve_transfers_and_the_result(chromium: Browser, desk: Desk, stage: Stage, width: int, height: int,
                                          theme: str) -> None:
    cast = shop(stage.app)
    with stage.app.app_context():
        another(cast)
        cast.requisite(cast.trader())
        terms(cast.store, "10", 30, 2)
        f.completed_payin(cast)
        compute()
        owner = people.seat(stage.app, people.person("merchant_owner", merchant_id=cast.merchant.id)).sid
    with looking(chromium, desk, owner, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/merchant/balance?store={cast.store.public_id}")
        page.get_by_text("What comes free and when").first.wait_for()
        held(look)
        page.get_by_role("link", name="Move between stores").click()
        page.get_by_label("From").select_option(cast.store.public_id)
        page.get_by_label("To", exact=True).select_option(label="Second · USDT")
        page.locator("[name=amount]").fill("40")
        held(look)
        page.get_by_role("button", name="Move", exact=True).click()
        page.locator("dialog[open]").get_by_role("button", name="Move", exact=True).click()
        page.get_by_text("the money is in the other store").first.wait_for()
        held(look)
    with looking(chromium, desk, staff(stage.app), width=width, height=height, theme=theme) as look:
        page = look.page
        for path in (f"/admin/stores/{cast.store.public_id}/reserve", "/admin/result", "/admin/result?by=store"):
            page.goto(desk.url + path)
            held(look)
