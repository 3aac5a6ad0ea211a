"""The field that takes files in a real browser: progress, thumbnails, errors by file, removal, and without a script."""
import re
from pathlib import Path
from secrets import token_hex

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from portal import files
from portal.orders import payment_links
from portal.orders.models import Order
from portal.orders.payout_receipts import RECEIPT
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import Look, looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize(("width", "height", "theme"), [(390, 844, "dark"), (1440, 900, "light")],
                                ids=["phone", "desktop"])


class Payer:
    """A trader with a payout that he has taken on."""

    def __init__(self, stage: Stage) -> None:
        with stage.app.app_context():
            cast = f.new_cast()
            cast.requisite(payout=True)
            self.order: Order = f.accepted_payout(cast, "2501.00")
            self.sid = people.seat(stage.app, people.person("trader", trader_id=cast.traders[0].id)).sid
            self.page = f"/trader/payouts/{self.order.public_id}"

    def receipts(self, stage: Stage) -> list[str]:
        with stage.app.app_context(), f.look() as session:
            found = files.of(session, RECEIPT, [f.assignment_of(self.order).id])
            return [one.name for rows in found.values() for one in rows]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    made = []
    for kind in ("PNG", "JPEG", "WEBP"):
        path = tmp_path / f"receipt {token_hex(2)}.{kind.lower()}"
        path.write_bytes(f.picture(600, 900, kind))
        made.append(path)
    return made


def held(look: Look) -> None:
    assert not look.axe()
    assert not look.broken()
    assert not look.complaints


