"""A stranger applies on a phone and on a desktop, with documents; staff read it; the first person comes in."""
import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import factories as f
from tests import people
from tests.applications import joining
from tests.running import Desk
from tests.web.browser.conftest import Look, looking, show_who
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize(("width", "height", "theme", "kind"), [
    pytest.param(390, 844, "dark", "trader", id="phone"),
    pytest.param(1440, 900, "light", "merchant", id="desktop", marks=pytest.mark.slow)])
PASSWORD = "a sentence that nobody else would think of"


def held(look: Look) -> None:
    assert not look.axe()
    assert not look.broken()
    assert not look.complaints


def admin(stage: Stage) -> str:
    with stage.app.app_context():
        return people.seat(stage.app, people.person("admin")).sid


@SIZES
def test_a_stranger_becomes_somebody(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path, width: int,
                                     height: int, theme: str, kind: str) -> None:
    size = {"width": width, "height": height, "theme": theme}
    typed, passport = joining.fields(kind), tmp_path / "passport.jpg"
    passport.write_bytes(f.picture(600, 900, "JPEG"))
    with looking(chromium, desk, None, **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(f"{desk.url}/join/{kind}")
        for name in ("name", "contact", "country", "email", "phone", "wants"):
            page.locator(f"[name={name}]").fill(typed[name])
        page.get_by_label("Volume a month").select_option("to_100k")
        page.get_by_label("Documents").set_input_files(passport)
        expect(page.locator("[name=draft]:enabled")).to_have_count(1)
        held(look)
        _shot(look, f"join-{width}")
        page.get_by_role("button", name="Send the application").click()
        page.get_by_text("people are reading it").wait_for()
        held(look)
        state = page.url
    with looking(chromium, desk, admin(stage), **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(f"{desk.url}/admin/applications")
        page.get_by_role("link", name=typed["name"]).click()
        page.get_by_role("link", name="passport.jpg").wait_for()
        held(look)
        _shot(look, f"application-{width}")
        page.get_by_label("Reason, for colleagues").fill("Called them")
        page.get_by_role("button", name="Propose to accept").click()
        page.get_by_text("It waits for a second person.").wait_for()
        application = page.url
        page.get_by_role("link", name="See the decision").click()
        decision = page.url
    with looking(chromium, desk, admin(stage), **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(decision)
        held(look)
        _shot(look, f"decision-{width}")
        page.get_by_role("button", name="Approve").click()
        page.locator("dialog[open]").get_by_role("button", name="Approve").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("Approved", exact=True).first.wait_for()
        page.goto(application)
        page.get_by_role("button", name="Make a link").click()
        show_who(look, people.PASSWORD)
        link = page.locator("code", has_text="/join/invitation/").inner_text().strip()
        held(look)
    with looking(chromium, desk, None, **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(state)
        page.get_by_text("You are accepted.").wait_for()
        page.goto(desk.url + link[link.index("/join/"):])
        page.get_by_label("New password").fill(PASSWORD)
        held(look)
        page.get_by_role("button", name="Set the password").click()
        page.get_by_label("E-mail").fill(typed["email"])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/trader/orders" if kind == "trader" else "**/merchant/")


def _shot(look: Look, name: str) -> None:
    if "SHOTS" in os.environ:
        look.page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)
