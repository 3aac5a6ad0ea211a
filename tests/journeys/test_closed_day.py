"""A day signed by one of the staff, and what is found about it later: posted today by two, the day untouched."""
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from portal.core import clock
from portal.ledger.models import JournalEntry
from tests import factories as f
from tests import people
from tests.journeys.test_payout_file import DESKTOP, PHONE, SOON_MS, fits
from tests.journeys.test_payout_file import opened as opened
from tests.running import Desk, running_desk, wait_for
from tests.web.browser.conftest import chromium

assert chromium
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def day() -> date:
    return clock.today() - timedelta(days=2)


@pytest.fixture
def cast(fresh_app: Flask, day: date) -> f.Cast:
    """Who did one order on that day, the desk's first."""
    with clock.moved(clock.midnight_before(day) + timedelta(hours=12) - clock.now()):
        cast = f.new_cast(fee_bps=250)
        cast.requisite(cast.trader(reward_bps=120))
        f.completed_payin(cast, "1500.00")
    return cast


@pytest.fixture
def desk(cast: f.Cast, fresh_database: str, tmp_path: Path) -> Iterator[Desk]:
    with running_desk(fresh_database, tmp_path / "desk.log") as running:
        yield running


def showing_who(page: Page) -> None:
    page.get_by_label("Your password").fill(people.PASSWORD)
    page.get_by_role("button", name="Go on").click()


def yes(page: Page, label: str) -> None:
    page.get_by_role("button", name=label).click()
    page.locator("dialog[open]").get_by_role("button", name=label).click()


def trial(page: Page, desk: Desk, day: date) -> str:
    page.goto(f"{desk.url}/admin/closing/{day}/USDT")
    expect(page.get_by_text("Closed", exact=True).first).to_be_visible()
    return page.get_by_role("table").first.inner_text()


@pytest.mark.parametrize("view", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_day_is_closed_and_corrected_later(fresh_app: Flask, cast: f.Cast, desk: Desk, day: date,
                                             opened: Callable[..., object], view: dict[str, int]) -> None:
    accountant, second = people.person("super_admin"), people.person("super_admin")
    before = f.store_available(cast.store)
    with opened(accountant, view) as page:  # type: ignore[attr-defined]
        page.goto(f"{desk.url}/admin/closing")
        fits(page, view)
        page.get_by_role("link", name="Look at it").first.click()
        expect(page.get_by_text("comes to nothing").first).to_be_visible()
        fits(page, view)
        if page.get_by_role("button", name="Have the books proved").count():
            page.get_by_role("button", name="Have the books proved").click()
        proved(page, desk, day)
        yes(page, "Sign and close")
        expect(page.get_by_text("Closed", exact=True).first).to_be_visible()
        expect(page.get_by_text(accountant.actor.name).last).to_be_visible()
        assert page.get_by_role("button", name="Sign and close").count() == 0
        signed = trial(page, desk, day)
        fits(page, view)

        page.goto(f"{desk.url}/admin/treasury/adjustments/new?owner={cast.store.public_id}")
        page.locator("[name=amount]").fill("12.50")
        page.locator("[name=day]").fill(str(day))
        page.get_by_label("What happened").fill("The bank's list of that day came late")
        fits(page, view)
        page.get_by_role("button", name="Ask for it").click()
        showing_who(page)
        expect(page.get_by_text("You asked for this: somebody else decides.").first).to_be_visible()
        assert page.get_by_role("button", name="Approve").count() == 0
        fits(page, view)
        asked = page.url
    with opened(second, view) as page:  # type: ignore[attr-defined]
        page.goto(asked)
        expect(page.get_by_text("What would be posted")).to_be_visible()
        fits(page, view)
        yes(page, "Approve")
        showing_who(page)
        expect(page.get_by_text("Approved", exact=True).first).to_be_visible()
        assert trial(page, desk, day) == signed, "a signed day stays as it is"
        entry = correction()
        page.goto(f"{desk.url}/admin/ledger/entries/{entry.id}")
        expect(page.get_by_text(f"corrects {day}")).to_be_visible()
        fits(page, view)
    assert clock.midnight_before(clock.today()) <= entry.posted_at, "it was posted today"
    assert f.store_available(cast.store) - before == f.usdt("12.500000")
    desk.flask("ledger", "verify")  # fails where the books differ


def proved(page: Page, desk: Desk, day: date) -> None:
    """The worker proves the books; who waits opens the page again."""
    def is_said() -> bool:
        page.goto(f"{desk.url}/admin/closing/{day}/USDT")
        return page.get_by_text("after the day ended").count() > 0

    wait_for(is_said, "the books were proved", within_s=SOON_MS / 1000 * 3)


def correction() -> JournalEntry:
    with f.look() as session:
        return session.query(JournalEntry).filter_by(kind="adjustment").one()
