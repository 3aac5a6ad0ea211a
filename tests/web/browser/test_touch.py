"""On a phone: what a finger is meant for is 44 px high, and no page scrolls sideways in the longer language."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.running import Desk
from tests.web.browser.conftest import chromium, desk, settle
from tests.web.stage import Stage

assert chromium
assert desk
pytestmark = pytest.mark.browser
HIT_PX = 44
# the act is hit where the finger lands: of its box, a ::before or ::after that is laid over it, or its label
SMALL = """(least) => [...document.querySelectorAll(
    'main a.button, main a.chip, main button, main summary, main .tabs a, main .segments a, main .row a, main h2 a,'
    + ' main input:not([type=hidden]), main select, .top a, .top button, .top summary, .tab-bar a')]
  .filter((act) => act.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !act.closest('dialog'))
  .map((act) => {
    const target = act.closest('label') ?? act, box = target.getBoundingClientRect();
    const over = ['::before', '::after'].map((name) => getComputedStyle(act, name)).filter(
        (style) => style.content !== 'none' && style.position === 'absolute').map((style) => parseFloat(style.height));
    return [Math.max(box.height, ...over), act.outerHTML.slice(0, 120)];
  }).filter(([height]) => height < least - 0.5)"""


@pytest.fixture
def phone(chromium: Browser, desk: Desk, stage: Stage) -> Iterator[Page]:
    """A trader's, with a finger for a pointer."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    sid = stage.seat("trader").sid
    context.add_cookies([{"name": "sid", "value": sid, "url": desk.url}])
    page = context.new_page()
    yield page
    settle(page)
    context.close()


def test_a_finger_hits_every_act(phone: Page, desk: Desk, stage: Stage) -> None:
    pages = ["/trader/orders", "/trader/requisites", f"/trader/requisites/{stage.samples['requisite_id'][0]}",
             *(f"/trader/orders/{stage.orders[name].public_id}" for name in ("assigned", "paid", "completed"))]
    small = {}
    for path in pages:
        phone.goto(f"{desk.url}{path}")
        assert phone.evaluate("matchMedia('(pointer: coarse)').matches")
        if found := phone.evaluate(SMALL, HIT_PX):
            small[path] = found
    assert not small, small


def test_the_components_do_not_scroll_sideways(phone: Page, desk: Desk) -> None:
    phone.goto(f"{desk.url}/dev/ui?lang=ru")
    wide = phone.evaluate("""() => [...document.querySelectorAll('body *')].filter((one) => {
        let up = one.parentElement;
        while (up && getComputedStyle(up).overflowX === 'visible') up = up.parentElement;
        return one.getBoundingClientRect().right > 391 && (!up || up.tagName === 'HTML' || up.tagName === 'BODY');
    }).map((one) => one.outerHTML.slice(0, 160))""")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390, wide[:8]
