"""Quarrels with a real browser: from the payment page to a decision by two, with evidence of both sides; late money."""
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from portal.disputes import queries
from portal.disputes.models import Dispute
from portal.orders import payment_links
from portal.orders.models import Order
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import Look, looking, show_who
from tests.web.browser.test_risk import SIZES, held
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
Sitting = Callable[[str | None], AbstractContextManager[Look]]


@pytest.fixture
def cast(stage: Stage) -> f.Cast:
    with stage.app.app_context():
        cast = f.new_cast()
        cast.requisite()
        return cast


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """What the payer's side has, and what the trader's."""
    receipt, statement = tmp_path / "transfer.png", tmp_path / "statement.png"
    receipt.write_bytes(f.picture())
    statement.write_bytes(f.picture(120, 90))
    return receipt, statement


@pytest.fixture
def sitting(chromium: Browser, desk: Desk, width: int, height: int, theme: str) -> Sitting:
    """A browser of who is signed in as this; of a stranger without."""
    return lambda sid: looking(chromium, desk, sid, width=width, height=height, theme=theme)


def link_to(desk: Desk, order: Order) -> str:
    return f"{desk.url}/pay/{payment_links.token_of(order.id)}"


def side(page: Page, name: str) -> Locator:
    """What one side has said and shown, on the page of staff."""
    return page.locator("section").filter(has=page.get_by_role("heading", name=name, exact=True))


def dispute_of(stage: Stage, order: Order) -> Dispute:
    with stage.app.app_context(), f.look() as session:
        found = queries.open_of(session, order.id)
        assert found is not None
        return found


def opened(look: Look, desk: Desk, area: str, dispute: Dispute) -> Page:
    """From the list of this area."""
    look.page.goto(f"{desk.url}/{area}/disputes")
    held(look)
    look.page.locator(f"#dispute-{dispute.public_id}").get_by_role("link").first.click()
    look.page.get_by_role("heading", name="What was said").wait_for()
    return look.page


def answers(look: Look, page: Page, text: str, file: Path) -> None:
    """A word and a file that shows it."""
    page.get_by_label("Your word").fill(text)
    page.get_by_label("Evidence", exact=True).set_input_files(file)
    expect(page.locator("[data-uploads] li", has_text=file.name).locator("img")).to_be_visible()
    held(look)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#thread .statement", has_text=text)).to_contain_text(file.name)


def asks(look: Look, outcome: str, ground: str, posts: str) -> str:
    """For a decision whose postings it has looked at: the address of the request."""
    page = look.page
    preview = page.locator("details", has=page.locator("summary", has_text="What this would post")).filter(
        has_text=posts).first
    preview.locator("summary").click()
    expect(preview.get_by_text(posts).first).to_be_visible()
    page.get_by_label(outcome).check()
    page.get_by_label("Ground").fill(ground)
    held(look)
    page.get_by_role("button", name="Ask for it").click()
    show_who(look, people.PASSWORD)
    page.get_by_text("asked for a decision").wait_for()
    page.get_by_role("link", name="Open the request").click()
    page.get_by_text("You asked for this: somebody else decides.").first.wait_for()
    return page.url


def agrees(look: Look, url: str) -> None:
    page = look.page
    page.goto(url)
    held(look)
    page.get_by_role("button", name="Approve").click()
    page.locator("dialog[open]").get_by_role("button", name="Approve").click()
    show_who(look, people.PASSWORD)
    page.get_by_text("Approved", exact=True).first.wait_for()


