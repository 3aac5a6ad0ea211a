"""Chromium runs the worker as its push service would wake it: the notice is shown, and asking is refused politely."""
import json

import pytest
from playwright.sync_api import Browser, expect

from tests import people
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SHOWN = """async () => {
  const there = await navigator.serviceWorker.ready;
  const [one] = await there.getNotifications();
  return one && [one.title, one.body, one.data.path];
}"""


def test_a_message_is_shown_and_leads_to_its_page(stage: Stage, chromium: Browser, desk: Desk) -> None:
    with stage.app.app_context():
        sid = people.seat(stage.app, people.person("trader")).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.context.grant_permissions(["notifications"], origin=desk.url)
        look.page.goto(f"{desk.url}/trader/orders?lang=en")
        debugger = look.page.context.new_cdp_session(look.page)
        registered: list[str] = []
        debugger.on("ServiceWorker.workerRegistrationUpdated",
                    lambda told: registered.extend(one["registrationId"] for one in told["registrations"]))
        debugger.send("ServiceWorker.enable")
        look.page.evaluate("async () => { await navigator.serviceWorker.register('/sw.js');"
                           " await navigator.serviceWorker.ready; }")
        assert registered
        debugger.send("ServiceWorker.deliverPushMessage", {
            "origin": desk.url, "registrationId": registered[0],
            "data": json.dumps({"title": "Paid: 1,500 ₽", "text": "Look into your bank", "path": "/trader/orders",
                                "tag": "1"})})
        look.page.wait_for_function(f"async () => Boolean(await ({SHOWN})())")
        assert look.page.evaluate(SHOWN) == ["Paid: 1,500 ₽", "Look into your bank", "/trader/orders"]


def test_who_forbids_it_is_told_how_to_allow_it(stage: Stage, chromium: Browser, desk: Desk) -> None:
    with stage.app.app_context():
        sid = people.seat(stage.app, people.person("trader")).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.goto(f"{desk.url}/profile/notices?lang=en")
        look.page.locator("form[data-push] button").click()
        expect(look.page.get_by_text("The browser forbids it.")).to_be_visible()


def test_the_desk_may_stand_on_a_home_screen(stage: Stage, chromium: Browser, desk: Desk) -> None:
    """Under the policy of contents, with icons that are there: an iPhone tells only what stands there."""
    with stage.app.app_context():
        sid = people.seat(stage.app, people.person("trader")).sid
    with looking(chromium, desk, sid, width=390, height=844, theme="light") as look:
        look.page.goto(f"{desk.url}/trader/orders?lang=en")
        debugger = look.page.context.new_cdp_session(look.page)
        told = debugger.send("Page.getAppManifest")
        assert (told["url"], told["errors"]) == (f"{desk.url}/static/desk.webmanifest", [])
        wrong = {one["errorId"] for one in debugger.send("Page.getInstallabilityErrors")["installabilityErrors"]}
        assert wrong <= {"in-incognito"}, "which every context of a test is"
        apple = look.page.locator("link[rel=apple-touch-icon]").get_attribute("href")
        assert look.page.request.get(f"{desk.url}{apple}").headers["content-type"] == "image/png"
