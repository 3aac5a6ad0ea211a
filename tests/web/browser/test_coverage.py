"""A hole in coverage with a real browser: staff are told, see it on the page, and it closes once somebody is there."""
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from portal.core import clock
from portal.orders.coverage import holes
from portal.orders.coverage.models import CoverageHole, DemandHour
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.browser.test_risk import SIZES, held
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
BAND = 6  # 1000 to 3000 roubles


def watched(stage: Stage) -> None:
    """As the workers do each few minutes."""
    with stage.app.app_context():
        with f.act() as session:
            holes.watch(session)
        f.work_off("tell_people")


def hole_of(stage: Stage, cast: f.Cast) -> str:
    """Its row on the page."""
    with stage.app.app_context(), f.look() as session:
        return f"#hole-{session.scalars(select(CoverageHole.id).where(CoverageHole.method == cast.method)).one()}"


@SIZES
def test_a_hole_is_told_seen_and_closed(chromium: Browser, desk: Desk, stage: Stage, width: int, height: int,
                                        theme: str) -> None:
    with stage.app.app_context():
        cast = f.new_cast()
        trader = cast.trader(on_shift=False)
        cast.requisite(trader, min_amount="1000.00", max_amount="2999.00")
        hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
        with f.act() as session:  # of this hour, and of the next should it begin meanwhile
            session.add_all(DemandHour(hour=hour + timedelta(hours=later), direction="payin", currency="RUB",
                                       method=cast.method, band=BAND, asked=7, served=7, asked_minor=1)
                            for later in (0, 1))
        admin = people.seat(stage.app, people.person("admin")).sid
        its_trader = people.seat(stage.app, people.person("trader", trader_id=trader.id)).sid
    watched(stage)
    size = f"#size-RUB-{cast.method}-{BAND}"
    with looking(chromium, desk, admin, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin?lang=en")
        expect(page.locator("#bell .pill")).to_be_visible()
        page.locator("#bell").click()
        told = page.locator(".notice-row", has_text="Nobody could take: Card from 1000.00 RUB")
        held(look)
        told.locator("button").click()
        page.wait_for_url("**/admin/coverage?direction=payin")
        page.get_by_text("There are holes").wait_for()
        expect(page.locator(size)).to_contain_text("Hole")
        expect(page.locator(size)).to_contain_text("0 of 1")
        expect(page.locator(hole_of(stage, cast))).to_contain_text("Open")
        held(look)
    with looking(chromium, desk, its_trader, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/trader/orders")
        page.get_by_role("switch", name="Accepting orders").click()
        page.get_by_text("They appear here by themselves while you are on shift").wait_for()
    watched(stage)
    with looking(chromium, desk, admin, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/coverage")
        expect(page.locator(size)).to_contain_text("Covered")
        expect(page.locator(size)).to_contain_text("1 of 1")
        expect(page.locator(hole_of(stage, cast))).not_to_contain_text("Open")
        held(look)
