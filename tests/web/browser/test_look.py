"""Each page in a real browser under the enforced policy: quiet console, nothing too wide, axe finds nothing."""
import gzip
from itertools import product

import pytest
from playwright.sync_api import Browser, Response

from portal.orders import payment_links
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SIZES = ((1440, 900), (390, 844))
WIDTHS = (1440, 1024, 900, 820, 390, 320)
EVERY_LOOK = tuple(product(SIZES, ("light", "dark"), ("en", "ru")))
FEW = 24  # of the pages each half of the fast suite looks at one in so many; --slow at all of them
PAY_PAGE_MAX_BYTES = 25 * 1024


def pages(stage: Stage) -> list[tuple[str, str, str | None]]:
    seats = {who: stage.seat(who) for who in ("trader", "merchant_owner", "super_admin")}
    found = [(who, path, seats[who].sid if who in seats else None) for who, path in stage.pages()]
    return [one for one in found if one[1] not in ("/", "/trader/") and not (one[1] == "/login" and one[2])]


def inspect(chromium: Browser, desk: Desk, stage: Stage, share: int, looks_of: dict[int, tuple],
            step: int = 2) -> list[tuple]:
    wrong = []
    for at, (who, path, sid) in list(enumerate(pages(stage)))[share::step]:
        for (width, height), theme, language in looks_of.get(at % 8, EVERY_LOOK):
            with looking(chromium, desk, sid, width=width, height=height, theme=theme) as look:
                answer = look.page.goto(f"{desk.url}{path}?lang={language}&theme={theme}")
                look.page.locator("h1").first.wait_for()
                seen = (who, path, width, theme, language)
                if answer is None or answer.status != 200:
                    wrong.append((*seen, f"status {answer and answer.status}"))
                wrong += [(*seen, said) for said in (*look.axe(), *look.complaints)]
                if look.too_wide():
                    wrong.append((*seen, "scrolls sideways"))
    return wrong


def at_widths(chromium: Browser, desk: Desk, shown: list[tuple[str, str, str | None]]) -> list[tuple]:
    """Between a phone and a desk: half a monitor, a tablet on its side, the smallest phone; in both languages."""
    wrong = []
    for (who, path, sid), language in product(shown, ("en", "ru")):
        with looking(chromium, desk, sid, width=WIDTHS[0], height=900, theme="light") as look:
            look.page.goto(f"{desk.url}{path}?lang={language}")
            look.page.locator("h1").first.wait_for()
            for width in WIDTHS:
                look.page.set_viewport_size({"width": width, "height": 900})
                wrong += [(who, path, width, language, said) for said in look.broken()]
    return wrong


class Looks:
    """Half of the pages: workers are handed whole classes, so that two of them look at once."""

    share: int

    def test_every_page_looks_right(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        """One look at some of the pages, taken in turn, so that every size, theme and language is seen.

        All of them in every look are seen under --slow.
        """
        wrong = inspect(chromium, desk, stage, self.share, {at: (EVERY_LOOK[at],) for at in range(8)}, step=FEW)
        assert not wrong, "\n".join(map(str, wrong))

    def test_no_width_breaks_a_title_or_a_sum(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        wrong = at_widths(chromium, desk, pages(stage)[self.share::48])
        assert not wrong, "\n".join(map(str, wrong))

    @pytest.mark.slow
    def test_no_width_breaks_any_page(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        wrong = at_widths(chromium, desk, pages(stage)[self.share::2])
        assert not wrong, "\n".join(map(str, wrong))

    @pytest.mark.slow
    def test_every_page_looks_right_in_every_look(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        wrong = inspect(chromium, desk, stage, self.share, {})
        assert not wrong, "\n".join(map(str, wrong))

    def test_pages_work_without_scripts(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        for _, path, sid in pages(stage)[self.share::FEW]:
            with looking(chromium, desk, sid, width=390, height=844, theme="light", script=False) as look:
                answer = look.page.goto(desk.url + path)
                assert answer is not None
                assert answer.status == 200, path
                assert look.page.locator("h1").first.is_visible(), path


class TestEvenPages(Looks):
    share = 0


class TestOddPages(Looks):
    share = 1

    def test_a_head_full_of_acts_takes_another_row(self, chromium: Browser, desk: Desk, stage: Stage) -> None:
        """An owner of two stores has one act more: at half a monitor the menu of the account was cut off."""
        with looking(chromium, desk, stage.seat("merchant_owner").sid, width=900, height=900, theme="light") as look:
            look.page.goto(f"{desk.url}/merchant/balance?lang=ru")
            look.page.locator(".top-tools .button").first.evaluate(
                "button => [1, 2, 3].forEach(() => button.after(button.cloneNode(true)))")
            for width in WIDTHS:
                look.page.set_viewport_size({"width": width, "height": 900})
                assert look.broken() == [], width
                box = look.page.locator(".account-button").bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= width

    @pytest.mark.parametrize("state", ["assigned", "paid", "disputed", "expired"])
    def test_a_payment_page_is_light(self, chromium: Browser, desk: Desk, stage: Stage, state: str) -> None:
        """With all that it loads but fonts, compressed as the handbook's proxy does (deploy/caddy)."""
        loaded: list[Response] = []
        with looking(chromium, desk, None, width=390, height=844, theme="light") as look:
            look.page.on("response", lambda one: loaded.append(one))  # playwright marks what it is given
            look.page.goto(desk.url + payment_links.path_of(stage.orders[state].id), wait_until="load")
            look.page.locator("h1").first.wait_for()
            weight = {one.url: len(gzip.compress(one.body())) for one in loaded if not one.url.endswith(".woff2")}
        assert len(weight) >= 4, "page, looks, script, icons"
        assert sum(weight.values()) <= PAY_PAGE_MAX_BYTES, weight
