"""Money in and out with a real browser: a deposit with its proof on a phone, a withdrawal through two of the staff."""
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask
from playwright.sync_api import Browser

from portal.core.access import Actor
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.treasury import acts
from tests.web.browser.conftest import Look, looking, show_who
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize(("width", "height", "theme"), [
    pytest.param(390, 844, "dark", id="phone"), pytest.param(1440, 900, "light", id="desktop", marks=pytest.mark.slow)])


class Owner:
    """A trader of their own with money and, since yesterday, a wallet."""

    def __init__(self, stage: Stage) -> None:
        with stage.app.app_context():
            self.cast = f.new_cast()
            trader = self.cast.trader(deposit="100.000000")
            self.actor: Actor = f.as_trader(trader)
            self.sid = people.seat(stage.app, people.person("trader", trader_id=trader.id)).sid
            self.address = acts.usable(self.actor, self.cast)


def staff(app: Flask) -> str:
    with app.app_context():
        return people.seat(app, people.person("admin")).sid


def held(look: Look) -> None:
    assert not look.axe()
    assert not look.broken()
    assert not look.complaints


@SIZES
def test_a_deposit_reaches_the_balance(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path, width: int,
                                       height: int, theme: str) -> None:
    owner, reference = Owner(stage), token_hex(8)
    proof = tmp_path / "transfer.png"
    proof.write_bytes(f.picture())
    with looking(chromium, desk, owner.sid, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/trader/deposits")
        page.locator("[name=amount]").fill("25.5")
        page.get_by_label("How it was sent").select_option("trc20")
        page.get_by_label("Reference of the transfer").fill(reference)
        page.get_by_label("Proof").set_input_files(proof)
        held(look)
        page.get_by_role("button", name="Tell us").click()
        page.get_by_text("Being looked for").first.wait_for()
        held(look)
    with looking(chromium, desk, staff(stage.app), width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/treasury?view=deposits")
        page.locator(".row, tr", has_text=reference).get_by_role("link").first.click()
        page.get_by_role("link", name="See the decision").click()
        page.get_by_role("link", name="transfer.png").wait_for()
        held(look)
        page.get_by_role("button", name="Approve").click()
        page.locator("dialog[open]").get_by_role("button", name="Approve").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("Approved", exact=True).first.wait_for()
    with looking(chromium, desk, owner.sid, width=width, height=height, theme=theme) as look:
        look.page.goto(f"{desk.url}/trader/balance")
        look.page.get_by_text("125.50").first.wait_for()


@SIZES
def test_a_withdrawal_goes_through_two_of_the_staff(chromium: Browser, desk: Desk, stage: Stage, width: int,
                                                    height: int, theme: str) -> None:
    owner, reference = Owner(stage), token_hex(16)
    size = {"width": width, "height": height, "theme": theme}
    with looking(chromium, desk, owner.sid, **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(f"{desk.url}/trader/withdrawals")
        page.locator("[name=amount]").fill("40")
        held(look)
        page.get_by_role("button", name="Ask for it").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("The amount is held").first.wait_for()
        held(look)
        withdrawal = page.url.rpartition("/")[2]
    with looking(chromium, desk, staff(stage.app), **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(f"{desk.url}/admin/treasury/withdrawals/{withdrawal}")
        held(look)
        page.get_by_role("link", name="Look at it").click()
        page.get_by_role("button", name="Approve").click()
        page.locator("dialog[open]").get_by_role("button", name="Approve").click()
        show_who(look, people.PASSWORD)
        page.get_by_text("Approved", exact=True).first.wait_for()
    with looking(chromium, desk, staff(stage.app), **size) as look:  # type: ignore[arg-type]
        page = look.page
        page.goto(f"{desk.url}/admin/treasury/withdrawals/{withdrawal}")
        page.get_by_role("button", name="I send it now").click()
        show_who(look, people.PASSWORD)
        page.locator(".pan").wait_for()
        held(look)
        page.get_by_label("Reference of the transfer").fill(reference)
        page.get_by_role("button", name="I have sent it").click()
        page.locator("dialog[open]").get_by_role("button", name="I have sent it").click()
        page.get_by_text(reference).first.wait_for()
        held(look)
    with looking(chromium, desk, owner.sid, **size) as look:  # type: ignore[arg-type]
        look.page.goto(f"{desk.url}/trader/withdrawals/{withdrawal}")
        look.page.get_by_text(reference).first.wait_for()
        held(look)
