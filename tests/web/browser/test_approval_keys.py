"""Staff who live in the list of requests: j, x, a decide without a hand on the mouse; postings and a question first."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portal import approvals, treasury
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import chromium, desk, settle
from tests.web.stage import Stage

assert chromium
assert desk
pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: Browser, desk: Desk, stage: Stage) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sid", "value": stage.seat("super_admin").sid, "url": desk.url}])
    opened = context.new_page()
    yield opened
    settle(opened)
    context.close()


def asked() -> list[approvals.Approval]:
    trader, by = f.new_cast().trader(), f.staff("admin")
    made = []
    for amount in ("10", "20"):
        with f.act() as session:
            made.append(treasury.ask(session, by, treasury.AskDeposit(
                owner_kind="trader", owner_id=trader.id, amount=amount, currency="USDT", reason=f"wire {amount}")))
    return made


def state(stage: Stage, approval: approvals.Approval) -> str:
    with stage.app.app_context(), f.look() as session:
        return str(session.get_one(approvals.Approval, approval.id).state)


def test_keys_choose_and_approve_and_a_question_stands_before_it(
        page: Page, desk: Desk, stage: Stage) -> None:
    with stage.app.app_context():
        first, second = asked()
    page.goto(f"{desk.url}/admin/approvals?kind=deposit")
    newest = page.locator(f"#approval-{second.public_id}")
    expect(newest).to_be_visible()
    page.keyboard.press("j")
    expect(newest).to_have_class("card selected")
    page.keyboard.press("x")
    expect(newest.locator("input[type=checkbox]")).to_be_checked()
    page.keyboard.press("j")
    expect(page.locator(f"#approval-{first.public_id}")).to_have_class("card selected")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="What would be posted")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    question = page.locator("dialog[open]")
    expect(question).to_contain_text("Approve")
    assert state(stage, first) == "pending"
    question.locator("button.primary, button.danger").first.click()
    page.get_by_label("Your password").fill(people.PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text("Approved")
    assert state(stage, first) == "approved"
    assert state(stage, second) == "pending"
