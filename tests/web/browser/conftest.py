"""A Chromium before a running desk. Without one these tests are skipped, and say so."""
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.running import Desk, running_desk
from tests.web.stage import Stage

# Chromium heeds the last such switch alone: what Playwright puts into its own, and then the address bar's two pages,
# which nobody sees without a head and which cost every context a process, half of all the time that it takes.
OFF = ("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
       "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
       "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
       "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
       "WebUIOmniboxFullPopup")
ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--no-first-run", f"--disable-features={','.join(OFF)}")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-noto-core")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(chromium: Browser, stage: Stage, stage_database: str,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    log: Path = tmp_path_factory.mktemp("desk") / "web.log"
    with running_desk(stage_database, log, "web") as running:
        yield running


# What only a look at the drawn page tells: a title or a sum that was broken, a page a few pixels too long.
BROKEN = """() => {
  const wrong = [], root = document.documentElement, lines = element => [...element.getClientRects()];
  if (root.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${root.scrollWidth}`);
  const longer = root.scrollHeight - innerHeight;
  if (longer > 0 && longer < 8) wrong.push(`scrolls by ${longer} px`);
  const title = document.querySelector("h1"), words = document.createRange();
  for (const word of title.textContent.matchAll(/[\\p{L}\\p{N}]{4,}/gu)) {
    const text = [...title.childNodes].find(node => node.nodeType === 3 && node.data.includes(word[0]));
    if (!text) continue;
    const at = text.data.indexOf(word[0]);
    words.setStart(text, at);
    words.setEnd(text, at + word[0].length);
    if (lines(words).length > 1) wrong.push(`title broken: ${word[0]}`);
  }
  for (const amount of document.querySelectorAll(".amount")) {
    const all = [...amount.querySelectorAll(".digits, .currency")].flatMap(lines);
    const apart = line => line.top >= all[0].bottom || line.bottom <= all[0].top;
    if (all.some(apart)) wrong.push(`sum broken: ${amount.innerText}`);
  }
  return wrong;
}"""


class Look:
    """A page as somebody sees it, and all that the browser complained about."""

    def __init__(self, page: Page) -> None:
        self.page, self.complaints = page, list[str]()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"a dialog: {dialog.message}"), dialog.dismiss()))

    def axe(self) -> list[str]:
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]

    def broken(self) -> list[str]:
        return list(self.page.evaluate(BROKEN))

    def too_wide(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@contextmanager
def looking(browser: Browser, desk: Desk, sid: str | None, *, width: int, height: int, theme: str,
            script: bool = True, finger: bool = False) -> Iterator[Look]:
    """`finger`: it is touched, as a phone is, and has no mouse."""
    context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script,
                                  has_touch=finger, is_mobile=finger,
                                  color_scheme="dark" if theme == "dark" else "light")
    if sid:
        context.add_cookies([{"name": "sid", "value": sid, "url": desk.url}])
    page = context.new_page()
    try:
        yield Look(page)
    finally:
        settle(page)
        context.close()


def show_who(look: Look, password: str) -> None:
    """The page before an act that matters, whose status Chromium notes as a complaint."""
    look.page.get_by_label("Your password").fill(password)
    assert not look.axe()
    assert not look.broken()
    look.page.get_by_role("button", name="Go on").click()
    look.complaints[:] = [said for said in look.complaints if "428" not in said]


def settle(page: Page) -> None:
    """Closing while a page is being committed hangs Chromium for ever: github.com/microsoft/playwright/issues/42068."""
    with suppress(Error):
        page.goto("about:blank")
