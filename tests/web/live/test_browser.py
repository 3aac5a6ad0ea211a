"""In a real browser: the queue keeps up by itself and keeps what the trader is doing; many streams stall nobody."""
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.core import page_events
from portal.core.access import SYSTEM
from portal.reference import pausing
from tests import factories, people
from tests.factories import Cast
from tests.running import Desk
from tests.web.browser.conftest import chromium, desk, looking
from tests.web.stage import Stage

assert chromium
assert desk
pytestmark = pytest.mark.browser
REFUSED = re.compile(r"status of 4(09|22)")  # a browser notes them; the page says what is to be done
STREAMS, PAGES, SLOWEST_S = 20, 60, 5.0


@pytest.fixture
def cast(stage: Stage, redis_url: str) -> Iterator[Cast]:
    """A trader of its own; this process tells as a worker would."""
    page_events._telegraph = told = page_events.Publisher(redis_url)
    with stage.app.app_context():
        made = factories.new_cast()
        made.requisite()
        yield made
    page_events._telegraph = None
    told.close()


@pytest.fixture
def queue(stage: Stage, cast: Cast, chromium: Browser, desk: Desk) -> Iterator[Page]:
    sid = people.seat(stage.app, people.person("trader", trader_id=cast.traders[0].id)).sid
    with looking(chromium, desk, sid, width=1440, height=900, theme="light") as look:
        look.page.goto(f"{desk.url}/trader/orders")
        expect(look.page.locator(".live")).to_have_attribute("data-state", "on")
        yield look.page
        assert [said for said in look.complaints if not REFUSED.search(said)] == []


def test_the_queue_follows_and_keeps_the_place(queue: Page, cast: Cast) -> None:
    first = factories.paid_payin(cast, "1500.00")
    row = queue.locator(f"#needs-you #order-{first.public_id}")
    expect(row).to_be_visible()
    expect(queue).to_have_title(re.compile(r"^\(1\) "))
    expect(queue.locator(".side .pill")).to_contain_text("1")
    queue.keyboard.press("j")
    expect(row).to_have_class(re.compile("selected"))
    focused = queue.evaluate("document.activeElement.getAttribute('href')")
    factories.paid_payin(cast, "1501.00")
    expect(queue).to_have_title(re.compile(r"^\(2\) "))
    expect(row).to_have_class(re.compile("selected"))
    assert queue.evaluate("document.activeElement.getAttribute('href')") == focused
    expect(row.locator("time-left span")).to_have_text(re.compile(r"^\d+:\d\d$"))
    queue.keyboard.press("a")
    expect(queue.get_by_role("dialog").get_by_role("heading")).to_contain_text("Has 1 500.00 ₽ arrived?")


def test_confirming_goes_on_with_the_next_row(queue: Page, cast: Cast) -> None:
    """Three page loads an order before: the question stands over the queue, and the next row is at hand."""
    orders = [factories.paid_payin(cast, amount) for amount in ("1510.00", "1511.00", "1512.00")]
    rows = queue.locator("#needs-you [data-row]")
    expect(rows).to_have_count(3)
    queue.keyboard.press("j")
    taken = rows.first.get_attribute("id")
    queue.keyboard.press("a")
    dialog = queue.get_by_role("dialog")
    received = dialog.get_by_label("Amount received")
    expect(received).to_have_value(re.compile(r"1.?51\d[.]00"))
    right = received.input_value()
    received.fill("12.00")
    received.press("Enter")
    expect(dialog.locator(".notice, .field-error").first).to_be_visible()  # refused over the queue, nothing is lost
    dialog.get_by_label("Amount received").fill(right)
    dialog.get_by_label("Amount received").press("Enter")
    expect(dialog).to_be_hidden()
    expect(rows).to_have_count(2)
    expect(queue.locator(f"#needs-you #{taken}")).to_have_count(0)
    expect(queue.locator(".toast")).to_contain_text("confirmed")
    assert queue.evaluate("document.activeElement.closest('#needs-you [data-row]') !== null")
    assert queue.url.endswith("/trader/orders")
    assert len(orders) == 3


def test_an_order_page_follows_and_spares_who_is_writing(queue: Page, cast: Cast) -> None:
    order = factories.assigned_payin(cast, "1520.00")
    queue.goto(f"{queue.url}/{order.public_id}")
    expect(queue.locator(".live")).to_have_attribute("data-state", "on")
    expect(queue.get_by_role("link", name="Refuse the order…")).to_be_visible()
    factories.mark_paid(cast.customer(order), order)
    expect(queue.get_by_role("link", name="Refuse the order…")).to_have_count(0)
    queue.get_by_label("Amount received").fill("1520.00 ")
    factories.confirm(factories.its_trader(order), order)
    expect(queue.locator("[data-changed]")).to_be_visible()
    expect(queue.get_by_label("Amount received")).to_have_value("1520.00 ")
    queue.get_by_role("button", name="Confirm receipt").click()
    expect(queue.get_by_role("alert")).to_contain_text("already, by")


