"""The payment page where payers are: no cookies, no clipboard, a clock that is corrected, a sign-in in another tab."""
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.core import clock
from portal.orders import payment_links
from portal.orders.models import Order
from tests import factories, people
from tests.factories import Cast
from tests.running import Desk
from tests.web.browser.conftest import ARGS, chromium, desk, settle
from tests.web.stage import Stage

assert chromium
assert desk
pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
AN_HOUR_MS = 3_600_000
OFF_BY_S = 4  # what a slow machine takes between two looks
IN_AN_APP = """Object.defineProperty(Navigator.prototype, "clipboard", {get: () => undefined});
document.execCommand = () => false;"""
A_CLOCK_TO_CORRECT = f"""window.ahead = -{AN_HOUR_MS};
const told = Date.now.bind(Date);
Date.now = () => told() + window.ahead;"""
CHOSEN_TEXT = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"


@pytest.fixture
def cast(stage: Stage) -> Iterator[Cast]:
    with stage.app.app_context():
        made = factories.new_cast()
        made.requisite()
        yield made


@pytest.fixture
def order(cast: Cast) -> Order:
    return factories.assigned_payin(cast, "1541.00")


@contextmanager
def payer(chromium: Browser, *, before: str = "") -> Iterator[Page]:
    context = chromium.new_context(**PHONE)
    if before:
        context.add_init_script(before)
    page = context.new_page()
    yield page
    settle(page)
    context.close()


@pytest.fixture
def cookieless(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A browser whose settings block every cookie, as some within apps do."""
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(
        {"profile": {"default_content_setting_values": {"cookies": 2}, "block_third_party_cookies": True}}))
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    context = chromium.browser_type.launch_persistent_context(tmp_path, executable_path=found, args=list(ARGS), **PHONE)
    page = context.new_page()
    yield page
    assert context.cookies() == []
    settle(page)
    context.close()


def link_to(desk: Desk, order: Order) -> str:
    return f"{desk.url}/pay/{payment_links.token_of(order.id)}"


def left_s(page: Page) -> int:
    minutes, seconds = page.locator("time-left span").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def test_who_keeps_no_cookies_says_that_he_has_paid(cookieless: Page, desk: Desk, order: Order) -> None:
    cookieless.goto(link_to(desk, order))
    assert cookieless.evaluate("(document.cookie = 'kept=1', document.cookie)") == ""
    cookieless.get_by_role("button", name="I have paid").click()
    expect(cookieless.get_by_role("heading", name="We are checking your payment")).to_be_visible()
    assert factories.fresh(order).status == "paid"


def test_who_keeps_no_cookies_cancels_in_the_language_he_chose(cookieless: Page, desk: Desk, order: Order) -> None:
    """No cookie keeps the choice: the page's own addresses carry it through polls and forms."""
    cookieless.goto(link_to(desk, order))
    cookieless.get_by_role("link", name="RU").click()
    with cookieless.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true") as polled:
        pass
    assert polled.value.url.endswith("?lang=ru")
    cookieless.get_by_text("Отменить платёж").click()
    cookieless.locator("form[action*='/cancellation'] button").click()
    expect(cookieless.get_by_role("heading", name="Платёж отменён")).to_be_visible()
    assert factories.fresh(order).status == "cancelled"


def test_a_browser_within_an_app_selects_and_says_how(chromium: Browser, desk: Desk, order: Order) -> None:
    with payer(chromium, before=IN_AN_APP) as page:
        page.goto(link_to(desk, order))
        rows = page.locator(".copy-row:has([data-copy])")
        expect(rows).to_have_count(2)  # the number, and the amount
        for row in rows.all():
            copy = row.locator("[data-copy]")
            copy.click()
            by_hand = row.locator(".copy-by-hand")
            expect(by_hand).to_be_focused()
            assert by_hand.evaluate(CHOSEN_TEXT) == copy.get_attribute("data-copy")
            expect(copy).to_contain_text("hold it and choose Copy")
            expect(page.locator("#announce")).to_contain_text("hold it and choose Copy")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_clock_that_is_corrected_changes_no_countdown(chromium: Browser, desk: Desk, order: Order) -> None:
    """An hour slow when the page came, then put right, then set to something else: the server's time counts."""
    assert order.expires_at is not None
    with payer(chromium, before=A_CLOCK_TO_CORRECT) as page:
        page.goto(link_to(desk, order))
        for ahead in (-AN_HOUR_MS, 0, 2 * AN_HOUR_MS):
            if ahead != -AN_HOUR_MS:
                with page.expect_response("**/livez"):  # two clocks have parted: it asks for the time
                    page.evaluate("(ahead) => { window.ahead = ahead; }", ahead)
                page.wait_for_timeout(1500)
            true = (order.expires_at - clock.now()).total_seconds()
            assert abs(left_s(page) - true) <= OFF_BY_S, ahead
        expect(page.get_by_role("button", name="I have paid")).to_be_visible()


def test_a_sign_in_in_another_tab_does_not_age_the_payment_page(stage: Stage, chromium: Browser, desk: Desk,
                                                                 order: Order) -> None:
    with payer(chromium) as page:
        page.goto(link_to(desk, order))
        page.context.add_cookies([{"name": "sid", "value": stage.seat("trader").sid, "url": desk.url}])
        page.get_by_role("button", name="I have paid").click()
        expect(page.get_by_role("heading", name="We are checking your payment")).to_be_visible()
    assert factories.fresh(order).status == "paid"


def test_a_form_older_than_a_sign_in_in_another_tab_is_led_on(stage: Stage, cast: Cast, chromium: Browser,
                                                              desk: Desk) -> None:
    """Signed out, then in again, elsewhere: what was typed is carried over, and one press sends it."""
    person = people.person("trader", trader_id=cast.traders[0].id)
    with payer(chromium) as page:
        signed_in(page, desk, people.seat(stage.app, person))
        page.goto(f"{desk.url}/trader/requisites/new")
        page.get_by_label("Person named on it").fill("Anna Petrova")
        for name, typed in (("number", "12"), ("min_amount", "100"), ("max_amount", "5000")):
            page.locator(f"[name={name}]").fill(typed)
        page.context.clear_cookies()
        page.get_by_role("button", name="Send for approval").click()
        expect(page.get_by_text("Nobody is signed in here now")).to_be_visible()
        signed_in(page, desk, people.seat(stage.app, person))
        for _ in range(2):  # that page was of nobody: it is asked once more
            if page.get_by_role("button", name="Send it again").count():
                page.get_by_role("button", name="Send it again").click()
        expect(page.locator("[name=holder]")).to_have_value("Anna Petrova")
        expect(page.locator("[name=number]")).to_have_value("12")
        page.get_by_label("Your password").fill(people.PASSWORD)  # such an act asks who sits there
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".field-error").first).to_be_visible()  # it has arrived: the number is judged


def signed_in(page: Page, desk: Desk, seat: people.Seat) -> None:
    page.context.add_cookies([{"name": "sid", "value": seat.sid, "url": desk.url}])
