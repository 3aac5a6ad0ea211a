"""The staff's pages in a real browser keep up by themselves: what waits for a second person, and work that died."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portal import approvals, treasury
from portal.approvals.commands import DecideApproval
from portal.core import clock, ids, jobs, page_events
from portal.core.access import SYSTEM
from portal.core.jobs import Job
from tests import factories, people
from tests.factories import Cast
from tests.running import Desk
from tests.web.browser.conftest import chromium, desk, looking
from tests.web.stage import Stage

assert chromium
assert desk
pytestmark = pytest.mark.browser
KIND = "a_kind_that_dies"


@pytest.fixture
def cast(stage: Stage, redis_url: str) -> Iterator[Cast]:
    """This process tells as a worker would."""
    page_events._telegraph = told = page_events.Publisher(redis_url)
    with stage.app.app_context():
        yield factories.new_cast()
    page_events._telegraph = None
    told.close()


@pytest.fixture
def page(stage: Stage, cast: Cast, chromium: Browser, desk: Desk) -> Iterator[Page]:
    sid = people.seat(stage.app, people.person("super_admin")).sid
    with looking(chromium, desk, sid, width=1440, height=900, theme="light") as look:
        yield look.page
        assert look.complaints == []


def ask(cast: Cast) -> approvals.Approval:
    with factories.act() as session:
        return treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="store", owner_id=cast.store.id, amount="12.000000", currency="USDT", reason="By bank transfer"))


def decide(approval: approvals.Approval) -> None:
    second = people.person("super_admin").actor
    with factories.act() as session:
        approvals.decide(session, second, DecideApproval(
            approval_id=approval.public_id, decision="approve"))


def die() -> None:
    """A try too many, as the runner counts it."""
    with factories.act() as session:
        session.add(Job(kind=KIND, unique_key=ids.new_id().hex, run_at=clock.now(), attempts=9))
    for job in jobs.claim(KIND, limit=1, lease_s=30):
        with factories.act() as session:
            jobs.fail(session, job, "ValueError('what broke')", dead=True)


def test_approvals_and_their_badge_follow(page: Page, cast: Cast, desk: Desk) -> None:
    page.goto(f"{desk.url}/admin/approvals")
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    badge, before = page.locator("#waiting-side .pill"), waiting(page)
    page.locator("#field-kind").select_option(index=1)
    asked = ask(cast)
    card = page.locator(f"#approval-{asked.public_id}")
    expect(card).to_be_visible()
    expect(badge).to_contain_text(str(before + 1))
    expect(page.locator("#field-kind")).not_to_have_value("")  # what somebody is about to choose stays
    decide(asked)
    expect(card).to_have_count(0)
    expect(page.locator(".tabs [aria-current] .count")).to_have_text(str(before))


def test_the_badge_follows_on_every_page_and_polls_without_a_stream(
        stage: Stage, cast: Cast, chromium: Browser, desk: Desk) -> None:
    sid = people.seat(stage.app, people.person("super_admin")).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.route("**/live", lambda route: route.fulfill(status=503))
        _polls(look.page, cast, desk)


def _polls(page: Page, cast: Cast, desk: Desk) -> None:
    page.goto(f"{desk.url}/admin/rates")
    expect(page.locator(".live")).to_have_attribute("data-state", "off")
    before = waiting(page)
    ask(cast)
    expect(page.locator("#waiting-side .pill")).to_contain_text(str(before + 1), timeout=10_000)
    expect(page.locator("#waiting-tab .tab-count")).to_have_text(str(before + 1))


def test_dead_work_appears_and_a_reason_half_written_stays(page: Page, desk: Desk) -> None:
    die()
    page.goto(f"{desk.url}/admin/jobs")
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    rows = page.locator("#jobs [data-row]")
    before = rows.count()
    rows.first.locator("summary", has_text="Drop").click()
    rows.first.get_by_label("Reason").fill("Half a rea")
    kept = rows.first.get_attribute("id")
    die()
    expect(rows).to_have_count(before + 1)
    expect(page.locator(f"#{kept}").get_by_label("Reason")).to_have_value("Half a rea")


def waiting(page: Page) -> int:
    """As the badge says; nothing is shown for none."""
    badge = page.locator("#waiting-side .pill")
    return int((badge.text_content() or "").split()[0]) if badge.count() else 0