def test_refusing_asks_first(queue: Page, cast: Cast) -> None:
    order = factories.assigned_payin(cast, "1530.00")
    queue.goto(f"{queue.url}/{order.public_id}")
    queue.get_by_role("link", name="Refuse the order…").click()
    dialog = queue.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Refuse 1 530.00 ₽?")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    queue.get_by_role("link", name="Refuse the order…").click()
    dialog.get_by_label("The bank or its app does not work").check()
    dialog.get_by_role("button", name="Refuse the order").click()
    queue.wait_for_url("**/trader/orders")


def test_keys_are_explained_and_can_be_off(queue: Page, cast: Cast) -> None:
    factories.paid_payin(cast, "1502.00")
    row = queue.locator("#needs-you [data-row]")
    expect(row).to_have_count(1)
    queue.keyboard.press("?")
    helped = queue.locator("dialog#keys")
    expect(helped).to_be_visible()
    factories.paid_payin(cast, "1503.00")
    expect(row).to_have_count(2)  # the queue has changed beneath
    expect(helped).to_be_visible()
    helped.get_by_role("checkbox").uncheck()
    queue.keyboard.press("Escape")
    queue.keyboard.press("j")
    expect(queue.locator(".selected")).to_have_count(0)
    queue.reload()
    queue.keyboard.press("?")
    expect(helped).to_be_hidden()


def test_sound_is_asked_for_and_rings_only_for_what_needs_you(queue: Page, cast: Cast) -> None:
    rang = queue.locator("html")
    queue.get_by_role("button", name="Sound").click()
    expect(rang).to_have_attribute("data-rang", "1")  # so that one knows how it sounds
    factories.assigned_payin(cast, "1504.00")
    expect(queue.locator("#waiting [data-row]")).to_have_count(1)
    expect(rang).to_have_attribute("data-rang", "1")
    factories.paid_payin(cast, "1505.00")
    expect(rang).to_have_attribute("data-rang", "2")


def test_an_unchanged_queue_is_not_sent(stage: Stage, cast: Cast) -> None:
    seat = people.seat(stage.app, people.person("trader", trader_id=cast.traders[0].id))
    first = seat.get("/trader/orders", headers={"HX-Request": "true"})
    known = {"HX-Request": "true", "HX-PTag": first.headers["HX-PTag"]}
    assert seat.get("/trader/orders", headers=known).status_code == 304
    factories.assigned_payin(cast, "1506.00")
    assert seat.get("/trader/orders", headers=known).status_code == 200


def test_without_streams_pages_poll(stage: Stage, cast: Cast, chromium: Browser, desk: Desk) -> None:
    sid = people.seat(stage.app, people.person("trader", trader_id=cast.traders[0].id)).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.route("**/live", lambda route: route.fulfill(status=503))
        look.page.goto(f"{desk.url}/trader/orders")
        expect(look.page.locator(".live")).to_have_attribute("data-state", "off")
        order = factories.paid_payin(cast, "1507.00")
        expect(look.page.locator(f"#needs-you #order-{order.public_id}")).to_be_visible(timeout=10_000)


def test_twenty_streams_and_sixty_pages_never_stall(stage: Stage, cast: Cast, chromium: Browser, desk: Desk) -> None:
    """Each page left behind has had a stream: what once hung a server of 32 threads."""
    from contextlib import ExitStack

    from tests.web.live.listening import Ear

    with ExitStack() as open_ones:
        for _ in range(STREAMS):
            sid = people.seat(stage.app, people.person("super_admin")).sid
            assert open_ones.enter_context(Ear(desk.port, sid)).status == 200
        look = open_ones.enter_context(looking(
            chromium, desk, people.seat(stage.app, people.person("super_admin")).sid, width=1440, height=900,
            theme="light"))
        slowest = 0.0
        for number in range(PAGES):
            begun = time.monotonic()
            look.page.goto(f"{desk.url}{('/admin/orders', '/admin/', '/admin/jobs')[number % 3]}", wait_until="commit")
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < SLOWEST_S, f"one page took {slowest:.1f} s"


def test_a_pause_appears_and_goes_on_pages_that_are_open(queue: Page, stage: Stage, cast: Cast, chromium: Browser,
                                                         desk: Desk) -> None:
    """Traders and merchants would go on promising what the desk refuses: the banner does not wait for the next page."""
    sid = people.seat(stage.app, people.person("merchant_owner", merchant_id=cast.merchant.id)).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.goto(f"{desk.url}/merchant/orders")
        expect(look.page.locator(".live")).to_have_attribute("data-state", "on")
        banners = [page.locator("#paused") for page in (queue, look.page)]
        for banner in banners:
            expect(banner).to_have_text("")
        with factories.act() as session:
            pausing.pause(session, SYSTEM, pausing.PauseDesk(for_minutes=30, reason="Leak", message="Back at noon"))
        try:
            for banner in banners:
                expect(banner).to_contain_text("Back at noon", timeout=2_000)
                expect(banner).not_to_contain_text("Leak")
        finally:
            with factories.act() as session:
                pausing.resume(session, SYSTEM, pausing.ResumeDesk())
        for banner in banners:
            expect(banner).to_have_text("", timeout=2_000)
