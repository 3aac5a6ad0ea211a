"""Passkeys with a real browser and its virtual authenticator: added, a second factor, a sign-in; what is refused."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page
from sqlalchemy import select, update

from portal.core.db import reader, transaction
from portal.parties.factor_models import Passkey
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import AXE, settle
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def named(chromium: Browser, stage: Stage, stage_database: str,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A desk that is found by a name: browsers know no passkeys of a bare address."""
    running = Desk(stage_database, tmp_path_factory.mktemp("desk") / "web.log")
    site = f"http://localhost:{running.port}"
    running.environment["PUBLIC_URL"] = site
    try:
        running.start("web")
        yield site
    finally:
        running.stop()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    made = context.new_page()
    yield made
    settle(made)
    context.close()


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """A phone's own: it asks for a finger, and keeps who the key is for."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True}})
    return devtools, made["authenticatorId"]


def sign_in(page: Page, site: str, person: people.Person) -> None:
    page.goto(f"{site}/login")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add(page: Page, site: str, name: str) -> None:
    page.goto(f"{site}/profile/second-factor/passkeys/new")
    if page.get_by_label("Your password").count():
        page.get_by_label("Your password").fill(people.PASSWORD)
        page.get_by_role("button", name="Go on").click()
    elif page.get_by_role("button", name="Use a passkey").count():
        page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def axe(page: Page) -> list[str]:
    page.evaluate(AXE)
    return [one["id"] for one in page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})")["violations"]]


def key_of(person: people.Person) -> Passkey:
    reader().expire_all()
    return reader().scalars(select(Passkey).where(Passkey.user_id == person.id)).one()


def answers_sent(page: Page) -> list[str]:
    """What the browser sends of passkeys from now on: to be sent again by somebody who overheard it."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(str(request.post_data))
            if request.method == "POST" and "passkey=%7B" in str(request.post_data) else None)
    return sent


def test_added_then_second_factor_then_sign_in(page: Page, named: str, stage: Stage) -> None:
    with stage.app.app_context():
        me = people.person("trader", trader_id=people.trader())
        authenticator(page)
        sign_in(page, named, me)
        page.wait_for_url("**/trader/orders")
        add(page, named, "My phone")
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        assert not axe(page)
        page.goto(f"{named}/profile")
        page.get_by_text("My phone", exact=True).first.wait_for()
        assert not axe(page)
        first = key_of(me).sign_count

        sign_out(page)
        sign_in(page, named, me)
        page.wait_for_url("**/second-factor*")
        assert not axe(page)
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url("**/trader/orders")
        second = key_of(me).sign_count
        assert second > first

        sign_out(page)
        page.goto(f"{named}/login")
        sent = answers_sent(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/trader/orders")
        assert key_of(me).sign_count > second
        again(page, named, sent[0])


def again(page: Page, site: str, body: str) -> None:
    """The very same answer, from the same browser's new page: its challenge is gone."""
    sign_out(page)
    page.goto(f"{site}/login")
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    answer = dict(part.split("=", 1) for part in body.split("&"))["passkey"]
    status = page.evaluate("""async ([token, answer]) => (await fetch("/passkeys/sign-in", {method: "POST",
        headers: {"X-CSRFToken": token, "Content-Type": "application/x-www-form-urlencoded"},
        body: "passkey=" + answer})).status""", [token, answer])
    assert status == 422


def test_a_counter_that_goes_back_is_a_copy(page: Page, named: str, stage: Stage) -> None:
    with stage.app.app_context():
        me = people.person("trader", trader_id=people.trader())
        authenticator(page)
        sign_in(page, named, me)
        add(page, named, "My phone")
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        with transaction() as session:
            session.execute(update(Passkey).where(Passkey.user_id == me.id).values(sign_count=1_000_000))
        sign_out(page)
        sign_in(page, named, me)
        page.get_by_role("button", name="Use a passkey").click()
        page.get_by_text("This passkey was not accepted").first.wait_for()
        sign_out(page)
        page.goto(f"{named}/login")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("This passkey was not accepted").first.wait_for()
        assert key_of(me).sign_count == 1_000_000