def lines(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("[data-uploads] li")


@SIZES
def test_files_go_up_show_themselves_and_can_be_removed(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path,
                                                        pictures: list[Path], width: int, height: int,
                                                        theme: str) -> None:
    payer = Payer(stage)
    wrong = tmp_path / "notes.png"
    wrong.write_bytes(b"<html>")
    with looking(chromium, desk, payer.sid, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(desk.url + payer.page)
        field = page.get_by_label("Receipt of your bank")
        field.set_input_files([*pictures, wrong])
        expect(lines(page)).to_have_count(4)
        expect(page.locator("[name=draft]:enabled")).to_have_count(3)
        refused = lines(page).filter(has_text="notes.png")
        expect(refused).to_contain_text("is no picture or PDF that can be read")
        for picture in pictures:
            line = lines(page).filter(has_text=picture.name)
            expect(line.locator("img")).to_be_visible()
            assert line.locator("img").evaluate("picture => picture.naturalWidth") == 96
            expect(line).to_contain_text(re.compile("[kM]B"))
        look.complaints = [said for said in look.complaints if "422" not in said]  # which the browser notes of itself
        held(look)
        refused.get_by_role("button", name="Remove").click()
        lines(page).filter(has_text=pictures[0].name).get_by_role("button", name="Remove").click()
        expect(lines(page)).to_have_count(2)
        page.get_by_role("button", name="I have sent the money").click()
        page.get_by_text("The store looks whether the money has arrived.").wait_for()
    assert sorted(payer.receipts(stage)) == sorted(one.name for one in pictures[1:])  # they go up side by side


def test_a_phone_takes_a_photo_of_it_and_a_mouse_is_not_offered_to(chromium: Browser, desk: Desk, stage: Stage,
                                                                   pictures: list[Path]) -> None:
    """The camera's own input; removed again, and another one taken, until it is sent."""
    payer = Payer(stage)
    with looking(chromium, desk, payer.sid, width=1440, height=900, theme="light") as look:
        look.page.goto(desk.url + payer.page)
        expect(look.page.get_by_label("Receipt of your bank")).to_be_visible()
        expect(look.page.locator(".uploads-camera")).to_be_hidden()
    with looking(chromium, desk, payer.sid, width=390, height=844, theme="light", finger=True) as look:
        page = look.page
        page.goto(desk.url + payer.page)
        camera = page.get_by_label("Take a photo")
        expect(camera).to_be_visible()
        assert camera.get_attribute("capture") == "environment"
        for picture in pictures[:2]:
            camera.set_input_files(picture)
            expect(lines(page).filter(has_text=picture.name).locator("[name=draft]:enabled")).to_have_count(1)
        held(look)
        lines(page).filter(has_text=pictures[0].name).get_by_role("button", name="Remove").click()
        expect(lines(page)).to_have_count(1)
        page.get_by_role("button", name="I have sent the money").click()
        page.get_by_text("The store looks whether the money has arrived.").wait_for()
    assert payer.receipts(stage) == [pictures[1].name]


def test_a_form_that_is_sent_waits_for_its_files(chromium: Browser, desk: Desk, stage: Stage,
                                                 pictures: list[Path]) -> None:
    """Pressed while a file is on its way over a slow line: sent once, when it has come."""
    payer, waiting = Payer(stage), list[Route]()
    with looking(chromium, desk, payer.sid, width=390, height=844, theme="light") as look:
        page = look.page
        page.route("**/files", lambda route: waiting.append(route))
        page.goto(desk.url + payer.page)
        page.get_by_label("Receipt of your bank").set_input_files(pictures[0])
        expect(page.get_by_role("progressbar")).to_be_visible()
        held(look)
        page.get_by_role("button", name="I have sent the money").click()
        expect(page.locator("#announce")).to_have_text("The form goes as soon as the files are there.")
        assert payer.receipts(stage) == []
        waiting[0].continue_()
        page.get_by_text("The store looks whether the money has arrived.").wait_for()
    assert payer.receipts(stage) == [pictures[0].name]


def test_a_line_that_breaks_can_be_tried_again(chromium: Browser, desk: Desk, stage: Stage,
                                               pictures: list[Path]) -> None:
    payer = Payer(stage)
    with looking(chromium, desk, payer.sid, width=390, height=844, theme="dark") as look:
        page = look.page
        page.goto(desk.url + payer.page)
        page.route("**/files", lambda route: route.abort())
        page.get_by_label("Receipt of your bank").set_input_files(pictures[0])
        expect(lines(page)).to_contain_text("This did not get through.")
        page.unroute("**/files")
        lines(page).get_by_role("button", name="Try again").click()
        expect(page.locator("[name=draft]:enabled")).to_have_count(1)
        expect(lines(page).locator("[data-part=error]")).to_be_hidden()


def test_a_refused_form_keeps_its_files_and_its_words(chromium: Browser, desk: Desk, stage: Stage,
                                                      pictures: list[Path]) -> None:
    payer = Payer(stage)
    with looking(chromium, desk, payer.sid, width=390, height=844, theme="light") as look:
        page = look.page
        page.goto(f"{desk.url}/trader/deposits")
        page.locator("[name=amount]").fill("much")
        page.get_by_label("How it was sent").select_option("trc20")
        page.get_by_label("Reference of the transfer").fill("ab12cd34")
        page.get_by_label("Proof").set_input_files(pictures[:2])
        expect(page.locator("[name=draft]:enabled")).to_have_count(2)
        page.get_by_role("button", name="Tell us").click()
        page.get_by_role("alert").first.wait_for()
        expect(lines(page)).to_have_count(2)
        expect(lines(page).first.locator("img")).to_be_visible()
        assert lines(page).first.locator("img").evaluate("picture => picture.naturalWidth") == 600
        expect(page.get_by_label("Reference of the transfer")).to_have_value("ab12cd34")
        lines(page).last.get_by_role("button", name="Remove").click()
        page.locator("[name=amount]").fill("25")
        page.get_by_role("button", name="Tell us").click()
        page.get_by_text("Being looked for").first.wait_for()


def test_without_a_script_the_form_sends_its_files(chromium: Browser, desk: Desk, stage: Stage,
                                                   pictures: list[Path]) -> None:
    payer = Payer(stage)
    with looking(chromium, desk, payer.sid, width=390, height=844, theme="light", script=False) as look:
        look.page.goto(desk.url + payer.page)
        look.page.get_by_label("Receipt of your bank").set_input_files(pictures)
        look.page.get_by_role("button", name="I have sent the money").click()
        look.page.get_by_text("The store looks whether the money has arrived.").wait_for()
    assert payer.receipts(stage) == [one.name for one in pictures]


@pytest.fixture
def payin(stage: Stage) -> Order:
    with stage.app.app_context():
        cast = f.new_cast()
        cast.requisite()
        return f.assigned_payin(cast, "1543.00")


@SIZES
def test_a_payer_shows_the_receipt(chromium: Browser, desk: Desk, stage: Stage, payin: Order, pictures: list[Path],
                                   tmp_path: Path, width: int, height: int, theme: str) -> None:
    """Says that he has paid, then shows it: the page goes on asking for itself while the files go up."""
    wrong = tmp_path / "notes.pdf"
    wrong.write_bytes(b"<html>")
    with looking(chromium, desk, None, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/pay/{payment_links.token_of(payin.id)}")
        page.get_by_role("button", name="I have paid").click()
        page.get_by_role("heading", name="We are checking your payment").wait_for()
        held(look)
        page.get_by_label("Receipt", exact=True).set_input_files([pictures[0], wrong])
        expect(lines(page).filter(has_text="notes.pdf")).to_contain_text("is no picture or PDF that can be read")
        expect(lines(page).filter(has_text=pictures[0].name).locator("img")).to_be_visible()
        page.wait_for_timeout(3500)  # a turn of its asking
        expect(lines(page)).to_have_count(2)
        look.complaints = [said for said in look.complaints if "422" not in said]
        held(look)
        lines(page).filter(has_text="notes.pdf").get_by_role("button", name="Remove").click()
        page.get_by_role("button", name="Send the receipt").click()
        page.get_by_role("heading", name="Your receipts").wait_for()
        expect(page.locator(".steps.pay-receipts")).to_contain_text(pictures[0].name)
        held(look)
    with stage.app.app_context():
        assert f.receipts_of(payin) == [pictures[0].name]


def test_a_payer_without_a_script_shows_it_as_he_says_that_he_has_paid(
        chromium: Browser, desk: Desk, stage: Stage, payin: Order, pictures: list[Path]) -> None:
    with looking(chromium, desk, None, width=390, height=844, theme="light", script=False) as look:
        page = look.page
        page.goto(f"{desk.url}/pay/{payment_links.token_of(payin.id)}")
        page.get_by_text("Attach the receipt of your bank").click()
        page.get_by_label("Receipt of your bank").set_input_files(pictures[:2])
        page.get_by_role("button", name="I have paid").click()
        page.get_by_role("heading", name="Your receipts").wait_for()
        page.get_by_text("Attach another").click()
        page.get_by_label("Receipt", exact=True).set_input_files(pictures[2])
        page.get_by_role("button", name="Send the receipt").click()
        expect(page.locator(".steps.pay-receipts li")).to_have_count(3)
    with stage.app.app_context():
        assert f.receipts_of(payin) == [one.name for one in pictures]
