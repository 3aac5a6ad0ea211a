"""The bell in a real browser: it counts while the page is open, and the list leads to what happened."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from portal import notices
from portal.core import page_events
from portal.core.db import transaction
from tests import factories, people
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture
def person(stage: Stage, redis_url: str) -> Iterator[people.Person]:
    """This process tells as a worker would."""
    page_events._telegraph = told = page_events.Publisher(redis_url)
    with stage.app.app_context():
        yield people.person("trader")
    page_events._telegraph = None
    told.close()


def test_the_bell_counts_by_itself_and_opening_reads(person: people.Person, stage: Stage, chromium: Browser,
                                                     desk: Desk) -> None:
    sid = people.seat(stage.app, person).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.goto(f"{desk.url}/trader/orders?lang=en")
        expect(look.page.locator(".live")).to_have_attribute("data-state", "on")
        expect(look.page.locator("#bell .pill")).to_have_count(0)
        with transaction() as session:
            notices.notify(session, "decision.made", notices.user(person.id), what="Withdrawal", outcome="Approved",
                           home="/{area}/withdrawals")
        factories.work_off("tell_people")
        expect(look.page.locator("#bell .pill")).to_contain_text("1")
        look.page.locator("#bell").click()
        row = look.page.locator(".notice-row")
        expect(row).to_contain_text("Decided: Withdrawal — Approved")
        assert (look.axe(), look.broken(), look.too_wide()) == ([], [], False)
        row.locator("button").click()
        look.page.wait_for_url("**/trader/withdrawals")
        expect(look.page.locator("#bell .pill")).to_have_count(0)
        assert look.complaints == []