@SIZES
def test_from_the_payment_page_to_a_decision_with_evidence_of_both_sides(
        desk: Desk, stage: Stage, cast: f.Cast, files: tuple[Path, Path], sitting: Sitting) -> None:
    receipt, statement = files
    with stage.app.app_context():
        order = f.paid_payin(cast)
        store, trader, first, second = (people.seat(stage.app, one).sid for one in (
            people.person("merchant_owner", merchant_id=cast.merchant.id),
            people.person("trader", trader_id=cast.traders[0].id), people.person("admin"), people.person("admin")))

    with sitting(None) as look:
        page = look.page
        page.goto(link_to(desk, order))
        page.get_by_text("Something is wrong?").click()
        page.get_by_label("What is wrong?").select_option("not_confirmed")
        page.get_by_label("What happened").fill("I paid at 12:03 from Sberbank")
        page.get_by_label("What shows it", exact=True).set_input_files(receipt)
        expect(page.locator("[data-uploads] li", has_text=receipt.name).locator("img")).to_be_visible()
        held(look)
        page.get_by_role("button", name="Tell support").click()
        page.get_by_text("Support looks at it").wait_for()
        held(look)
    dispute = dispute_of(stage, order)
    with sitting(trader) as look:
        answers(look, opened(look, desk, "trader", dispute), "Nothing came, see the statement", statement)
    with sitting(store) as look:
        answers(look, opened(look, desk, "merchant", dispute), "Our customer sent this", receipt)
    with sitting(first) as look:
        page = opened(look, desk, "admin", dispute)
        expect(side(page, "Store")).to_contain_text("I paid at 12:03")
        expect(side(page, "Store")).to_contain_text("transfer.png")
        expect(side(page, "Trader")).to_contain_text("statement.png")
        held(look)
        request = asks(look, "Settle: the money arrived", "The bank's list shows it", posts="15.896739")
    with sitting(second) as look:
        agrees(look, request)
    with stage.app.app_context():
        f.work_off("settle_order")
        assert f.fresh(order).status == "completed"
        assert f.store_available(cast.store).text == "15.896739"
    with sitting(None) as look:
        look.page.goto(link_to(desk, order))
        look.page.get_by_text("The bank's list shows it").wait_for()
        held(look)


@SIZES
def test_late_money_is_claimed_and_the_order_revived(
        desk: Desk, stage: Stage, cast: f.Cast, files: tuple[Path, Path], sitting: Sitting) -> None:
    """Expired, claimed on the payment page, found by staff: two of them revive it, and it is settled."""
    with stage.app.app_context():
        order = f.expire(f.assigned_payin(cast))
        trader, first, second = (people.seat(stage.app, one).sid for one in (
            people.person("trader", trader_id=cast.traders[0].id), people.person("admin"), people.person("admin")))

    with sitting(None) as look:
        page = look.page
        page.goto(link_to(desk, order))
        page.get_by_role("heading", name="The time to pay is over").wait_for()
        held(look)
        page.get_by_text("I have paid already").click()
        page.get_by_label("When, and from which bank").fill("At noon, from Sberbank")
        page.get_by_label("Receipt", exact=True).set_input_files(files[0])
        expect(page.locator("[data-uploads] li", has_text="transfer.png").locator("img")).to_be_visible()
        held(look)
        page.get_by_role("button", name="I have paid: look for it").click()
        page.get_by_text("this page shows what was found").wait_for()
        held(look)
        assert status_of(stage, order) == "expired", "until it is found, nothing has changed"
        dispute = dispute_of(stage, order)
        with sitting(trader) as at_trader:
            answers(at_trader, opened(at_trader, desk, "trader", dispute), "It may have come, I am away", files[1])
        with sitting(first) as at_first:
            found = opened(at_first, desk, "admin", dispute)
            expect(side(found, "Store")).to_contain_text("transfer.png")
            request = asks(at_first, "Settle: the money arrived", "It stands on the statement", posts="15.896739")
        with sitting(second) as at_second:
            agrees(at_second, request)
        page.get_by_role("heading", name="Payment received").wait_for()
        held(look)
    with stage.app.app_context():
        f.work_off("settle_order")
        found = f.fresh(order)
        assert (found.status, found.late) == ("completed", True)
        assert f.store_available(cast.store).text == "15.896739"


def status_of(stage: Stage, order: Order) -> str:
    with stage.app.app_context():
        return str(f.fresh(order).status)
